package conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.BatchResultErrorEntry;
import software.amazon.awssdk.services.sqs.model.ChangeMessageVisibilityBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.DeleteMessageBatchRequestEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** Batches: each entry succeeds or fails by itself. */
record BatchCases(Wire wire) {
    List<Case> all() {
        return List.of(
                new Case("a_batch_of_ten_is_sent_hidden_and_deleted", this::ten),
                new Case("a_batch_sends_what_it_can_and_names_the_rest", this::partlySent),
                new Case("a_batch_deletes_what_it_can_and_names_the_rest", this::partlyDeleted),
                new Case("a_batch_changes_the_visibility_it_can_and_names_the_rest", this::partlyChanged));
    }

    private void ten() {
        Queue queue = wire.queue();
        List<SendMessageBatchRequestEntry> entries = IntStream.range(0, 10).mapToObj(BatchCases::entry).toList();
        var sent = wire.sync.sendMessageBatch(r -> r.queueUrl(queue.url()).entries(entries));
        assertThat(sent.successful()).hasSize(10);
        assertThat(sent.hasFailed()).isFalse();
        List<Message> got = receiveAll(queue, 10);
        var kept = wire.sync.changeMessageVisibilityBatch(r -> r.queueUrl(queue.url())
                .entries(got.stream().map(m -> change(m.messageId(), m.receiptHandle())).toList()));
        assertThat(kept.successful()).hasSize(10);
        var deleted = wire.sync.deleteMessageBatch(r -> r.queueUrl(queue.url())
                .entries(got.stream().map(m -> deletion(m.messageId(), m.receiptHandle())).toList()));
        assertThat(deleted.successful()).hasSize(10);
    }

    private static SendMessageBatchRequestEntry entry(int number) {
        return SendMessageBatchRequestEntry.builder()
                .id("e" + number)
                .messageBody("body " + number)
                .messageAttributes(Map.of(
                        "n", MessageCases.value("Number", "" + number),
                        "b", MessageCases.value("Binary", new byte[] {(byte) number})))
                .build();
    }

    private static DeleteMessageBatchRequestEntry deletion(String id, String handle) {
        return DeleteMessageBatchRequestEntry.builder().id(id).receiptHandle(handle).build();
    }

    private static ChangeMessageVisibilityBatchRequestEntry change(String id, String handle) {
        return ChangeMessageVisibilityBatchRequestEntry.builder()
                .id(id)
                .receiptHandle(handle)
                .visibilityTimeout(60)
                .build();
    }

    private static List<Message> receiveAll(Queue queue, int count) {
        List<Message> got = new ArrayList<>();
        while (got.size() < count) {
            List<Message> some = queue.receive();
            assertThat(some).isNotEmpty();
            got.addAll(some);
        }
        return got;
    }

    private void partlySent() {
        Queue queue = wire.queue();
        var reply = wire.sync.sendMessageBatch(r -> r.queueUrl(queue.url())
                .entries(entry(1), entry(2).toBuilder().messageBody("\u0001").build(), entry(3)));
        assertThat(reply.successful()).extracting(e -> e.id()).containsExactlyInAnyOrder("e1", "e3");
        onlyFailure(reply.failed(), "e2", "InvalidMessageContents");
        assertThat(queue.take(2)).extracting(Message::body).containsExactlyInAnyOrder("body 1", "body 3");
    }

    private static void onlyFailure(List<BatchResultErrorEntry> failed, String id, String code) {
        assertThat(failed).hasSize(1);
        assertThat(failed.get(0).id()).isEqualTo(id);
        assertThat(failed.get(0).code()).isEqualTo(code);
        assertThat(failed.get(0).senderFault()).isTrue();
        assertThat(failed.get(0).message()).isNotBlank();
    }

    private void partlyDeleted() {
        Queue queue = wire.queue();
        queue.send("one");
        Message message = queue.receive().get(0);
        var reply = wire.sync.deleteMessageBatch(r -> r.queueUrl(queue.url())
                .entries(deletion("good", message.receiptHandle()), deletion("bad", "no handle")));
        assertThat(reply.successful()).extracting(e -> e.id()).containsExactly("good");
        onlyFailure(reply.failed(), "bad", "ReceiptHandleIsInvalid");
    }

    private void partlyChanged() {
        Queue queue = wire.queue();
        queue.send("one");
        Message message = queue.receive().get(0);
        var reply = wire.sync.changeMessageVisibilityBatch(r -> r.queueUrl(queue.url())
                .entries(change("good", message.receiptHandle()), change("bad", "no handle")));
        assertThat(reply.successful()).extracting(e -> e.id()).containsExactly("good");
        onlyFailure(reply.failed(), "bad", "ReceiptHandleIsInvalid");
    }
}
