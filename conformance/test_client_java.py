"""The AWS SDK for Java v2: its synchronous and asynchronous clients and its batch manager (`clients/java`).

It compares the digests of every body and attribute by itself, and has an exception class for each modelled error.
"""

import pytest

from harness import clients
from harness.differences import known_difference

CLIENT = "AWS SDK for Java v2 2.54.14"

# The first run installs; the program has a timeout of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

QUEUES = [
    "a_queue_is_created_found_and_deleted",
    "creating_a_queue_again_finds_it",
    "queues_are_listed_page_by_page",
    "sources_of_a_dead_letter_queue_are_listed_page_by_page",
    "attributes_are_set_and_read",
    "every_attribute_has_a_name_that_the_sdk_knows",
    "tags_are_set_read_and_removed",
    "a_purged_queue_is_empty",
]
MESSAGES = [
    "an_empty_receive_takes_its_wait",
    "a_long_poll_ends_when_a_message_comes",
    "a_body_of_every_kind_of_text_comes_back",
    "attributes_of_every_type_come_back",
    "only_the_attributes_asked_for_come_back",
    "system_attributes_are_typed",
    "a_body_of_one_mebibyte_passes_and_one_byte_more_is_refused",
    "a_delayed_message_comes_late",
    "a_changed_visibility_is_kept",
    "a_deleted_message_is_gone",
    "a_wrong_digest_of_a_body_is_noticed",
    "a_wrong_digest_of_attributes_is_noticed",
]
BATCHES = [
    "a_batch_of_ten_is_sent_hidden_and_deleted",
    "a_batch_sends_what_it_can_and_names_the_rest",
    "a_batch_deletes_what_it_can_and_names_the_rest",
    "a_batch_changes_the_visibility_it_can_and_names_the_rest",
    "a_thousand_messages_go_through_the_batch_manager",
    "a_failed_entry_of_the_batch_manager_fails_alone",
]
FIFO = [
    "messages_of_a_group_come_in_order",
    "a_group_in_flight_is_locked",
    "a_duplicate_is_accepted_and_not_delivered",
    "equal_contents_are_duplicates_where_the_queue_says_so",
    "a_receive_tried_again_gets_the_same_messages",
    "a_fifo_batch_keeps_its_order",
    "a_message_without_a_group_is_refused",
]
ASYNCHRONOUS = [
    "many_long_polls_wait_together_and_each_gets_a_message",
    "a_message_is_not_lost_to_a_poll_that_was_given_up",
    "pages_are_published_asynchronously",
    "an_asynchronous_call_fails_with_the_typed_exception",
]
DEAD_LETTERS = ["a_message_received_too_often_goes_to_the_dead_letter_queue"]
EXCEPTIONS = [
    "QueueDoesNotExistException",
    "QueueNameExistsException",
    "ReceiptHandleIsInvalidException",
    "InvalidAttributeNameException",
    "InvalidAttributeValueException",
    "InvalidMessageContentsException",
    "EmptyBatchRequestException",
    "TooManyEntriesInBatchRequestException",
    "BatchEntryIdsNotDistinctException",
    "InvalidBatchEntryIdException",
    "BatchRequestTooLongException",
    "an_error_that_the_sdk_has_no_class_for_keeps_its_code",
]
PERMISSIONS = [
    "a_permission_is_added_to_the_policy_and_removed",
    "a_label_is_used_once",
    "OverLimitException",
]
MOVE_TASKS = [
    "a_move_task_brings_dead_letters_back",
    "a_move_task_is_cancelled",
    "ResourceNotFoundException",
]
LAST = ["every_operation_of_the_sdk_succeeded"]

CASES = QUEUES + MESSAGES + BATCHES + FIFO + ASYNCHRONOUS + DEAD_LETTERS + EXCEPTIONS


def absent(cases, what):
    """Cases of actions that the broker does not have."""
    return [pytest.param(case, marks=known_difference(what)) for case in cases]


@pytest.fixture(scope="module")
def report(broker):
    place = clients.maven("java")
    return clients.run(
        ["java", "-cp", f"{place}/target/program.jar:{place}/target/lib/*", "conformance.Main", broker.broker_url],
        timeout=120,
        directory=place,
    )


@pytest.mark.parametrize(
    "case",
    [
        *CASES,
        *absent(PERMISSIONS, "no AddPermission, no RemovePermission"),
        *absent(MOVE_TASKS, "no move tasks"),
        *absent(LAST, "no permissions, no move tasks"),
    ],
)
def test_java_sdk(report, case):
    report.check(case)


def test_every_case_of_the_program_is_listed(report):
    assert set(report.cases) == set(CASES + PERMISSIONS + MOVE_TASKS + LAST)
