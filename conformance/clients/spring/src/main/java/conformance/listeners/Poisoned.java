package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.stereotype.Component;

/** Never succeeds on a note that says "poison"; another listener takes what the dead-letter queue gets. */
@Component
public class Poisoned {
    public final Map<Integer, Integer> attempts = new ConcurrentHashMap<>();
    public final Set<Integer> handled = ConcurrentHashMap.newKeySet();
    public final Set<Integer> dead = ConcurrentHashMap.newKeySet();

    @SqsListener("poisoned-${run}")
    void handle(Parcel parcel) {
        attempts.merge(parcel.number(), 1, Integer::sum);
        if (parcel.note().equals("poison")) {
            throw new IllegalStateException("poison");
        }
        handled.add(parcel.number());
    }

    @SqsListener("dead-${run}")
    void bury(Parcel parcel) {
        dead.add(parcel.number());
    }
}
