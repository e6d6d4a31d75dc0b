package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.SendMessageBatchRequestEntry;

/** That the SDK does compare digests: with one made wrong on the way, each of the three calls fails. */
record DigestCases(Wire wire) {
    List<Case> all() {
        return List.of(
                new Case("a_wrong_digest_of_a_body_is_noticed", () -> noticed("MD5OfMessageBody", "MD5OfBody")),
                new Case(
                        "a_wrong_digest_of_attributes_is_noticed",
                        () -> noticed("MD5OfMessageAttributes", "MD5OfMessageAttributes")));
    }

    private void noticed(String whenSent, String whenReceived) {
        Queue queue = wire.queue();
        var attributes = Map.of("a", MessageCases.value("String", "b"));
        try (SqsClient sends = wire.through(new Falsifier(whenSent));
                SqsClient receives = wire.through(new Falsifier(whenReceived))) {
            refused(() -> sends.sendMessage(
                    r -> r.queueUrl(queue.url()).messageBody("b").messageAttributes(attributes)));
            var entry = SendMessageBatchRequestEntry.builder();
            entry.id("1").messageBody("b").messageAttributes(attributes);
            refused(() -> sends.sendMessageBatch(r -> r.queueUrl(queue.url()).entries(entry.build())));
            refused(() -> receives.receiveMessage(r -> r.queueUrl(queue.url()).messageAttributeNames("All")));
        }
        assertThat(queue.take(1)).hasSize(1);
    }

    private static void refused(Runnable call) {
        assertThatThrownBy(call::run).isInstanceOf(SdkClientException.class).hasMessageContaining("MD5");
    }

    /** Turns the first digit of each digest under one name into another. */
    private record Falsifier(String member) implements ExecutionInterceptor {
        @Override
        public Optional<InputStream> modifyHttpResponseContent(
                Context.ModifyHttpResponse context, ExecutionAttributes attributes) {
            return context.responseBody().map(this::falsified);
        }

        private InputStream falsified(InputStream body) {
            try {
                String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
                String wrong = text.replaceAll("(\"" + member + "\":\")[0-9a-f]", "$1-");
                return new ByteArrayInputStream(wrong.getBytes(StandardCharsets.UTF_8));
            } catch (IOException failure) {
                throw new UncheckedIOException(failure);
            }
        }
    }
}
