"""Receiving through boto3: waits, leases, receipt handles, changed visibility, attributes on request."""

import time

import pytest

from compatibility.proves import proves
from harness import sqs, wait
from harness.sqs import counts, receive, refused

CLIENT = sqs.CLIENT

GONE = (
    "Value {handle} for parameter ReceiptHandle is invalid. "
    "Reason: Message does not exist or is not available for visibility timeout change."
)
GARBAGE = 'The input receipt handle "garbage" is not a valid receipt handle.'


def text(value):
    return {"DataType": "String", "StringValue": value}


def only(messages):
    assert len(messages) == 1, messages
    return messages[0]


def bodies(messages):
    return [message["Body"] for message in messages]


def send(aws, url, *contents):
    for content in contents:
        aws.send_message(QueueUrl=url, MessageBody=content)


# ── the request ──────────────────────────────────────────────────────────────────────────────────────────


@proves("S12")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"MaxNumberOfMessages": 11},
            "Value 11 for parameter MaxNumberOfMessages is invalid. "
            "Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"MaxNumberOfMessages": 0},
            "Value 0 for parameter MaxNumberOfMessages is invalid. "
            "Reason: Must be between 1 and 10, if provided.",
        ),
        (
            {"WaitTimeSeconds": 21},
            "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            {"WaitTimeSeconds": -1},
            "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
        ),
        (
            {"VisibilityTimeout": 43201},
            "Value 43201 for parameter VisibilityTimeout is invalid. "
            "Reason: Must be >= 0 and <= 43200, if provided.",
        ),
    ],
)
def test_a_receive_out_of_its_bounds_is_refused(aws, queue, options, message):
    with refused("InvalidParameterValue", message):
        aws.receive_message(QueueUrl=queue, **options)


@proves("F5")
@pytest.mark.parametrize("names", ["MessageSystemAttributeNames", "AttributeNames"])
def test_an_unknown_system_attribute_name_is_passed_over(unchecked, queue, names):
    send(unchecked, queue, "a")
    [message] = unchecked.receive_message(QueueUrl=queue, **{names: ["not-a-real-name"]})["Messages"]
    assert message["Body"] == "a"
    assert "Attributes" not in message


def test_one_message_is_given_unless_more_are_asked_for(aws, queue):
    send(aws, queue, "a", "b", "c")
    assert len(aws.receive_message(QueueUrl=queue)["Messages"]) == 1
    assert bodies(receive(aws, queue)) == ["b", "c"]


@proves("E5")
def test_an_empty_receive_has_no_messages_member(aws, queue):
    assert "Messages" not in aws.receive_message(QueueUrl=queue)


# ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────


@proves("S13")
def test_a_waiting_receive_returns_at_once_with_what_there_is(aws, queue):
    send(aws, queue, "a", "b", "c")
    begun = time.monotonic()
    assert len(receive(aws, queue, WaitTimeSeconds=15)) == 3
    assert time.monotonic() - begun < 5


@proves("S14", "S15")
@pytest.mark.parametrize("by_queue", [False, True])
def test_a_receive_waits_as_long_as_the_call_or_the_queue_says(aws, make_queue, by_queue):
    url = make_queue(ReceiveMessageWaitTimeSeconds="3" if by_queue else "0")
    options = {} if by_queue else {"WaitTimeSeconds": 3}
    begun = time.monotonic()
    assert "Messages" not in aws.receive_message(QueueUrl=url, **options)
    assert 2.9 < time.monotonic() - begun < 6


@proves("E25")
def test_a_wait_of_zero_wins_over_the_wait_of_the_queue(aws, make_queue):
    url = make_queue(ReceiveMessageWaitTimeSeconds="20")
    begun = time.monotonic()
    assert receive(aws, url, WaitTimeSeconds=0) == []
    assert time.monotonic() - begun < 5


@proves("E24")
def test_a_waiting_receive_is_woken_by_a_send(aws, queue, background):
    waiting = background(lambda: receive(aws, queue, WaitTimeSeconds=20))
    begun = time.monotonic()
    send(aws, queue, "x")
    assert bodies(waiting.result(timeout=20)) == ["x"]
    assert time.monotonic() - begun < 10


@proves("E24")
def test_a_waiting_receive_is_woken_when_a_lease_ends(aws, queue):
    send(aws, queue, "x")
    only(receive(aws, queue, VisibilityTimeout=1))
    begun = time.monotonic()
    assert bodies(receive(aws, queue, WaitTimeSeconds=20)) == ["x"]
    assert time.monotonic() - begun < 6


@proves("E24")
def test_a_waiting_receive_is_woken_when_a_lease_is_given_back(aws, queue, background):
    send(aws, queue, "x")
    taken = only(receive(aws, queue, VisibilityTimeout=600))
    waiting = background(lambda: receive(aws, queue, WaitTimeSeconds=20))
    aws.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"], VisibilityTimeout=0
    )
    assert bodies(waiting.result(timeout=15)) == ["x"]


def test_one_message_is_given_to_one_of_several_waiting_receives(aws, queue, background):
    waiting = [background(lambda: receive(aws, queue, WaitTimeSeconds=3)) for _ in range(5)]
    send(aws, queue, "x")
    assert sorted(len(w.result(timeout=20)) for w in waiting) == [0, 0, 0, 0, 1]


# ── leases ───────────────────────────────────────────────────────────────────────────────────────────────


def test_counts_follow_a_message_through_its_life(aws, queue):
    send(aws, queue, "a", "b")
    assert counts(aws, queue) == (2, 0, 0)
    taken = only(receive(aws, queue, MaxNumberOfMessages=1))
    assert counts(aws, queue) == (1, 1, 0)
    aws.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    assert counts(aws, queue) == (1, 0, 0)


@proves("S16", "E26")
def test_a_receive_with_no_visibility_timeout_leaves_the_message_available_and_counts(aws, queue):
    send(aws, queue, "x")
    options = {"VisibilityTimeout": 0, "MessageSystemAttributeNames": ["ApproximateReceiveCount"]}
    first, second = only(receive(aws, queue, **options)), only(receive(aws, queue, **options))
    assert first["MessageId"] == second["MessageId"]
    assert first["Attributes"] == {"ApproximateReceiveCount": "1"}
    assert second["Attributes"] == {"ApproximateReceiveCount": "2"}
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert counts(aws, queue) == (1, 0, 0)


@proves("S19")
def test_a_message_that_is_available_again_comes_before_newer_ones(aws, queue):
    send(aws, queue, "m1")
    only(receive(aws, queue, VisibilityTimeout=1))
    send(aws, queue, "m2")
    wait.until(lambda: counts(aws, queue) == (2, 0, 0), "m1 is available again", 10)
    order = [bodies(receive(aws, queue, MaxNumberOfMessages=1)) for _ in range(2)]
    assert order == [["m1"], ["m2"]]


def test_the_visibility_timeout_of_the_queue_is_used_unless_the_call_names_one(aws, make_queue):
    url = make_queue(VisibilityTimeout="1")
    send(aws, url, "x")
    only(receive(aws, url))
    assert bodies(receive(aws, url, WaitTimeSeconds=10, VisibilityTimeout=600)) == ["x"]
    assert receive(aws, url, WaitTimeSeconds=2) == []


# ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────


@proves("S17", "E28", "DeleteMessage/JSON")
def test_a_handle_deletes_after_its_lease_ended(aws, queue):
    send(aws, queue, "x")
    taken = only(receive(aws, queue, VisibilityTimeout=1))
    wait.until(lambda: counts(aws, queue) == (1, 0, 0), "the lease ended", 10)
    aws.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    assert counts(aws, queue) == (0, 0, 0)


def test_a_handle_deletes_after_the_message_was_given_back(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    aws.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    aws.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(aws, queue) == (0, 0, 0)


@proves("E29")
def test_deleting_again_succeeds(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    for _ in range(2):
        aws.delete_message(QueueUrl=queue, ReceiptHandle=handle)


def test_a_superseded_handle_is_answered_with_success(aws, queue):
    send(aws, queue, "x")
    old = only(receive(aws, queue, VisibilityTimeout=0))["ReceiptHandle"]
    only(receive(aws, queue))
    aws.delete_message(QueueUrl=queue, ReceiptHandle=old)


@proves("E4")
def test_what_is_not_a_receipt_handle_is_a_404(aws, queue):
    with refused("ReceiptHandleIsInvalid", GARBAGE, status=404):
        aws.delete_message(QueueUrl=queue, ReceiptHandle="garbage")
    with refused("ReceiptHandleIsInvalid", GARBAGE, status=404):
        aws.change_message_visibility(QueueUrl=queue, ReceiptHandle="garbage", VisibilityTimeout=1)


def test_a_message_id_is_not_a_receipt_handle(aws, queue):
    send(aws, queue, "x")
    message = only(receive(aws, queue))
    with refused("ReceiptHandleIsInvalid", status=404):
        aws.delete_message(QueueUrl=queue, ReceiptHandle=message["MessageId"])


def test_the_handle_of_another_queue_is_not_valid(aws, make_queue):
    one, other = make_queue(), make_queue()
    send(aws, one, "x")
    handle = only(receive(aws, one))["ReceiptHandle"]
    with refused("ReceiptHandleIsInvalid", status=404):
        aws.delete_message(QueueUrl=other, ReceiptHandle=handle)
    assert counts(aws, one) == (0, 1, 0)


def test_an_empty_receipt_handle_is_a_missing_parameter(aws, queue):
    with refused("MissingParameter", "The request must contain the parameter ReceiptHandle."):
        aws.delete_message(QueueUrl=queue, ReceiptHandle="")


def test_a_receipt_handle_is_opaque_and_at_most_1024_characters(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    assert 0 < len(handle) <= 1024
    assert handle.isascii() and handle.isprintable()


@proves("DeleteMessageBatch/JSON")
def test_a_delete_batch_answers_each_entry_for_itself(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    entries = [
        {"Id": "good", "ReceiptHandle": handle},
        {"Id": "twice", "ReceiptHandle": handle},
        {"Id": "bad", "ReceiptHandle": "garbage"},
    ]
    reply = aws.delete_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good", "twice"]
    assert reply["Failed"] == [
        {"Id": "bad", "SenderFault": True, "Code": "ReceiptHandleIsInvalid", "Message": GARBAGE}
    ]


def test_a_batch_of_failures_only_is_a_200_without_a_successful_member(aws, queue):
    entries = [{"Id": "bad", "ReceiptHandle": "garbage"}]
    reply = aws.delete_message_batch(QueueUrl=queue, Entries=entries)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "Successful" not in reply


@pytest.mark.parametrize(
    ("action", "entry"),
    [("delete_message_batch", {}), ("change_message_visibility_batch", {"VisibilityTimeout": 1})],
)
def test_delete_and_visibility_batches_have_the_same_shape_rules_as_send(unchecked, queue, action, entry):
    call = getattr(unchecked, action)

    def entries(*ids):
        return [{"Id": i, "ReceiptHandle": "garbage", **entry} for i in ids]

    with refused("AWS.SimpleQueueService.EmptyBatchRequest"):
        call(QueueUrl=queue, Entries=[])
    with refused(
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
    ):
        call(QueueUrl=queue, Entries=entries(*(str(i) for i in range(11))))
    with refused("AWS.SimpleQueueService.InvalidBatchEntryId"):
        call(QueueUrl=queue, Entries=entries("invalid:id"))
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id a repeated."):
        call(QueueUrl=queue, Entries=entries("a", "a"))


def test_the_text_for_an_empty_delete_batch_names_its_entries(aws, queue):
    reason = "There should be at least one DeleteMessageBatchRequestEntry in the request."
    with refused("AWS.SimpleQueueService.EmptyBatchRequest", reason):
        aws.delete_message_batch(QueueUrl=queue, Entries=[])


# ── changing visibility ──────────────────────────────────────────────────────────────────────────────────


def change(aws, url, handle, seconds):
    aws.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds)


@proves("S20", "E27", "ChangeMessageVisibility/JSON")
def test_zero_makes_a_message_available_at_once_and_is_not_remembered(aws, queue):
    send(aws, queue, "x")
    change(aws, queue, only(receive(aws, queue))["ReceiptHandle"], 0)
    only(receive(aws, queue))
    assert counts(aws, queue) == (0, 1, 0)


@proves("S18")
def test_a_superseded_handle_still_changes_visibility(aws, queue):
    send(aws, queue, "x")
    first = only(receive(aws, queue, VisibilityTimeout=0))["ReceiptHandle"]
    only(receive(aws, queue, VisibilityTimeout=600))
    change(aws, queue, first, 0)
    assert counts(aws, queue) == (1, 0, 0)


@proves("E27")
def test_visibility_is_counted_from_now_and_can_be_shortened(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue, VisibilityTimeout=600))["ReceiptHandle"]
    change(aws, queue, handle, 1)
    assert bodies(receive(aws, queue, WaitTimeSeconds=10)) == ["x"]


def test_a_lease_can_be_extended_and_the_handle_still_deletes(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue, VisibilityTimeout=1))["ReceiptHandle"]
    change(aws, queue, handle, 600)
    assert receive(aws, queue, WaitTimeSeconds=2) == []
    aws.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(aws, queue) == (0, 0, 0)


def test_the_visibility_of_a_deleted_message_cannot_be_changed(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    aws.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with refused("InvalidParameterValue", GONE.format(handle=handle)):
        change(aws, queue, handle, 1)


def test_changing_visibility_after_the_lease_ended_succeeds(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue, VisibilityTimeout=1))["ReceiptHandle"]
    wait.until(lambda: counts(aws, queue) == (1, 0, 0), "the lease ended", 10)
    change(aws, queue, handle, 10)


@pytest.mark.parametrize("seconds", [43201, -1])
def test_a_visibility_timeout_out_of_range_is_refused(unchecked, queue, seconds):
    send(unchecked, queue, "x")
    handle = only(receive(unchecked, queue))["ReceiptHandle"]
    with refused("InvalidParameterValue") as caught:
        change(unchecked, queue, handle, seconds)
    begin = f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200"
    assert caught.value.response["Error"]["Message"].startswith(begin)


@proves("S48", "E27")
def test_a_lease_cannot_reach_beyond_twelve_hours_after_its_receive(aws, queue):
    send(aws, queue, "x")
    handle = only(receive(aws, queue))["ReceiptHandle"]
    reason = (
        "Value 43200 for parameter VisibilityTimeout is invalid. "
        "Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]"
    )
    # Twelve hours from now are more than twelve hours from the receive, if only by a millisecond.
    time_passes = time.monotonic() + 0.05
    wait.until(lambda: time.monotonic() > time_passes, "the clock moved on", 5)
    with refused("InvalidParameterValue", reason):
        change(aws, queue, handle, 43200)
    change(aws, queue, handle, 43100)


@proves("ChangeMessageVisibilityBatch/JSON")
def test_a_visibility_batch_answers_each_entry_for_itself(aws, queue):
    send(aws, queue, "a", "b")
    one, two = receive(aws, queue)
    entries = [
        {"Id": "good", "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": 0},
        {"Id": "range", "ReceiptHandle": two["ReceiptHandle"], "VisibilityTimeout": 43201},
        {"Id": "bad", "ReceiptHandle": "garbage", "VisibilityTimeout": 0},
    ]
    reply = aws.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    assert [(f["Id"], f["Code"]) for f in reply["Failed"]] == [
        ("range", "InvalidParameterValue"),
        ("bad", "ReceiptHandleIsInvalid"),
    ]
    assert counts(aws, queue) == (1, 1, 0)


@proves("ChangeMessageVisibilityBatch/JSON")
def test_in_a_visibility_batch_the_handle_of_a_deleted_message_is_what_is_invalid(aws, queue):
    """Libraries that hand back whole batches pass over this code, and over no other."""
    send(aws, queue, "gone", "here")
    gone, here = [message["ReceiptHandle"] for message in receive(aws, queue)]
    aws.delete_message(QueueUrl=queue, ReceiptHandle=gone)
    handles = {"gone": gone, "here": here}
    entries = [{"Id": name, "ReceiptHandle": handle, "VisibilityTimeout": 1} for name, handle in handles.items()]
    reply = aws.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert reply["Successful"] == [{"Id": "here"}]
    assert reply["Failed"] == [
        {
            "Id": "gone",
            "SenderFault": True,
            "Code": "ReceiptHandleIsInvalid",
            "Message": "Message does not exist or is not available for visibility timeout change",
        }
    ]


# ── what is received ─────────────────────────────────────────────────────────────────────────────────────


@proves("E23")
def test_attributes_come_only_when_asked_for(aws, queue):
    aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={"k": text("v")})
    message = only(receive(aws, queue))
    assert set(message) == {"MessageId", "ReceiptHandle", "Body", "MD5OfBody"}


def test_all_system_attributes_of_a_plain_message(aws, queue):
    send(aws, queue, "x")
    attributes = only(receive(aws, queue, MessageSystemAttributeNames=["All"]))["Attributes"]
    assert set(attributes) == {
        "SenderId",
        "SentTimestamp",
        "ApproximateReceiveCount",
        "ApproximateFirstReceiveTimestamp",
    }
    assert attributes["ApproximateReceiveCount"] == "1"
    assert attributes["SenderId"]
    sent, first = int(attributes["SentTimestamp"]), int(attributes["ApproximateFirstReceiveTimestamp"])
    # Milliseconds of the epoch, near now.
    assert 0 <= first - sent < 60_000
    assert abs(first - time.time() * 1000) < 60_000


def test_the_first_receive_is_remembered(aws, queue):
    send(aws, queue, "x")
    name = "ApproximateFirstReceiveTimestamp"
    options = {"VisibilityTimeout": 0, "MessageSystemAttributeNames": [name]}
    seen = {only(receive(aws, queue, **options))["Attributes"][name] for _ in range(3)}
    assert len(seen) == 1


@proves("S35", "E23")
def test_both_lists_of_system_attribute_names_are_united(aws, queue):
    send(aws, queue, "x")
    one = receive(
        aws,
        queue,
        VisibilityTimeout=0,
        AttributeNames=["SentTimestamp"],
        MessageSystemAttributeNames=["SenderId"],
    )
    assert set(only(one)["Attributes"]) == {"SentTimestamp", "SenderId"}
    both = receive(aws, queue, AttributeNames=["All"], MessageSystemAttributeNames=["SenderId"])
    assert len(only(both)["Attributes"]) == 4


def test_attributes_that_only_fifo_queues_have_are_left_out(aws, queue):
    send(aws, queue, "x")
    message = only(receive(aws, queue, MessageSystemAttributeNames=["SequenceNumber"]))
    assert "Attributes" not in message


@proves("S34", "E21", "E22")
@pytest.mark.parametrize(
    ("names", "found", "digest"),
    [
        ([], [], None),
        (["All"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"),
        ([".*"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"),
        (["*"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"),
        (["Hel.*"], ["Hello", "Help.Me"], "83fee93c1bcd8b9a5a923ffacdc636c7"),
        (["Hello"], ["Hello"], "a311262e065454b75da111d535b8dacd"),
        (["General", "Hello"], ["General", "Hello"], "fca026605781cb4126a1e9044df24232"),
        (["hello", "Foo", "Foo.*"], [], None),
        (["AWS.", "..foo"], [], None),
    ],
)
def test_message_attributes_are_filtered_by_name_and_prefix(aws, queue, names, found, digest):
    attributes = {"General": text("Kenobi"), "Hello": text("There"), "Help.Me": text("Me")}
    aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    message = only(receive(aws, queue, MessageAttributeNames=names))
    assert sorted(message.get("MessageAttributes", {})) == found
    assert ("MessageAttributes" in message) == bool(found)
    assert message.get("MD5OfMessageAttributes") == digest


def test_messages_come_oldest_first(aws, queue):
    sent = [str(i) for i in range(30)]
    send(aws, queue, *sent)
    assert bodies(sqs.drain(aws, queue)) == sent
