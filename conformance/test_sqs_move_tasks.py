"""Message move tasks through boto3: what is moved, how fast, how it ends, and what is refused (§8, §12.45)."""

import base64
import json
import time
import uuid

import pytest

from compatibility.proves import proves
from harness import sqs, wait
from harness.sqs import arn, receive, refused

CLIENT = sqs.CLIENT
ALL = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
NO_SOURCE = "The resource that you specified for the SourceArn parameter doesn't exist."
NO_DESTINATION = "The resource that you specified for the DestinationArn parameter doesn't exist."
NO_ARN = (
    "You must use this format to specify the SourceArn: "
    "arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
)


def name_of(url):
    return url.rsplit("/", 1)[1]


def arn_of(url):
    return arn(name_of(url))


def redrive(dead):
    return {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(dead), "maxReceiveCount": 1})}


def poison(aws, url, *bodies, **options):
    """Sends messages and has them dead-lettered."""
    sent = [aws.send_message(QueueUrl=url, MessageBody=body, **options) for body in bodies]
    for _ in range(2):
        receive(aws, url, VisibilityTimeout=0)
    assert sqs.counts(aws, url) == (0, 0, 0)
    return sent


def tasks(aws, dead, count=10):
    return aws.list_message_move_tasks(SourceArn=arn_of(dead), MaxResults=count).get("Results", [])


def ended(aws, dead):
    """The newest task of the queue, once it runs no more."""

    def done():
        newest = tasks(aws, dead, 1)[0]
        return newest if newest["Status"] != "RUNNING" else None

    return wait.until(done, "the task has ended")


def handle(source, task=None):
    """What a handle looks like, of a task that need not be."""
    parts = {"taskId": task or str(uuid.uuid4()), "sourceArn": source}
    return base64.b64encode(json.dumps(parts).encode()).decode()


def bodies(messages):
    return sorted(message["Body"] for message in messages)


@pytest.fixture
def dead(make_queue):
    return make_queue("dead")


@pytest.fixture
def source(make_queue, dead):
    return make_queue("source", **redrive(dead))


# ── what is moved ────────────────────────────────────────────────────────────────────────────────────────


@proves("S45", "E40")
def test_each_message_goes_back_to_its_own_source(aws, make_queue, dead, source):
    other = make_queue("other", **redrive(dead))
    poison(aws, source, "a", "b")
    poison(aws, other, "c")
    before = time.time() * 1000
    started = aws.start_message_move_task(SourceArn=arn_of(dead))
    parts = json.loads(base64.b64decode(started["TaskHandle"]))
    assert parts == {"taskId": parts["taskId"], "sourceArn": arn_of(dead)}
    assert str(uuid.UUID(parts["taskId"])) == parts["taskId"]

    task = ended(aws, dead)

    at = task.pop("StartedTimestamp")
    assert before - 1000 <= at <= time.time() * 1000
    assert task == {
        "Status": "COMPLETED",
        "SourceArn": arn_of(dead),
        "ApproximateNumberOfMessagesMoved": 3,
        "ApproximateNumberOfMessagesToMove": 3,
    }
    assert sqs.counts(aws, dead) == (0, 0, 0)
    assert bodies(receive(aws, source)) == ["a", "b"]
    assert bodies(receive(aws, other)) == ["c"]


@proves("E32")
def test_a_moved_message_is_a_new_one_with_the_old_body_and_attributes(aws, dead, source):
    attributes = {"k": {"DataType": "String", "StringValue": "x"}}
    sent = poison(aws, source, "poison", MessageAttributes=attributes)[0]
    old = receive(aws, dead, VisibilityTimeout=0, **ALL)[0]
    aws.start_message_move_task(SourceArn=arn_of(dead))
    ended(aws, dead)

    moved = receive(aws, source, **ALL)[0]

    assert moved["MessageId"] != sent["MessageId"]
    assert (moved["Body"], moved["MessageAttributes"]) == ("poison", attributes)
    assert moved["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    seen = moved["Attributes"]
    assert seen["ApproximateReceiveCount"] == "1"
    assert "DeadLetterQueueSourceArn" not in seen
    assert int(seen["SentTimestamp"]) > int(old["Attributes"]["SentTimestamp"])
    assert seen["ApproximateFirstReceiveTimestamp"] > old["Attributes"]["ApproximateFirstReceiveTimestamp"]


def test_a_moved_message_can_be_dead_lettered_and_moved_again(aws, dead, source):
    poison(aws, source, "poison")
    ids = set()
    for _ in range(2):
        aws.start_message_move_task(SourceArn=arn_of(dead))
        ended(aws, dead)
        message = receive(aws, source, VisibilityTimeout=0, **ALL)[0]
        assert message["Attributes"]["ApproximateReceiveCount"] == "1"
        ids.add(message["MessageId"])
        assert receive(aws, source) == []
        assert sqs.counts(aws, dead) == (1, 0, 0)
    assert len(ids) == 2


def test_the_handle_of_a_receive_before_the_move_deletes_nothing_after_it(aws, make_queue, dead, source):
    aws.send_message(QueueUrl=source, MessageBody="x")
    stale = receive(aws, source, VisibilityTimeout=0)[0]["ReceiptHandle"]
    receive(aws, source)
    aws.start_message_move_task(SourceArn=arn_of(dead))
    ended(aws, dead)
    aws.delete_message(QueueUrl=source, ReceiptHandle=stale)
    assert sqs.counts(aws, source) == (1, 0, 0)


@proves("S45")
def test_all_messages_go_to_the_destination_that_is_named(aws, make_queue, dead, source):
    elsewhere = make_queue("elsewhere")
    poison(aws, source, "a")
    # One that was never dead-lettered: only a named destination can take it.
    aws.send_message(QueueUrl=dead, MessageBody="b")
    aws.start_message_move_task(
        SourceArn=arn_of(dead), DestinationArn=arn_of(elsewhere), MaxNumberOfMessagesPerSecond=500
    )
    task = ended(aws, dead)
    assert task["Status"] == "COMPLETED"
    assert task["DestinationArn"] == arn_of(elsewhere)
    assert task["MaxNumberOfMessagesPerSecond"] == 500
    assert task["ApproximateNumberOfMessagesMoved"] == 2
    assert bodies(receive(aws, elsewhere)) == ["a", "b"]


def test_a_waiting_receive_on_the_destination_is_woken(aws, make_queue, background, dead, source):
    elsewhere = make_queue("elsewhere")
    poison(aws, source, "a")
    waiting = background(lambda: receive(aws, elsewhere, WaitTimeSeconds=20))
    aws.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn_of(elsewhere))
    assert bodies(waiting.result(timeout=15)) == ["a"]


def test_a_message_in_flight_is_moved_when_it_comes_back(aws, dead, source):
    poison(aws, source, "a")
    receive(aws, dead, VisibilityTimeout=2)
    aws.start_message_move_task(SourceArn=arn_of(dead))
    assert tasks(aws, dead)[0]["Status"] == "RUNNING"
    task = ended(aws, dead)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 1)
    assert bodies(receive(aws, source)) == ["a"]


def test_a_queue_without_messages_is_moved_at_once(aws, dead, source):
    aws.start_message_move_task(SourceArn=arn_of(dead))
    task = ended(aws, dead)
    assert task["Status"] == "COMPLETED"
    assert (task["ApproximateNumberOfMessagesMoved"], task["ApproximateNumberOfMessagesToMove"]) == (0, 0)


def test_a_fifo_queue_keeps_groups_and_order_and_suppresses_nothing(aws):
    made = []

    def fifo(stem, **attributes):
        name = sqs.new_name(stem) + ".fifo"
        made.append(aws.create_queue(QueueName=name, Attributes={"FifoQueue": "true", **attributes})["QueueUrl"])
        return made[-1]

    dead = fifo("dead")
    source = fifo("source", **redrive(dead))
    sent = {}
    for body in ["g-1", "g-2", "g-3", "h-1"]:
        reply = aws.send_message(
            QueueUrl=source, MessageBody=body, MessageGroupId=body[0], MessageDeduplicationId=body
        )
        sent[body] = (reply["MessageId"], reply["SequenceNumber"])
    for _ in range(2):
        receive(aws, source, VisibilityTimeout=0)
    aws.start_message_move_task(SourceArn=arn_of(dead))
    assert ended(aws, dead)["ApproximateNumberOfMessagesMoved"] == 4
    moved = receive(aws, source, **ALL)
    assert [m["Body"] for m in moved if m["Body"][0] == "g"] == ["g-1", "g-2", "g-3"]
    for message in moved:
        old_id, old_sequence = sent[message["Body"]]
        attributes = message["Attributes"]
        assert message["MessageId"] != old_id
        assert attributes["MessageGroupId"] == message["Body"][0]
        assert attributes["MessageDeduplicationId"] not in sent
        assert attributes["SequenceNumber"] > old_sequence
    for url in made:
        aws.delete_queue(QueueUrl=url)


# ── how fast, and how it ends ────────────────────────────────────────────────────────────────────────────


@proves("S45", "E40", "StartMessageMoveTask/JSON", "CancelMessageMoveTask/JSON", "ListMessageMoveTasks/JSON")
def test_a_task_of_one_message_a_second_takes_its_time_and_can_be_cancelled(aws, dead, source):
    poison(aws, source, *[str(n) for n in range(8)])
    begun = time.monotonic()
    started = aws.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=1)
    running = tasks(aws, dead)[0]
    assert running["TaskHandle"] == started["TaskHandle"]
    assert (running["Status"], running["ApproximateNumberOfMessagesToMove"]) == ("RUNNING", 8)
    with refused(
        "InvalidParameterValue",
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
    ):
        aws.start_message_move_task(SourceArn=arn_of(dead))

    wait.until(lambda: sqs.counts(aws, source)[0] >= 3, "three messages are moved")
    assert time.monotonic() - begun >= 1.9
    moved = aws.cancel_message_move_task(TaskHandle=started["TaskHandle"])["ApproximateNumberOfMessagesMoved"]

    assert 3 <= moved < 8
    cancelled = wait.until(lambda: tasks(aws, dead)[0], "the task is listed")
    assert cancelled["Status"] == "CANCELLED"
    assert "TaskHandle" not in cancelled
    assert cancelled["ApproximateNumberOfMessagesMoved"] == moved
    still = (sqs.counts(aws, source), sqs.counts(aws, dead))
    assert still == ((moved, 0, 0), (8 - moved, 0, 0))
    wait.stays(lambda: sqs.counts(aws, source)[0] == moved, "nothing moves any more", 1.5)
    with refused("InvalidParameterValue", "Only active tasks can be cancelled."):
        aws.cancel_message_move_task(TaskHandle=started["TaskHandle"])


@proves("S45")
def test_a_task_whose_destination_is_deleted_fails(aws, make_queue, dead, source):
    elsewhere = make_queue("elsewhere")
    poison(aws, source, *"abcd")
    aws.start_message_move_task(
        SourceArn=arn_of(dead), DestinationArn=arn_of(elsewhere), MaxNumberOfMessagesPerSecond=1
    )
    aws.delete_queue(QueueUrl=elsewhere)
    task = ended(aws, dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    left = sqs.counts(aws, dead)[0]
    assert left == 4 - task["ApproximateNumberOfMessagesMoved"]


def test_a_message_without_a_source_fails_a_task_without_a_destination(aws, dead, source):
    aws.send_message(QueueUrl=dead, MessageBody="sent here")
    aws.start_message_move_task(SourceArn=arn_of(dead))
    task = ended(aws, dead)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert sqs.counts(aws, dead) == (1, 0, 0)


def test_the_tasks_of_a_deleted_queue_are_gone(aws, make_queue, dead, source):
    poison(aws, source, "a", "b", "c")
    started = aws.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=1)
    aws.delete_queue(QueueUrl=dead)
    with refused("ResourceNotFoundException", NO_SOURCE, 404):
        aws.cancel_message_move_task(TaskHandle=started["TaskHandle"])
    aws.create_queue(QueueName=name_of(dead))
    assert tasks(aws, dead) == []
    with refused("ResourceNotFoundException", "Task does not exist.", 404):
        aws.cancel_message_move_task(TaskHandle=started["TaskHandle"])


@proves("E40")
def test_tasks_are_listed_newest_first_one_unless_told_otherwise_and_ten_at_most(aws, dead, source):
    assert tasks(aws, dead) == []
    for rate in range(1, 13):
        aws.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=rate)
        ended(aws, dead)
    listed = aws.list_message_move_tasks(SourceArn=arn_of(dead))["Results"]
    assert [task["MaxNumberOfMessagesPerSecond"] for task in listed] == [12]
    assert [task["MaxNumberOfMessagesPerSecond"] for task in tasks(aws, dead)] == list(range(12, 2, -1))


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────


def test_a_source_that_is_none_is_refused(aws, queue):
    with refused("InvalidParameterValue", NO_ARN):
        aws.start_message_move_task(SourceArn="dead")
    with refused("ResourceNotFoundException", NO_SOURCE, 404):
        aws.start_message_move_task(SourceArn=arn(sqs.new_name()))
    with refused("ResourceNotFoundException", NO_SOURCE, 404):
        aws.start_message_move_task(SourceArn=arn(name_of(queue), "eu-west-1"))
    text = "Source queue must be configured as a Dead Letter Queue."
    with refused("InvalidParameterValue", text):
        aws.start_message_move_task(SourceArn=arn_of(queue))


def test_a_destination_that_is_none_is_refused(aws, dead, source):
    with refused("ResourceNotFoundException", NO_DESTINATION, 404):
        aws.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn(sqs.new_name()))
    text = "Source queue arn and destination queue arn cannot be the same."
    with refused("InvalidParameterValue", text):
        aws.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn_of(dead))
    name = sqs.new_name() + ".fifo"
    fifo = aws.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    text = "The source queue and destination queue must be of the same queue type."
    with refused("InvalidParameterValue", text):
        aws.start_message_move_task(SourceArn=arn_of(dead), DestinationArn=arn(name))
    aws.delete_queue(QueueUrl=fifo)


@pytest.mark.parametrize("rate", [0, 501, -1])
def test_a_rate_is_1_to_500(aws, dead, source, rate):
    text = (
        "Value for parameter MaxNumberOfMessagesPerSecond is invalid. "
        "Reason: You must enter a number that's between 1 and 500."
    )
    with refused("InvalidParameterValue", text):
        aws.start_message_move_task(SourceArn=arn_of(dead), MaxNumberOfMessagesPerSecond=rate)


def test_a_bad_list_is_refused(aws, dead):
    text = "Value for parameter MaxResults is invalid. Reason: You must enter a number that's between 1 and 10."
    for count in [0, 11]:
        with refused("InvalidParameterValue", text):
            tasks(aws, dead, count)
    with refused("ResourceNotFoundException", NO_SOURCE, 404):
        aws.list_message_move_tasks(SourceArn=arn(sqs.new_name()))
    with refused("InvalidParameterValue", NO_ARN):
        aws.list_message_move_tasks(SourceArn="dead")


def test_a_bad_handle_is_refused(aws, dead):
    not_handles = ["handle", base64.b64encode(b"{}").decode(), handle(arn_of(dead), "7")]
    for text in not_handles:
        with refused("InvalidParameterValue", "Value for parameter TaskHandle is invalid."):
            aws.cancel_message_move_task(TaskHandle=text)
    with refused("ResourceNotFoundException", NO_SOURCE, 404):
        aws.cancel_message_move_task(TaskHandle=handle(arn(sqs.new_name())))
    with refused("ResourceNotFoundException", "Task does not exist.", 404):
        aws.cancel_message_move_task(TaskHandle=handle(arn_of(dead)))


def test_required_members_are_asked_for(unchecked):
    for call in [unchecked.start_message_move_task, unchecked.list_message_move_tasks]:
        with refused("MissingParameter", "The request must contain the parameter SourceArn."):
            call()
    with refused("MissingParameter", "The request must contain the parameter TaskHandle."):
        unchecked.cancel_message_move_task()
