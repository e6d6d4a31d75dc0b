package conformance;

import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.net.URI;
import java.util.Map;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.stereotype.Component;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** The queues of this run: their names, and how many messages they hold. */
@Component
class Queues {
    private final SqsAsyncClient client;
    private final String run;

    Queues(SqsAsyncClient client, @Value("${run}") String run) {
        this.client = client;
        this.run = run;
    }

    String name(String stem) {
        return stem.endsWith(".fifo") ? stem.replace(".fifo", "-" + run + ".fifo") : stem + "-" + run;
    }

    /** The queues whose attributes matter, as somebody's infrastructure code would have made them. */
    static void prepare(String endpoint, String run) {
        var dummy = StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
        try (SqsClient sqs = SqsClient.builder()
                .endpointOverride(URI.create(endpoint))
                .region(Region.US_EAST_1)
                .credentialsProvider(dummy)
                .build()) {
            var fifo = Map.of(FIFO_QUEUE, "true", CONTENT_BASED_DEDUPLICATION, "true", VISIBILITY_TIMEOUT, "2");
            create(sqs, "flaky-" + run, Map.of(VISIBILITY_TIMEOUT, "1"));
            create(sqs, "ordered-" + run + ".fifo", fifo);
            create(sqs, "halting-" + run + ".fifo", fifo);
            String dead = arn(sqs, create(sqs, "dead-" + run, Map.of()));
            String policy = "{\"deadLetterTargetArn\":\"" + dead + "\",\"maxReceiveCount\":3}";
            create(sqs, "poisoned-" + run, Map.of(VISIBILITY_TIMEOUT, "1", REDRIVE_POLICY, policy));
        }
    }

    private static String create(SqsClient sqs, String name, Map<QueueAttributeName, String> attributes) {
        return sqs.createQueue(r -> r.queueName(name).attributes(attributes)).queueUrl();
    }

    private static String arn(SqsClient sqs, String url) {
        return sqs.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QUEUE_ARN)).attributes().get(QUEUE_ARN);
    }

    /** Messages that wait, and messages that somebody holds. */
    record Counts(int waiting, int held) {}

    Counts counts(String stem) {
        String url = client.getQueueUrl(r -> r.queueName(name(stem))).join().queueUrl();
        var read = client.getQueueAttributes(r -> r.queueUrl(url).attributeNames(ALL)).join().attributes();
        return new Counts(
                Integer.parseInt(read.get(APPROXIMATE_NUMBER_OF_MESSAGES)),
                Integer.parseInt(read.get(APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE)));
    }

    /** Acknowledgements are gathered for up to a second: waits until the queue holds nothing any more. */
    void becomeEmpty(String stem) throws InterruptedException {
        Counts none = new Counts(0, 0);
        Expect.eventually(() -> counts(stem).equals(none), () -> stem + " holds " + counts(stem));
    }

    boolean exists(String stem) {
        return client.getQueueUrl(r -> r.queueName(name(stem))).handle((found, absent) -> found != null).join();
    }

    /** The client that Spring made, for a template with settings of its own. */
    SqsTemplate template(io.awspring.cloud.sqs.listener.QueueNotFoundStrategy strategy) {
        return SqsTemplate.builder()
                .sqsAsyncClient(client)
                .configure(options -> options.queueNotFoundStrategy(strategy))
                .build();
    }
}
