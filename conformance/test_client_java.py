"""The AWS SDK for Java v2: its synchronous and asynchronous clients and its batch manager (`clients/java`).

It compares the digests of every body and attribute by itself, and has an exception class for each modelled error.
"""

import pytest

from compatibility.proves import proves
from compatibility.rows import OPERATIONS
from harness import clients

CLIENT = f"AWS SDK for Java v2 {clients.pinned('java', 'sqs')}"

# The first run installs; the program has a timeout of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# Every case of the program, with the rows that it shows.
CASES = {
    # Queues
    "a_queue_is_created_found_and_deleted": (),
    "creating_a_queue_again_finds_it": ("S4", "E12"),
    "queues_are_listed_page_by_page": (),
    "sources_of_a_dead_letter_queue_are_listed_page_by_page": ("E6",),
    "attributes_are_set_and_read": ("E7",),
    "every_attribute_has_a_name_that_the_sdk_knows": (),
    "tags_are_set_read_and_removed": ("S40",),
    "a_purged_queue_is_empty": ("S37", "E39"),
    # Messages
    "an_empty_receive_takes_its_wait": ("S15",),
    "a_long_poll_ends_when_a_message_comes": ("E24",),
    "a_body_of_every_kind_of_text_comes_back": ("S43",),
    "attributes_of_every_type_come_back": ("E20",),
    "only_the_attributes_asked_for_come_back": ("S34", "E21", "E22"),
    "system_attributes_are_typed": ("S33", "S36"),
    "a_body_of_one_mebibyte_passes_and_one_byte_more_is_refused": ("S7", "E14"),
    "a_delayed_message_comes_late": ("E24",),
    "a_changed_visibility_is_kept": ("S20",),
    "a_deleted_message_is_gone": ("E29",),
    "a_wrong_digest_of_a_body_is_noticed": (),
    "a_wrong_digest_of_attributes_is_noticed": (),
    # Batches
    "a_batch_of_ten_is_sent_hidden_and_deleted": ("E5",),
    "a_batch_sends_what_it_can_and_names_the_rest": ("S44",),
    "a_batch_deletes_what_it_can_and_names_the_rest": (),
    "a_batch_changes_the_visibility_it_can_and_names_the_rest": (),
    "a_thousand_messages_go_through_the_batch_manager": (),
    "a_failed_entry_of_the_batch_manager_fails_alone": (),
    # FIFO queues
    "messages_of_a_group_come_in_order": (),
    "a_group_in_flight_is_locked": ("S25", "E34"),
    "a_duplicate_is_accepted_and_not_delivered": (),
    "equal_contents_are_duplicates_where_the_queue_says_so": (),
    "a_receive_tried_again_gets_the_same_messages": (),
    "a_fifo_batch_keeps_its_order": ("E33",),
    "a_message_without_a_group_is_refused": ("E17",),
    # The asynchronous client
    "many_long_polls_wait_together_and_each_gets_a_message": (),
    "a_message_is_not_lost_to_a_poll_that_was_given_up": (),
    "pages_are_published_asynchronously": (),
    "an_asynchronous_call_fails_with_the_typed_exception": (),
    # Dead letters
    "a_message_received_too_often_goes_to_the_dead_letter_queue": ("S21", "E30", "E32"),
    # Exceptions
    "QueueDoesNotExistException": ("S47", "E3"),
    "QueueNameExistsException": ("S4",),
    "ReceiptHandleIsInvalidException": ("E1", "E4"),
    "InvalidAttributeNameException": ("S46",),
    "InvalidAttributeValueException": ("E1",),
    "InvalidMessageContentsException": ("S44",),
    "EmptyBatchRequestException": ("E1",),
    "TooManyEntriesInBatchRequestException": ("E1",),
    "BatchEntryIdsNotDistinctException": ("S11",),
    "InvalidBatchEntryIdException": ("S11",),
    "BatchRequestTooLongException": ("S10",),
    "an_error_that_the_sdk_has_no_class_for_keeps_its_code": ("E1",),
    # Permissions
    "a_permission_is_added_to_the_policy_and_removed": ("S41",),
    "a_label_is_used_once": ("S41",),
    "OverLimitException": ("E4",),
    # Move tasks
    "a_move_task_brings_dead_letters_back": ("S45",),
    "a_move_task_is_cancelled": ("S45",),
    "ResourceNotFoundException": ("E4",),
    # The last one, over all the others
    "every_operation_of_the_sdk_succeeded": tuple(f"{operation}/JSON" for operation in OPERATIONS),
}


@pytest.fixture(scope="module")
def report(broker):
    place = clients.maven("java")
    return clients.run([*clients.java(place, "conformance.Main"), broker.broker_url], timeout=180, directory=place)


@pytest.mark.parametrize("case", [pytest.param(case, marks=proves(*CASES[case])) for case in CASES])
def test_java_sdk(report, case):
    report.check(case)


def test_every_case_of_the_program_is_listed(report):
    assert set(report.cases) == set(CASES)
