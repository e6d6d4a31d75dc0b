"""What every SDK's program proves: the names of its cases, each a sentence about what held.

The programs of `conformance/clients/` keep them in the same files: queues, messages, batches, errors, fifo, dead
letters, load. What only one SDK does is in its own test module.
"""

SDK_CASES = [
    "queues_are_made_found_and_deleted",
    "queue_attributes_are_kept",
    "tags_are_kept",
    "queues_are_listed_page_by_page",
    "sources_of_dead_letters_are_listed",
    "permissions_become_the_policy",
    "a_message_keeps_its_body_and_every_attribute",
    "only_the_attributes_asked_for_come",
    "a_mebibyte_fits_and_one_byte_more_does_not",
    "visibility_ends_and_is_changed",
    "a_delayed_message_comes_when_its_delay_ends",
    "a_long_poll_is_woken_by_a_send",
    "a_long_poll_without_messages_ends_in_time",
    "a_purge_takes_every_message",
    "a_batch_fails_entry_by_entry",
    "a_batch_of_a_wrong_shape_is_refused_whole",
    "a_missing_queue_is_an_exception_of_its_own",
    "a_bad_receipt_handle_is_an_exception_of_its_own",
    "refusals_bear_the_codes_of_sqs",
    "a_fifo_queue_keeps_order_and_locks_groups",
    "a_fifo_queue_takes_a_message_once",
    "the_content_can_be_the_deduplication_id",
    "what_is_received_too_often_becomes_a_dead_letter",
    "dead_letters_are_moved_back",
    "a_move_of_dead_letters_is_cancelled",
    "twenty_consumers_drain_a_queue_exactly_once",
    "every_operation_was_called",
]
