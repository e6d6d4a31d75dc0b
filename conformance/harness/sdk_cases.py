"""What the program of every SDK proves: its cases, each a sentence about what held, with the rows that it shows.

The programs of `conformance/clients/` keep them in the same files: queues, messages, batches, refusals, fifo, dead
letters, load. What only one SDK does is in its own test module. The SDKs here speak JSON.
"""

import pytest

from compatibility.proves import proves
from compatibility.rows import OPERATIONS


def _json(*operations):
    return tuple(f"{operation}/JSON" for operation in operations)


SDK_CASES = {
    "queues_are_made_found_and_deleted": ("S4", "E12"),
    "queue_attributes_are_kept": (),
    "tags_are_kept": ("S40",),
    "queues_are_listed_page_by_page": (),
    "sources_of_dead_letters_are_listed": ("E6",),
    "permissions_become_the_policy": ("S41",),
    "a_message_keeps_its_body_and_every_attribute": ("E20",),
    "only_the_attributes_asked_for_come": ("S34", "E21", "E22", "E23"),
    "a_mebibyte_fits_and_one_byte_more_does_not": ("S7",),
    "visibility_ends_and_is_changed": ("S20", "E29"),
    "a_delayed_message_comes_when_its_delay_ends": ("E24",),
    "a_long_poll_is_woken_by_a_send": ("S15", "E24"),
    "a_long_poll_without_messages_ends_in_time": ("S14",),
    "a_purge_takes_every_message": ("S37",),
    "a_batch_fails_entry_by_entry": ("S44",),
    "a_batch_of_a_wrong_shape_is_refused_whole": ("S10", "S11"),
    "a_missing_queue_is_an_exception_of_its_own": ("S47",),
    "a_bad_receipt_handle_is_an_exception_of_its_own": ("E4",),
    "refusals_bear_the_codes_of_sqs": ("E1",),
    "a_fifo_queue_keeps_order_and_locks_groups": ("S25", "S26", "E34"),
    "a_fifo_queue_takes_a_message_once": ("S29", "E17"),
    "the_content_can_be_the_deduplication_id": (),
    "what_is_received_too_often_becomes_a_dead_letter": ("S21", "E30"),
    "dead_letters_are_moved_back": ("S45", "E40"),
    "a_move_of_dead_letters_is_cancelled": ("S45", "E40"),
    "twenty_consumers_drain_a_queue_exactly_once": (),
    # Each operation was called by the cases before, and their replies were looked at.
    "every_operation_was_called": _json(*OPERATIONS),
}


def cases(*further):
    """The parameters for a test of one SDK: all of these, and what is further its own."""
    shared = [pytest.param(case, marks=proves(*rows)) for case, rows in SDK_CASES.items()]
    return [*shared, *further]
