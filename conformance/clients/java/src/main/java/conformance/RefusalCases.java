package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.*;

/** Errors arrive as the exception class of their name, with the code of the older protocol and the HTTP status. */
record RefusalCases(Wire wire) {
    private static final String OLD = "AWS.SimpleQueueService.";

    List<Case> all() {
        return List.of(
                new Case("QueueDoesNotExistException", this::absent),
                new Case("QueueNameExistsException", this::exists),
                new Case("ReceiptHandleIsInvalidException", this::handle),
                new Case("InvalidAttributeNameException", this::attributeName),
                new Case("InvalidAttributeValueException", this::attributeValue),
                new Case("InvalidMessageContentsException", this::contents),
                new Case("EmptyBatchRequestException", this::emptyBatch),
                new Case("TooManyEntriesInBatchRequestException", this::tooMany),
                new Case("BatchEntryIdsNotDistinctException", this::notDistinct),
                new Case("InvalidBatchEntryIdException", this::entryId),
                new Case("BatchRequestTooLongException", this::tooLong),
                new Case("ResourceNotFoundException", this::noResource),
                new Case("an_error_that_the_sdk_has_no_class_for_keeps_its_code", this::unmodelled));
    }

    /** The call must fail with just this class, code and status. */
    static <E extends SqsException> E refused(Class<E> type, String code, int status, Runnable call) {
        E error = catchThrowableOfType(type, call::run);
        assertThat(error).as("the call is refused").isNotNull();
        assertThat(error).isExactlyInstanceOf(type);
        assertThat(error.awsErrorDetails().errorCode()).isEqualTo(code);
        assertThat(error.awsErrorDetails().errorMessage()).isNotBlank();
        assertThat(error.statusCode()).isEqualTo(status);
        assertThat(error.requestId()).isNotBlank();
        return error;
    }

    private void absent() {
        var error = refused(
                QueueDoesNotExistException.class,
                OLD + "NonExistentQueue",
                400,
                () -> wire.sync.getQueueUrl(r -> r.queueName("absent")));
        assertThat(error.awsErrorDetails().errorMessage()).isEqualTo("The specified queue does not exist.");
        String gone = wire.queue().url() + "-gone";
        refused(QueueDoesNotExistException.class, OLD + "NonExistentQueue", 400,
                () -> wire.sync.sendMessage(r -> r.queueUrl(gone).messageBody("b")));
    }

    private void exists() {
        Queue queue = wire.queue(DELAY_SECONDS, 1);
        refused(QueueNameExistsException.class, "QueueAlreadyExists", 400,
                () -> wire.sync.createQueue(r -> r.queueName(queue.name()).attributes(Map.of(DELAY_SECONDS, "2"))));
    }

    private void handle() {
        Queue queue = wire.queue();
        refused(ReceiptHandleIsInvalidException.class, "ReceiptHandleIsInvalid", 404,
                () -> wire.sync.deleteMessage(r -> r.queueUrl(queue.url()).receiptHandle("no handle")));
    }

    private void attributeName() {
        Queue queue = wire.queue();
        refused(InvalidAttributeNameException.class, "InvalidAttributeName", 400,
                () -> wire.sync.getQueueAttributes(r -> r.queueUrl(queue.url()).attributeNamesWithStrings("Foobar")));
    }

    private void attributeValue() {
        Queue queue = wire.queue();
        refused(InvalidAttributeValueException.class, "InvalidAttributeValue", 400,
                () -> wire.sync.setQueueAttributes(
                        r -> r.queueUrl(queue.url()).attributes(Map.of(DELAY_SECONDS, "901"))));
    }

    private void contents() {
        Queue queue = wire.queue();
        refused(InvalidMessageContentsException.class, "InvalidMessageContents", 400, () -> queue.send("\u0001"));
    }

    private void emptyBatch() {
        Queue queue = wire.queue();
        refused(EmptyBatchRequestException.class, OLD + "EmptyBatchRequest", 400, () -> send(queue, List.of()));
    }

    private void tooMany() {
        Queue queue = wire.queue();
        var eleven = IntStream.range(0, 11).mapToObj(i -> entry("e" + i, "b")).toList();
        refused(TooManyEntriesInBatchRequestException.class, OLD + "TooManyEntriesInBatchRequest", 400,
                () -> send(queue, eleven));
    }

    private void notDistinct() {
        Queue queue = wire.queue();
        refused(BatchEntryIdsNotDistinctException.class, OLD + "BatchEntryIdsNotDistinct", 400,
                () -> send(queue, List.of(entry("a", "1"), entry("a", "2"))));
    }

    private void entryId() {
        Queue queue = wire.queue();
        refused(InvalidBatchEntryIdException.class, OLD + "InvalidBatchEntryId", 400,
                () -> send(queue, List.of(entry("a:b", "1"))));
    }

    private void tooLong() {
        Queue queue = wire.queue();
        String half = "x".repeat(512 * 1024);
        refused(BatchRequestTooLongException.class, OLD + "BatchRequestTooLong", 400,
                () -> send(queue, List.of(entry("a", half), entry("b", half + "x"))));
    }

    private void send(Queue queue, List<SendMessageBatchRequestEntry> entries) {
        wire.sync.sendMessageBatch(r -> r.queueUrl(queue.url()).entries(entries));
    }

    private static SendMessageBatchRequestEntry entry(String id, String body) {
        return SendMessageBatchRequestEntry.builder().id(id).messageBody(body).build();
    }

    private void noResource() {
        String absent = wire.queue().arn() + "-absent";
        refused(ResourceNotFoundException.class, "ResourceNotFoundException", 404,
                () -> wire.sync.startMessageMoveTask(r -> r.sourceArn(absent)));
    }

    private void unmodelled() {
        Queue queue = wire.queue();
        refused(SqsException.class, "MissingParameter", 400, () -> queue.send(""));
        refused(SqsException.class, "InvalidParameterValue", 400,
                () -> wire.sync.receiveMessage(r -> r.queueUrl(queue.url()).maxNumberOfMessages(11)));
    }
}
