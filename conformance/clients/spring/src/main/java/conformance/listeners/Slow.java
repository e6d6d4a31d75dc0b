package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.listener.Visibility;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.stereotype.Component;

/** Takes its time, longer than its messages would stay hidden: it asks for more. Is stopped while it works. */
@Component
public class Slow {
    public static final String ID = "slow";
    private static final int WORK_MILLIS = 1500;

    public final AtomicInteger begun = new AtomicInteger();
    public final Set<Integer> finished = ConcurrentHashMap.newKeySet();
    public final AtomicInteger calls = new AtomicInteger();

    @SqsListener(id = ID, value = "slow-${run}", messageVisibilitySeconds = "1")
    void handle(Parcel parcel, Visibility visibility) throws InterruptedException {
        begun.incrementAndGet();
        visibility.changeTo(60);
        Thread.sleep(WORK_MILLIS);
        finished.add(parcel.number());
        calls.incrementAndGet();
    }
}
