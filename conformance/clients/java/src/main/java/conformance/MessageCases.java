package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeNameForSends;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeValue;
import software.amazon.awssdk.services.sqs.model.SqsException;

/** Single messages on standard queues. The SDK compares the digests of every body and attribute by itself. */
record MessageCases(Wire wire) {
    private static final int LARGEST = 1024 * 1024;
    private static final String EVERY_KIND_OF_TEXT = "plain, ümläut, 日本語, \uD83D\uDEA2, <a b=\"c\">&amp;</a>, \t\n\r\r\n, \\\"\u007f\u2028";
    private static final String TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    List<Case> all() {
        return List.of(
                new Case("an_empty_receive_takes_its_wait", this::emptyWait),
                new Case("a_long_poll_ends_when_a_message_comes", this::woken),
                new Case("a_body_of_every_kind_of_text_comes_back", this::text),
                new Case("attributes_of_every_type_come_back", this::attributes),
                new Case("only_the_attributes_asked_for_come_back", this::chosen),
                new Case("system_attributes_are_typed", this::systemAttributes),
                new Case("a_body_of_one_mebibyte_passes_and_one_byte_more_is_refused", this::largest),
                new Case("a_delayed_message_comes_late", this::delayed),
                new Case("a_changed_visibility_is_kept", this::visibility),
                new Case("a_deleted_message_is_gone", this::deleted));
    }

    private void emptyWait() {
        Queue queue = wire.queue(RECEIVE_MESSAGE_WAIT_TIME_SECONDS, 2);
        Instant begun = Instant.now();
        assertThat(wire.sync.receiveMessage(r -> r.queueUrl(queue.url())).hasMessages()).isFalse();
        assertThat(Duration.between(begun, Instant.now())).isBetween(Duration.ofMillis(1900), Duration.ofSeconds(8));
    }

    private void woken() throws Exception {
        Queue queue = wire.queue();
        var waiting = CompletableFuture.supplyAsync(
                () -> wire.sync.receiveMessage(r -> r.queueUrl(queue.url()).waitTimeSeconds(20)).messages());
        queue.send("wake");
        Instant begun = Instant.now();
        assertThat(waiting.get()).extracting(Message::body).containsExactly("wake");
        assertThat(Duration.between(begun, Instant.now())).isLessThan(Duration.ofSeconds(10));
    }

    private void text() {
        Queue queue = wire.queue();
        queue.send(EVERY_KIND_OF_TEXT);
        assertThat(queue.take(1)).extracting(Message::body).containsExactly(EVERY_KIND_OF_TEXT);
    }

    private void attributes() {
        Queue queue = wire.queue();
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        Map<String, MessageAttributeValue> sent = Map.of(
                "text", value("String", EVERY_KIND_OF_TEXT),
                "custom", value("String.größe", "x"),
                "number", value("Number", "-12345678901234567890.5"),
                "int", value("Number.int", "7"),
                "bytes", value("Binary", bytes),
                "gif", value("Binary.gif", new byte[] {0}),
                "Ordered.before_lower-case", value("String", "sorted by bytes"));
        var reply = wire.sync.sendMessage(r -> r.queueUrl(queue.url()).messageBody("b").messageAttributes(sent));
        Message got = queue.take(1).get(0);
        assertThat(got.messageAttributes()).isEqualTo(sent);
        assertThat(got.md5OfMessageAttributes()).isEqualTo(reply.md5OfMessageAttributes()).hasSize(32);
    }

    static MessageAttributeValue value(String type, String text) {
        return MessageAttributeValue.builder().dataType(type).stringValue(text).build();
    }

    static MessageAttributeValue value(String type, byte[] bytes) {
        return MessageAttributeValue.builder().dataType(type).binaryValue(SdkBytes.fromByteArray(bytes)).build();
    }

    private void chosen() {
        Queue queue = wire.queue(VISIBILITY_TIMEOUT, 0);
        Map<String, MessageAttributeValue> sent = new HashMap<>();
        for (String name : List.of("app.a", "app.b", "other")) {
            sent.put(name, value("String", name));
        }
        wire.sync.sendMessage(r -> r.queueUrl(queue.url()).messageBody("b").messageAttributes(sent));
        assertThat(namesFor(queue, "app.*")).containsExactlyInAnyOrder("app.a", "app.b");
        assertThat(namesFor(queue, "other", "absent")).containsExactly("other");
        assertThat(namesFor(queue)).isEmpty();
    }

    private List<String> namesFor(Queue queue, String... wanted) {
        var got = wire.sync.receiveMessage(r -> r.queueUrl(queue.url()).messageAttributeNames(wanted)).messages();
        return List.copyOf(got.get(0).messageAttributes().keySet());
    }

    private void systemAttributes() {
        Queue queue = wire.queue();
        var trace = MessageSystemAttributeValue.builder().dataType("String").stringValue(TRACE).build();
        var reply = wire.sync.sendMessage(r -> r.queueUrl(queue.url())
                .messageBody("b")
                .messageGroupId("tenant-7")
                .messageSystemAttributes(Map.of(MessageSystemAttributeNameForSends.AWS_TRACE_HEADER, trace)));
        assertThat(reply.md5OfMessageSystemAttributes()).hasSize(32);
        Map<MessageSystemAttributeName, String> got = queue.take(1).get(0).attributes();
        assertThat(got)
                .containsEntry(MessageSystemAttributeName.AWS_TRACE_HEADER, TRACE)
                .containsEntry(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT, "1")
                .containsEntry(MessageSystemAttributeName.MESSAGE_GROUP_ID, "tenant-7")
                .containsKeys(
                        MessageSystemAttributeName.SENDER_ID,
                        MessageSystemAttributeName.APPROXIMATE_FIRST_RECEIVE_TIMESTAMP)
                .doesNotContainKey(MessageSystemAttributeName.UNKNOWN_TO_SDK_VERSION);
        long sent = Long.parseLong(got.get(MessageSystemAttributeName.SENT_TIMESTAMP));
        assertThat(Duration.between(Instant.ofEpochMilli(sent), Instant.now()).abs()).isLessThan(Duration.ofMinutes(1));
    }

    private void largest() {
        Queue queue = wire.queue();
        byte[] letters = new byte[LARGEST];
        Arrays.fill(letters, (byte) 'x');
        String body = new String(letters, StandardCharsets.US_ASCII);
        queue.send(body);
        assertThat(queue.take(1).get(0).body()).isEqualTo(body);
        var refused = catchThrowableOfType(SqsException.class, () -> queue.send(body + "x"));
        assertThat(refused.awsErrorDetails().errorCode()).isEqualTo("InvalidParameterValue");
        assertThat(refused.statusCode()).isEqualTo(400);
    }

    private void delayed() {
        Queue queue = wire.queue();
        Instant begun = Instant.now();
        wire.sync.sendMessage(r -> r.queueUrl(queue.url()).messageBody("late").delaySeconds(2));
        assertThat(queue.attribute(APPROXIMATE_NUMBER_OF_MESSAGES_DELAYED)).isEqualTo("1");
        var got = wire.sync.receiveMessage(r -> r.queueUrl(queue.url()).waitTimeSeconds(20)).messages();
        assertThat(got).extracting(Message::body).containsExactly("late");
        assertThat(Duration.between(begun, Instant.now())).isGreaterThan(Duration.ofMillis(1900));
    }

    private void visibility() {
        Queue queue = wire.queue();
        queue.send("held");
        Message first = queue.receive().get(0);
        assertThat(wire.sync.receiveMessage(r -> r.queueUrl(queue.url())).messages()).isEmpty();
        wire.sync.changeMessageVisibility(
                r -> r.queueUrl(queue.url()).receiptHandle(first.receiptHandle()).visibilityTimeout(0));
        Message second = queue.receive().get(0);
        assertThat(second.messageId()).isEqualTo(first.messageId());
        assertThat(second.receiptHandle()).isNotEqualTo(first.receiptHandle());
        assertThat(second.attributes()).containsEntry(MessageSystemAttributeName.APPROXIMATE_RECEIVE_COUNT, "2");
    }

    private void deleted() {
        Queue queue = wire.queue(VISIBILITY_TIMEOUT, 0);
        queue.send("once");
        Message message = queue.receive().get(0);
        queue.delete(message);
        queue.delete(message);
        assertThat(wire.sync.receiveMessage(r -> r.queueUrl(queue.url())).messages()).isEmpty();
    }
}
