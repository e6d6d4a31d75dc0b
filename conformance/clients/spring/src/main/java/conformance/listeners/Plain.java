package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.stereotype.Component;

/** The simplest listener: what it returns from is acknowledged. Spring creates its queue. */
@Component
public class Plain {
    public final Set<Parcel> handled = ConcurrentHashMap.newKeySet();
    public final AtomicInteger calls = new AtomicInteger();
    public final Map<Integer, String> origins = new ConcurrentHashMap<>();

    @SqsListener("plain-${run}")
    void handle(Parcel parcel, @Header(name = "origin", required = false) String origin) {
        calls.incrementAndGet();
        handled.add(parcel);
        if (origin != null) {
            origins.put(parcel.number(), origin);
        }
    }
}
