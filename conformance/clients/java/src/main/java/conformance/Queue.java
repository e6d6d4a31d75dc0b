package conformance;

import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** A queue of one case, and the calls that nearly every case makes on it. */
record Queue(SqsClient sqs, String name, String url, String arn) {
    void send(String body) {
        sqs.sendMessage(r -> r.queueUrl(url).messageBody(body));
    }

    /** One receive of up to ten messages with all that they carry; it waits a second for the first of them. */
    List<Message> receive() {
        return sqs.receiveMessage(r -> r.queueUrl(url)
                        .maxNumberOfMessages(10)
                        .waitTimeSeconds(1)
                        .messageAttributeNames("All")
                        .messageSystemAttributeNamesWithStrings("All"))
                .messages();
    }

    /** Receives and deletes until {@code count} messages came, or a receive came back empty. */
    List<Message> take(int count) {
        List<Message> taken = new ArrayList<>();
        while (taken.size() < count) {
            List<Message> batch = receive();
            if (batch.isEmpty()) {
                break;
            }
            batch.forEach(this::delete);
            taken.addAll(batch);
        }
        return taken;
    }

    void delete(Message message) {
        sqs.deleteMessage(r -> r.queueUrl(url).receiptHandle(message.receiptHandle()));
    }

    /** One attribute, or null where the queue has none of this name. */
    String attribute(QueueAttributeName which) {
        return sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(which)).attributes().get(which);
    }
}
