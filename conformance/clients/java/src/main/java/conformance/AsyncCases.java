package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueDoesNotExistException;
import software.amazon.awssdk.services.sqs.model.ReceiveMessageResponse;

/** The asynchronous client: many calls in flight on few connections' worth of threads. */
record AsyncCases(Wire wire) {
    private static final int TOGETHER = 40;

    List<Case> all() {
        return List.of(
                new Case("many_long_polls_wait_together_and_each_gets_a_message", this::together),
                new Case("a_message_is_not_lost_to_a_poll_that_was_given_up", this::givenUp),
                new Case("pages_are_published_asynchronously", this::pages),
                new Case("an_asynchronous_call_fails_with_the_typed_exception", this::fails));
    }

    private void together() throws Exception {
        Queue queue = wire.queue();
        List<CompletableFuture<ReceiveMessageResponse>> polls = Stream.generate(
                        () -> wire.async.receiveMessage(r -> r.queueUrl(queue.url()).waitTimeSeconds(20)))
                .limit(TOGETHER)
                .toList();
        List<CompletableFuture<?>> sends = new ArrayList<>();
        for (int i = 0; i < TOGETHER; i++) {
            String body = "m" + i;
            sends.add(wire.async.sendMessage(r -> r.queueUrl(queue.url()).messageBody(body)));
        }
        CompletableFuture.allOf(sends.toArray(CompletableFuture[]::new)).get(20, TimeUnit.SECONDS);
        Set<String> bodies = ConcurrentHashMap.newKeySet();
        for (var poll : polls) {
            for (Message message : poll.get(30, TimeUnit.SECONDS).messages()) {
                bodies.add(message.body());
                wire.async.deleteMessage(r -> r.queueUrl(queue.url()).receiptHandle(message.receiptHandle())).get();
            }
        }
        assertThat(bodies).hasSize(TOGETHER);
    }

    private void givenUp() throws Exception {
        Queue queue = wire.queue();
        var poll = wire.async.receiveMessage(r -> r.queueUrl(queue.url()).waitTimeSeconds(20));
        assertThat(queue.receive()).isEmpty();
        poll.cancel(true);
        // A busy machine may take its time to see the connection close: three seconds of waits on another one.
        for (int second = 0; second < 3; second++) {
            assertThat(queue.receive()).isEmpty();
        }
        queue.send("for who is still there");
        assertThat(queue.receive()).hasSize(1);
    }

    private void pages() throws Exception {
        String prefix = wire.queue().name();
        for (int i = 0; i < 4; i++) {
            String name = prefix + "-" + i;
            wire.async.createQueue(r -> r.queueName(name)).get();
        }
        List<String> urls = new ArrayList<>();
        wire.async.listQueuesPaginator(r -> r.queueNamePrefix(prefix).maxResults(2)).queueUrls()
                .subscribe(urls::add)
                .get(20, TimeUnit.SECONDS);
        assertThat(urls).hasSize(5).doesNotHaveDuplicates();
    }

    private void fails() {
        var failure = catchThrowableOfType(
                CompletionException.class,
                () -> wire.async.purgeQueue(r -> r.queueUrl(wire.queue().url() + "-absent")).join());
        assertThat(failure).hasCauseExactlyInstanceOf(QueueDoesNotExistException.class);
    }
}
