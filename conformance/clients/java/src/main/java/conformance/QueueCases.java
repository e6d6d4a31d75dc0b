package conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static software.amazon.awssdk.services.sqs.model.QueueAttributeName.*;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import software.amazon.awssdk.services.sqs.model.QueueAttributeName;

/** Queues themselves: found, listed page by page, described, tagged, emptied, deleted. */
record QueueCases(Wire wire) {
    List<Case> all() {
        return List.of(
                new Case("a_queue_is_created_found_and_deleted", this::lifecycle),
                new Case("creating_a_queue_again_finds_it", this::again),
                new Case("queues_are_listed_page_by_page", this::pages),
                new Case("sources_of_a_dead_letter_queue_are_listed_page_by_page", this::sources),
                new Case("attributes_are_set_and_read", this::attributes),
                new Case("every_attribute_has_a_name_that_the_sdk_knows", this::knownAttributes),
                new Case("tags_are_set_read_and_removed", this::tags),
                new Case("a_purged_queue_is_empty", this::purge));
    }

    private void lifecycle() {
        Queue queue = wire.queue();
        assertThat(wire.sync.getQueueUrl(r -> r.queueName(queue.name())).queueUrl()).isEqualTo(queue.url());
        assertThat(listed(queue.name())).containsExactly(queue.url());
        wire.sync.deleteQueue(r -> r.queueUrl(queue.url()));
        assertThat(listed(queue.name())).isEmpty();
    }

    private List<String> listed(String prefix) {
        return wire.sync.listQueues(r -> r.queueNamePrefix(prefix)).queueUrls();
    }

    private void again() {
        Queue queue = wire.queue(DELAY_SECONDS, 3);
        String url = wire.sync.createQueue(r -> r.queueName(queue.name()).attributes(Map.of(DELAY_SECONDS, "3")))
                .queueUrl();
        assertThat(url).isEqualTo(queue.url());
    }

    private void pages() {
        String prefix = "page-" + UUID.randomUUID().toString().substring(0, 8);
        List<String> made = IntStream.range(0, 7)
                .mapToObj(i -> wire.sync.createQueue(r -> r.queueName(prefix + "-" + i)).queueUrl())
                .toList();
        var pages = wire.sync.listQueuesPaginator(r -> r.queueNamePrefix(prefix).maxResults(3));
        assertThat(pages.queueUrls()).containsExactlyInAnyOrderElementsOf(made);
        assertThat(pages.stream().map(page -> page.queueUrls().size())).containsExactly(3, 3, 1);
    }

    private void sources() {
        Queue dead = wire.queue();
        List<String> sources = IntStream.range(0, 5)
                .mapToObj(i -> wire.queue(REDRIVE_POLICY, DeadLetterCases.policy(dead, 3)).url())
                .toList();
        var pages = wire.sync.listDeadLetterSourceQueuesPaginator(r -> r.queueUrl(dead.url()).maxResults(2));
        assertThat(pages.queueUrls()).containsExactlyInAnyOrderElementsOf(sources);
        assertThat(pages.stream().count()).isEqualTo(3);
        var none = wire.sync.listDeadLetterSourceQueues(r -> r.queueUrl(sources.get(0)));
        assertThat(none.queueUrls()).isEmpty();
    }

    private void attributes() {
        Queue queue = wire.queue(VISIBILITY_TIMEOUT, 7);
        Map<QueueAttributeName, String> changed = Map.of(
                DELAY_SECONDS, "2",
                MAXIMUM_MESSAGE_SIZE, "2048",
                MESSAGE_RETENTION_PERIOD, "3600",
                RECEIVE_MESSAGE_WAIT_TIME_SECONDS, "4");
        wire.sync.setQueueAttributes(r -> r.queueUrl(queue.url()).attributes(changed));
        var read = wire.sync.getQueueAttributes(r -> r.queueUrl(queue.url()).attributeNames(ALL)).attributes();
        assertThat(read).containsAllEntriesOf(changed).containsEntry(VISIBILITY_TIMEOUT, "7");
        assertThat(read.get(QUEUE_ARN)).isEqualTo(queue.arn()).endsWith(":" + queue.name());
    }

    private void knownAttributes() {
        for (Queue queue : List.of(wire.queue(), wire.fifo())) {
            var read = wire.sync.getQueueAttributes(r -> r.queueUrl(queue.url()).attributeNames(ALL));
            assertThat(read.attributes()).doesNotContainKey(UNKNOWN_TO_SDK_VERSION);
            assertThat(read.attributesAsStrings()).hasSameSizeAs(read.attributes());
        }
    }

    private void tags() {
        Queue queue = wire.queue();
        Map<String, String> tags = Map.of("team", "harbour", "Team", "", "größe/é", "値 1");
        wire.sync.tagQueue(r -> r.queueUrl(queue.url()).tags(tags));
        assertThat(tagsOf(queue)).isEqualTo(tags);
        wire.sync.untagQueue(r -> r.queueUrl(queue.url()).tagKeys("team", "größe/é", "absent"));
        assertThat(tagsOf(queue)).isEqualTo(Map.of("Team", ""));
    }

    private Map<String, String> tagsOf(Queue queue) {
        return wire.sync.listQueueTags(r -> r.queueUrl(queue.url())).tags();
    }

    private void purge() {
        Queue queue = wire.queue();
        IntStream.range(0, 20).forEach(i -> queue.send("m" + i));
        assertThat(queue.receive()).isNotEmpty();
        wire.sync.purgeQueue(r -> r.queueUrl(queue.url()));
        assertThat(queue.attribute(APPROXIMATE_NUMBER_OF_MESSAGES)).isEqualTo("0");
        assertThat(queue.attribute(APPROXIMATE_NUMBER_OF_MESSAGES_NOT_VISIBLE)).isEqualTo("0");
    }
}
