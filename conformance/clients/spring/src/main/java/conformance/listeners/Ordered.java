package conformance.listeners;

import conformance.Parcel;
import io.awspring.cloud.sqs.annotation.SqsListener;
import io.awspring.cloud.sqs.listener.SqsHeaders.MessageSystemAttributes;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.stereotype.Component;

/** FIFO listeners: one notes what came of each group, the other fails once in the middle of each group. */
@Component
public class Ordered {
    public final Map<String, List<Integer>> ordered = new ConcurrentHashMap<>();
    public final Map<String, List<Integer>> halting = new ConcurrentHashMap<>();

    private static final int STUMBLES_AT = 3;
    private final Map<String, Boolean> stumbled = new ConcurrentHashMap<>();

    @SqsListener("ordered-${run}.fifo")
    void handle(Parcel parcel, @Header(MessageSystemAttributes.SQS_MESSAGE_GROUP_ID_HEADER) String group) {
        note(ordered, group, parcel);
    }

    @SqsListener("halting-${run}.fifo")
    void stumble(Parcel parcel, @Header(MessageSystemAttributes.SQS_MESSAGE_GROUP_ID_HEADER) String group) {
        if (parcel.number() == STUMBLES_AT && stumbled.put(group, true) == null) {
            throw new IllegalStateException("stumbles once in each group");
        }
        note(halting, group, parcel);
    }

    private static void note(Map<String, List<Integer>> groups, String group, Parcel parcel) {
        groups.computeIfAbsent(group, absent -> new CopyOnWriteArrayList<>()).add(parcel.number());
    }
}
