package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.batchmanager.SqsAsyncBatchManager;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** The SDK's batch manager: it gathers single calls into batches, and answers receives from what it fetched ahead. */
record BatchManagerCases(Wire wire) {
    private static final int MESSAGES = 1000;
    /**
     * The SDK drops messages that come just when the wait for them ends: so the wait is long, that this is rare, and
     * what is dropped comes again soon.
     */
    private static final Duration WAIT = Duration.ofSeconds(2);
    private static final int HIDDEN_SECONDS = 30;
    private static final int WAIT_SECONDS = 60;

    List<Case> all() {
        return List.of(
                new Case("a_thousand_messages_go_through_the_batch_manager", this::thousand),
                new Case("a_failed_entry_of_the_batch_manager_fails_alone", this::failsAlone));
    }

    private SqsAsyncBatchManager batches() {
        return SqsAsyncBatchManager.builder()
                .client(wire.async)
                .scheduledExecutor(wire.scheduler)
                .overrideConfiguration(c -> c.receiveMessageMinWaitDuration(WAIT)
                        .sendRequestFrequency(Duration.ofMillis(20))
                        .receiveMessageAttributeNames(List.of("All"))
                        .receiveMessageSystemAttributeNames(List.of(MessageSystemAttributeName.ALL)))
                .build();
    }

    private void thousand() throws Exception {
        Queue queue = wire.queue(VISIBILITY_TIMEOUT, HIDDEN_SECONDS);
        try (SqsAsyncBatchManager manager = batches()) {
            Set<String> sent = sendAll(manager, queue);
            Set<String> got = new HashSet<>();
            while (got.size() < MESSAGES) {
                List<Message> messages = manager.receiveMessage(r -> r.queueUrl(queue.url()).maxNumberOfMessages(10))
                        .get(WAIT_SECONDS, TimeUnit.SECONDS)
                        .messages();
                hideThenDelete(manager, queue, messages);
                messages.forEach(m -> assertThat(got.add(m.messageId())).as("received once").isTrue());
            }
            assertThat(got).isEqualTo(sent);
        }
        assertThat(queue.attribute(APPROXIMATE_NUMBER_OF_MESSAGES)).isEqualTo("0");
        assertThat(queue.attribute(APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE)).isEqualTo("0");
    }

    private static Set<String> sendAll(SqsAsyncBatchManager manager, Queue queue) {
        var sends = IntStream.range(0, MESSAGES)
                .mapToObj(i -> manager.sendMessage(r -> r.queueUrl(queue.url())
                        .messageBody("body " + i)
                        .messageAttributes(Map.of("n", MessageCases.value("Number", "" + i)))))
                .toList();
        Set<String> ids = new HashSet<>();
        sends.forEach(send -> ids.add(send.orTimeout(WAIT_SECONDS, TimeUnit.SECONDS).join().messageId()));
        assertThat(ids).hasSize(MESSAGES);
        return ids;
    }

    private static void hideThenDelete(SqsAsyncBatchManager manager, Queue queue, List<Message> messages) {
        var ended = messages.stream()
                .map(m -> manager.changeMessageVisibility(r -> r.queueUrl(queue.url())
                                .receiptHandle(m.receiptHandle())
                                .visibilityTimeout(300))
                        .thenCompose(changed -> manager.deleteMessage(
                                r -> r.queueUrl(queue.url()).receiptHandle(m.receiptHandle()))))
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(ended).orTimeout(WAIT_SECONDS, TimeUnit.SECONDS).join();
    }

    private void failsAlone() {
        Queue queue = wire.queue();
        try (SqsAsyncBatchManager manager = batches()) {
            var good = manager.sendMessage(r -> r.queueUrl(queue.url()).messageBody("good"));
            var bad = manager.sendMessage(r -> r.queueUrl(queue.url()).messageBody("\u0001"));
            assertThat(good.join().messageId()).isNotBlank();
            var failure = catchThrowableOfType(CompletionException.class, bad::join);
            assertThat(failure).hasCauseInstanceOf(SqsException.class);
            var cause = (SqsException) failure.getCause();
            assertThat(cause.awsErrorDetails().errorCode()).isEqualTo("InvalidMessageContents");
        }
        assertThat(queue.take(2)).extracting(Message::body).containsExactly("good");
    }
}
