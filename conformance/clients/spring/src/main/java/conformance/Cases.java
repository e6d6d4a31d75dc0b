package conformance;

import conformance.listeners.Batches;
import conformance.listeners.Flaky;
import conformance.listeners.Ordered;
import conformance.listeners.Plain;
import conformance.listeners.Poisoned;
import conformance.listeners.Slow;
import io.awspring.cloud.sqs.listener.MessageListenerContainer;
import io.awspring.cloud.sqs.listener.MessageListenerContainerRegistry;
import io.awspring.cloud.sqs.listener.QueueNotFoundStrategy;
import io.awspring.cloud.sqs.operations.SqsTemplate;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.stereotype.Component;

/** The rules, one method each. The work is sent first, so that the listeners do it beside each other. */
@Component
class Cases {
    private static final int PLAIN = 300;
    private static final int BATCHES = 60;
    private static final int FLAKY = 40;
    private static final int POISONED = 20;
    private static final int GROUPS = 10;
    private static final int PER_GROUP = 20;
    private static final int SLOW = 30;

    private final SqsTemplate template;
    private final Queues queues;
    private final MessageListenerContainerRegistry containers;
    private final Plain plain;
    private final Batches batches;
    private final Flaky flaky;
    private final Poisoned poisoned;
    private final Ordered ordered;
    private final Slow slow;

    Cases(
            SqsTemplate template,
            Queues queues,
            MessageListenerContainerRegistry containers,
            Plain plain,
            Batches batches,
            Flaky flaky,
            Poisoned poisoned,
            Ordered ordered,
            Slow slow) {
        this.template = template;
        this.queues = queues;
        this.containers = containers;
        this.plain = plain;
        this.batches = batches;
        this.flaky = flaky;
        this.poisoned = poisoned;
        this.ordered = ordered;
        this.slow = slow;
    }

    void run(Report report) {
        report.check("the_template_sends_everything", this::sendAll);
        report.check("a_listener_is_stopped_gracefully_and_started_again", this::stop);
        report.check("every_message_is_handled_and_acknowledged", this::plain);
        report.check("headers_travel_as_message_attributes", this::headers);
        report.check("a_batch_is_acknowledged_in_part", this::batches);
        report.check("a_failed_message_comes_again", this::flaky);
        report.check("a_poisonous_message_ends_in_the_dead_letter_queue", this::poisoned);
        report.check("a_fifo_listener_keeps_the_order_of_groups", this::ordered);
        report.check("a_failure_holds_back_the_rest_of_its_group", this::halting);
        report.check("the_template_creates_a_queue_that_is_missing", this::created);
        report.check("the_template_fails_on_a_missing_queue_if_so_told", this::notCreated);
        report.check("the_template_receives_and_acknowledges", this::received);
    }

    private void sendAll() {
        sendMany("plain", 0, PLAIN);
        sendMany("batches", 0, BATCHES);
        sendMany("flaky", 0, FLAKY);
        for (int i = 0; i < POISONED; i++) {
            template.send(queues.name("poisoned"), new Parcel(i, i % 4 == 0 ? "poison" : "wholesome"));
        }
        for (int number = 0; number < PER_GROUP; number++) {
            sendGroups("ordered.fifo", number);
            sendGroups("halting.fifo", number);
        }
        template.send(to -> to.queue(queues.name("plain"))
                .payload(new Parcel(PLAIN, "größe"))
                .header("origin", "Wien – 東京")
                .delaySeconds(1));
    }

    /** In batches of ten, the largest that the wire takes. */
    private void sendMany(String stem, int from, int to) {
        for (int first = from; first < to; first += 10) {
            List<Message<Parcel>> ten = IntStream.range(first, Math.min(first + 10, to))
                    .mapToObj(i -> MessageBuilder.withPayload(new Parcel(i, "n")).build())
                    .toList();
            var result = template.sendMany(queues.name(stem), ten);
            Expect.equal(result.successful().size(), ten.size(), "sent to " + stem);
        }
    }

    private void sendGroups(String stem, int number) {
        for (int group = 0; group < GROUPS; group++) {
            String id = "group-" + group;
            template.send(to -> to.queue(queues.name(stem)).payload(new Parcel(number, id)).messageGroupId(id));
        }
    }

    private void plain() throws Exception {
        Expect.eventually(() -> plain.handled.size() == PLAIN + 1, () -> plain.handled.size() + " are handled");
        queues.becomeEmpty("plain");
        Expect.equal(plain.calls.get(), PLAIN + 1, "calls of the listener");
    }

    private void headers() {
        Expect.equal(plain.origins, Map.of(PLAIN, "Wien – 東京"), "headers");
    }

    private void batches() throws Exception {
        Expect.eventually(() -> batches.acknowledged.size() == BATCHES, () -> batches.acknowledged + " are done");
        queues.becomeEmpty("batches");
        Expect.that(batches.largest.get() > 1, () -> "the largest batch had " + batches.largest + " messages");
    }

    private void flaky() throws Exception {
        Expect.eventually(() -> flaky.handled.size() == FLAKY, () -> flaky.handled + " are handled");
        queues.becomeEmpty("flaky");
        Expect.that(!flaky.handled.containsValue("1"), () -> "receive counts: " + flaky.handled);
    }

    private void poisoned() throws Exception {
        Set<Integer> poison = IntStream.range(0, POISONED).filter(i -> i % 4 == 0).boxed().collect(Collectors.toSet());
        Expect.eventually(() -> poisoned.dead.equals(poison), () -> poisoned.dead + " are dead");
        poison.forEach(number -> Expect.equal(poisoned.attempts.get(number), 3, "attempts at " + number));
        Expect.equal(poisoned.handled.size(), POISONED - poison.size(), "wholesome ones handled");
        queues.becomeEmpty("poisoned");
        queues.becomeEmpty("dead");
    }

    private void ordered() throws Exception {
        allInOrder("ordered.fifo", ordered.ordered);
    }

    private void halting() throws Exception {
        allInOrder("halting.fifo", ordered.halting);
    }

    private void allInOrder(String stem, Map<String, List<Integer>> groups) throws Exception {
        List<Integer> whole = IntStream.range(0, PER_GROUP).boxed().toList();
        Expect.eventually(
                () -> groups.values().stream().mapToInt(List::size).sum() >= GROUPS * PER_GROUP,
                groups::toString);
        queues.becomeEmpty(stem);
        Expect.equal(groups.size(), GROUPS, "groups");
        groups.forEach((group, numbers) -> Expect.equal(numbers, whole, group));
    }

    /** What was begun is finished and acknowledged; what was not begun is there for the next start. */
    private void stop() throws Exception {
        MessageListenerContainer<?> container = containers.getContainerById(Slow.ID);
        sendMany("slow", 0, SLOW);
        Expect.eventually(() -> slow.begun.get() > 0, () -> "nothing is begun");
        container.stop();
        int finished = slow.finished.size();
        Expect.equal(finished, slow.begun.get(), "finished of those begun");
        Expect.that(finished < SLOW, () -> "all were finished before the stop");
        Queues.Counts left = queues.counts("slow");
        Expect.equal(left.waiting() + left.held(), SLOW - finished, "left in the queue");
        container.start();
        Expect.eventually(() -> slow.finished.size() == SLOW, () -> slow.finished.size() + " are finished");
        queues.becomeEmpty("slow");
        Expect.equal(slow.calls.get(), SLOW, "calls of the listener");
    }

    private void created() {
        Expect.that(!queues.exists("surprise"), () -> "the queue is there before anybody asked for it");
        template.send(queues.name("surprise"), new Parcel(1, "first"));
        Expect.equal(queues.counts("surprise"), new Queues.Counts(1, 0), "messages");
    }

    private void notCreated() {
        SqsTemplate strict = queues.template(QueueNotFoundStrategy.FAIL);
        String failure = "";
        try {
            strict.send(queues.name("nowhere"), new Parcel(1, "lost"));
        } catch (RuntimeException refused) {
            failure = causes(refused);
        }
        String text = failure;
        Expect.that(text.contains("QueueDoesNotExistException"), () -> "refused with: " + text);
        Expect.that(!queues.exists("nowhere"), () -> "the queue was created");
    }

    private static String causes(Throwable failure) {
        StringBuilder text = new StringBuilder();
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            text.append(cause).append('\n');
        }
        return text.toString();
    }

    private void received() throws Exception {
        String queue = queues.name("surprise");
        var got = template.receive(from -> from.queue(queue).pollTimeout(Duration.ofSeconds(5)), Parcel.class);
        Expect.equal(got.map(Message::getPayload).orElse(null), new Parcel(1, "first"), "received");
        queues.becomeEmpty("surprise");
    }
}
