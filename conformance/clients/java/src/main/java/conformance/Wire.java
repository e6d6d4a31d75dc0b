package conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.SdkRequest;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsAsyncClient;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;
import software.amazon.awssdk.services.sqs.model.SqsRequest;

/** The clients that the cases share, new queues, and the count of the operations that succeeded. */
final class Wire implements AutoCloseable {
    private static final StaticCredentialsProvider DUMMY =
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test"));
    private static final Duration LONGEST_CALL = Duration.ofSeconds(40);

    final SqsClient sync;
    final SqsAsyncClient async;
    /** The clock of what the SDK gathers. */
    final ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);
    private final URI endpoint;
    private final Set<String> succeeded = ConcurrentHashMap.newKeySet();

    Wire(URI endpoint) {
        this.endpoint = endpoint;
        this.sync = configured(SqsClient.builder(), new Recorder()).build();
        this.async = configured(SqsAsyncClient.builder(), new Recorder()).build();
    }

    /** A synchronous client whose traffic passes through {@code interceptor}. */
    SqsClient through(ExecutionInterceptor interceptor) {
        return configured(SqsClient.builder(), interceptor).build();
    }

    private <B extends AwsClientBuilder<B, ?>> B configured(B builder, ExecutionInterceptor interceptor) {
        return builder.endpointOverride(endpoint)
                .region(Region.US_EAST_1)
                .credentialsProvider(DUMMY)
                .overrideConfiguration(c -> c.apiCallTimeout(LONGEST_CALL).addExecutionInterceptor(interceptor));
    }

    /** A new standard queue; {@code attributes} are names and values in turn. */
    Queue queue(Object... attributes) {
        return create("java-" + UUID.randomUUID(), pairs(attributes));
    }

    /** A new FIFO queue. */
    Queue fifo(Object... attributes) {
        Map<QueueAttributeName, String> with = pairs(attributes);
        with.put(QueueAttributeName.FIFO_QUEUE, "true");
        return create("java-" + UUID.randomUUID() + ".fifo", with);
    }

    private Queue create(String name, Map<QueueAttributeName, String> attributes) {
        String url = sync.createQueue(r -> r.queueName(name).attributes(attributes)).queueUrl();
        String arn = sync.getQueueAttributes(r -> r.queueUrl(url).attributeNames(QueueAttributeName.QUEUE_ARN))
                .attributes()
                .get(QueueAttributeName.QUEUE_ARN);
        return new Queue(sync, name, url, arn);
    }

    private static Map<QueueAttributeName, String> pairs(Object... attributes) {
        Map<QueueAttributeName, String> map = new ConcurrentHashMap<>();
        for (int i = 0; i < attributes.length; i += 2) {
            map.put((QueueAttributeName) attributes[i], attributes[i + 1].toString());
        }
        return map;
    }

    /** The operations are those that the client has methods for, not a list that could grow old. */
    void everyOperationSucceeded() {
        Set<String> operations = Arrays.stream(SqsClient.class.getMethods())
                .filter(Wire::takesOneRequest)
                .map(Method::getName)
                .filter(name -> !name.endsWith("Paginator"))
                .map(name -> Character.toUpperCase(name.charAt(0)) + name.substring(1))
                .collect(Collectors.toSet());
        assertThat(operations).hasSizeGreaterThanOrEqualTo(23);
        assertThat(succeeded).containsAll(operations);
    }

    private static boolean takesOneRequest(Method method) {
        return Stream.of(method.getParameterTypes()).filter(SqsRequest.class::isAssignableFrom).count() == 1;
    }

    @Override
    public void close() {
        sync.close();
        async.close();
        scheduler.shutdownNow();
    }

    /** Notes each operation that was answered with success. */
    private final class Recorder implements ExecutionInterceptor {
        @Override
        public void afterExecution(Context.AfterExecution context, ExecutionAttributes attributes) {
            SdkRequest request = context.request();
            succeeded.add(request.getClass().getSimpleName().replaceAll("Request$", ""));
        }
    }
}
