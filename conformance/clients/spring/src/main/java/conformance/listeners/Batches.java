package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.annotation.SqsListenerAcknowledgementMode;
import io.awspring.cloud.sqs.listener.acknowledgement.BatchAcknowledgement;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.messaging.Message;
import org.springframework.stereotype.Component;

/** Takes batches and acknowledges them by itself: what has an odd number only when it comes a second time. */
@Component
public class Batches {
    public final Set<Integer> seen = ConcurrentHashMap.newKeySet();
    public final Set<Integer> acknowledged = ConcurrentHashMap.newKeySet();
    public final AtomicInteger largest = new AtomicInteger();

    @SqsListener(
            value = "batches-${run}",
            messageVisibilitySeconds = "2",
            acknowledgementMode = SqsListenerAcknowledgementMode.MANUAL)
    void handle(List<Message<Parcel>> messages, BatchAcknowledgement<Parcel> acknowledgement) {
        largest.accumulateAndGet(messages.size(), Math::max);
        List<Message<Parcel>> done = messages.stream().filter(this::isDone).toList();
        if (!done.isEmpty()) {
            acknowledgement.acknowledge(done);
            done.forEach(message -> acknowledged.add(message.getPayload().number()));
        }
    }

    private boolean isDone(Message<Parcel> message) {
        int number = message.getPayload().number();
        return !seen.add(number) || number % 2 == 0;
    }
}
