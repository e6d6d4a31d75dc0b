package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName.*;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.SendMessageResponse;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** FIFO queues: order within a group, deduplication, sequence numbers. */
record FifoCases(Wire wire) {
    List<Case> all() {
        return List.of(
                new Case("messages_of_a_group_come_in_order", this::order),
                new Case("a_group_in_flight_is_locked", this::locked),
                new Case("a_duplicate_is_accepted_and_not_delivered", this::duplicate),
                new Case("equal_contents_are_duplicates_where_the_queue_says_so", this::contents),
                new Case("a_receive_tried_again_gets_the_same_messages", this::attempt),
                new Case("a_fifo_batch_keeps_its_order", this::batch),
                new Case("a_message_without_a_group_is_refused", this::groupless));
    }

    private SendMessageResponse send(Queue queue, String group, String deduplication, String body) {
        return wire.sync.sendMessage(r -> r.queueUrl(queue.url())
                .messageGroupId(group)
                .messageDeduplicationId(deduplication)
                .messageBody(body));
    }

    private void order() {
        Queue queue = wire.fifo();
        List<BigInteger> numbers = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            numbers.add(new BigInteger(send(queue, "g" + i % 3, "d" + i, "" + i).sequenceNumber()));
        }
        assertThat(numbers).isSorted().doesNotHaveDuplicates();
        var byGroup = queue.take(60).stream()
                .collect(Collectors.groupingBy(m -> m.attributes().get(MESSAGE_GROUP_ID)));
        assertThat(byGroup).hasSize(3);
        byGroup.forEach((group, messages) -> {
            assertThat(messages).hasSize(20);
            assertThat(messages).extracting(m -> Integer.valueOf(m.body())).isSorted();
            assertThat(messages).extracting(m -> new BigInteger(m.attributes().get(SEQUENCE_NUMBER))).isSorted();
        });
    }

    private void locked() {
        Queue queue = wire.fifo();
        send(queue, "g", "1", "first");
        Message first = queue.receive().get(0);
        send(queue, "g", "2", "second");
        send(queue, "h", "3", "elsewhere");
        assertThat(queue.receive()).extracting(Message::body).containsExactly("elsewhere");
        queue.delete(first);
        assertThat(queue.receive()).extracting(Message::body).containsExactly("second");
    }

    private void duplicate() {
        Queue queue = wire.fifo();
        SendMessageResponse first = send(queue, "g", "same", "one");
        SendMessageResponse second = send(queue, "g", "same", "two");
        assertThat(second.messageId()).isEqualTo(first.messageId());
        assertThat(queue.take(2)).extracting(Message::body).containsExactly("one");
    }

    private void contents() {
        Queue queue = wire.fifo(QueueAttributeName.CONTENT_BASED_DEDUPLICATION, "true");
        for (String body : List.of("a", "b", "a")) {
            wire.sync.sendMessage(r -> r.queueUrl(queue.url()).messageGroupId("g").messageBody(body));
        }
        assertThat(queue.take(3)).extracting(Message::body).containsExactly("a", "b");
    }

    private void attempt() {
        Queue queue = wire.fifo();
        send(queue, "g", "1", "one");
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            var got = wire.sync.receiveMessage(r -> r.queueUrl(queue.url()).receiveRequestAttemptId("attempt"));
            got.messages().forEach(m -> ids.add(m.messageId()));
        }
        assertThat(ids).hasSize(2);
        assertThat(ids.get(0)).isEqualTo(ids.get(1));
    }

    private void batch() {
        Queue queue = wire.fifo();
        List<SendMessageBatchRequestEntry> entries = IntStream.range(0, 10)
                .mapToObj(i -> SendMessageBatchRequestEntry.builder()
                        .id("e" + i)
                        .messageBody("" + i)
                        .messageGroupId("g")
                        .messageDeduplicationId("d" + i)
                        .build())
                .toList();
        var reply = wire.sync.sendMessageBatch(r -> r.queueUrl(queue.url()).entries(entries));
        assertThat(reply.successful()).extracting(e -> e.sequenceNumber()).doesNotContainNull();
        assertThat(queue.take(10)).extracting(Message::body)
                .containsExactly("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
    }

    private void groupless() {
        Queue queue = wire.fifo();
        RefusalCases.refused(SqsException.class, "MissingParameter", 400, () -> queue.send("b"));
    }
}
