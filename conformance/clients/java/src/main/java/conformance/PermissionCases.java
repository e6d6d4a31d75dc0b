package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.POLICY;

import java.util.List;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.OverLimitException;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** Permissions become statements of the queue's policy. */
record PermissionCases(Wire wire) {
    List<Case> all() {
        return List.of(
                new Case("a_permission_is_added_to_the_policy_and_removed", this::lifecycle),
                new Case("a_label_is_used_once", this::label),
                new Case("OverLimitException", this::overLimit));
    }

    private void lifecycle() {
        Queue queue = wire.queue();
        add(queue, "first", "ReceiveMessage");
        add(queue, "second", "SendMessage", "GetQueueUrl");
        assertThat(queue.attribute(POLICY))
                .contains("\"Sid\":\"first\"", "SQS:ReceiveMessage", "\"Sid\":\"second\"", "SQS:GetQueueUrl")
                .contains("arn:aws:iam::111122223333:root", queue.arn());
        remove(queue, "first");
        assertThat(queue.attribute(POLICY)).doesNotContain("first").contains("second");
        remove(queue, "second");
        assertThat(queue.attribute(POLICY)).isNull();
    }

    private void add(Queue queue, String label, String... actions) {
        wire.sync.addPermission(
                r -> r.queueUrl(queue.url()).label(label).awsAccountIds("111122223333").actions(actions));
    }

    private void remove(Queue queue, String label) {
        wire.sync.removePermission(r -> r.queueUrl(queue.url()).label(label));
    }

    private void label() {
        Queue queue = wire.queue();
        add(queue, "twice", "SendMessage");
        RefusalCases.refused(
                SqsException.class, "InvalidParameterValue", 400, () -> add(queue, "twice", "ReceiveMessage"));
        RefusalCases.refused(SqsException.class, "InvalidParameterValue", 400, () -> remove(queue, "absent"));
    }

    private void overLimit() {
        Queue queue = wire.queue();
        String[] eight = IntStream.range(0, 8).mapToObj(i -> "SendMessage").toArray(String[]::new);
        RefusalCases.refused(OverLimitException.class, "OverLimit", 403, () -> add(queue, "many", eight));
    }
}
