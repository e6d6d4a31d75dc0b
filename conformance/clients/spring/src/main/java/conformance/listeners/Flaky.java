package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.listener.SqsHeaders.MessageSystemAttributes;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.stereotype.Component;

/** Fails on each message the first time. */
@Component
public class Flaky {
    /** The receive count with which each message was handled in the end. */
    public final Map<Integer, String> handled = new ConcurrentHashMap<>();

    private final Map<Integer, Boolean> failed = new ConcurrentHashMap<>();

    @SqsListener("flaky-${run}")
    void handle(Parcel parcel, @Header(MessageSystemAttributes.SQS_APPROXIMATE_RECEIVE_COUNT) String count) {
        if (failed.put(parcel.number(), true) == null) {
            throw new IllegalStateException("the first time fails");
        }
        handled.put(parcel.number(), count);
    }
}
