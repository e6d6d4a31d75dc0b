package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.ListMessageMoveTasksResultEntry;
import software.amazon.awssdk.services.sqs.model.Message;
import software.amazon.awssdk.services.sqs.model.MessageSystemAttributeName;

/** Dead-letter queues, and the tasks that move their messages back. */
record DeadLetterCases(Wire wire) {
    private static final int MESSAGES = 12;

    List<Case> all() {
        return List.of(
                new Case("a_message_received_too_often_goes_to_the_dead_letter_queue", this::dead),
                new Case("a_move_task_brings_dead_letters_back", this::moved),
                new Case("a_move_task_is_cancelled", this::cancelled));
    }

    /** The redrive policy that ends in {@code dead} after {@code count} receives. */
    static String policy(Queue dead, int count) {
        return "{\"deadLetterTargetArn\":\"" + dead.arn() + "\",\"maxReceiveCount\":\"" + count + "\"}";
    }

    private void dead() {
        Queue dead = wire.queue();
        Queue source = wire.queue(VISIBILITY_TIMEOUT, 0, REDRIVE_POLICY, policy(dead, 2));
        source.send("poison");
        String id = source.receive().get(0).messageId();
        assertThat(source.receive()).hasSize(1);
        assertThat(source.receive()).isEmpty();
        Message letter = dead.take(1).get(0);
        assertThat(letter.messageId()).isEqualTo(id);
        assertThat(letter.attributes())
                .containsEntry(MessageSystemAttributeName.DEAD_LETTER_QUEUE_SOURCE_ARN, source.arn());
    }

    private void moved() throws Exception {
        Queue dead = wire.queue();
        Queue source = withDeadLetters(dead);
        String handle = wire.sync.startMessageMoveTask(r -> r.sourceArn(dead.arn())).taskHandle();
        assertThat(handle).isNotBlank();
        ListMessageMoveTasksResultEntry task = ended(dead);
        assertThat(task.status()).isEqualTo("COMPLETED");
        assertThat(task.sourceArn()).isEqualTo(dead.arn());
        assertThat(task.approximateNumberOfMessagesMoved()).isEqualTo(MESSAGES);
        assertThat(task.startedTimestamp()).isPositive();
        wire.sync.setQueueAttributes(r -> r.queueUrl(source.url())
                .attributes(Map.of(VISIBILITY_TIMEOUT, "30")));
        assertThat(source.take(MESSAGES)).hasSize(MESSAGES);
    }

    /** A queue whose messages have all gone to {@code dead}. */
    private Queue withDeadLetters(Queue dead) {
        Queue source = wire.queue(VISIBILITY_TIMEOUT, 0, REDRIVE_POLICY, policy(dead, 1));
        IntStream.range(0, MESSAGES).forEach(i -> source.send("m" + i));
        while (!source.receive().isEmpty()) {
            continue;
        }
        assertThat(dead.attribute(APPROXIMATE_NUMBER_OF_MESSAGES)).isEqualTo("" + MESSAGES);
        return source;
    }

    /** The newest task of a queue, once it is no longer running. */
    private ListMessageMoveTasksResultEntry ended(Queue dead) throws InterruptedException {
        while (true) {
            var tasks = wire.sync.listMessageMoveTasks(r -> r.sourceArn(dead.arn())).results();
            if (!tasks.isEmpty() && !List.of("RUNNING", "CANCELLING").contains(tasks.get(0).status())) {
                return tasks.get(0);
            }
            Thread.sleep(50);
        }
    }

    private void cancelled() throws Exception {
        Queue dead = wire.queue();
        withDeadLetters(dead);
        String handle = wire.sync.startMessageMoveTask(
                        r -> r.sourceArn(dead.arn()).maxNumberOfMessagesPerSecond(1))
                .taskHandle();
        var running = wire.sync.listMessageMoveTasks(r -> r.sourceArn(dead.arn()).maxResults(10)).results();
        assertThat(running).hasSize(1);
        assertThat(running.get(0).taskHandle()).isEqualTo(handle);
        assertThat(running.get(0).maxNumberOfMessagesPerSecond()).isEqualTo(1);
        assertThat(running.get(0).approximateNumberOfMessagesToMove()).isEqualTo(MESSAGES);
        var reply = wire.sync.cancelMessageMoveTask(r -> r.taskHandle(handle));
        assertThat(reply.approximateNumberOfMessagesMoved()).isLessThan(MESSAGES);
        assertThat(ended(dead).status()).isEqualTo("CANCELLED");
    }
}
