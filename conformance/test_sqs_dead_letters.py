"""Dead-letter queues through boto3: the redrive policy, when a message moves, and what it keeps."""

import json

import pytest

from compatibility.proves import proves
from harness import sqs, wait
from harness.sqs import arn, receive, refused

CLIENT = sqs.CLIENT

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
ALL = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}


def only(messages):
    assert len(messages) == 1, messages
    return messages[0]


def name_of(url):
    return url.rsplit("/", 1)[1]


def redrive(url, count):
    """The redrive policy that names the queue at `url`, as an attribute map."""
    policy = {"deadLetterTargetArn": arn(name_of(url)), "maxReceiveCount": count}
    return {"RedrivePolicy": json.dumps(policy)}


# ── the policy ───────────────────────────────────────────────────────────────────────────────────────────

PREFIX = "Value {policy} for parameter RedrivePolicy is invalid. Reason: "


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (
            "not json",
            "Invalid value for the parameter RedrivePolicy. Reason: Redrive policy is not a valid JSON map.",
        ),
        ("{}", PREFIX + "Redrive policy does not contain mandatory attribute: maxReceiveCount."),
        (
            '{"maxReceiveCount":3}',
            PREFIX + "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.",
        ),
        (
            '{"deadLetterTargetArn":"TARGET","maxReceiveCount":0}',
            PREFIX + "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
        ),
        (
            '{"deadLetterTargetArn":"TARGET","maxReceiveCount":1001}',
            PREFIX + "Invalid value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        ),
        ('{"deadLetterTargetArn":"TARGET","maxReceiveCount":"many"}', None),
        ('{"deadLetterTargetArn":"dummy","maxReceiveCount":3}', None),
        (
            '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:nobody","maxReceiveCount":3}',
            PREFIX + "Dead letter target does not exist.",
        ),
    ],
)
def test_a_bad_redrive_policy_is_refused_when_set(aws, queue, make_queue, policy, reason):
    policy = policy.replace("TARGET", arn(name_of(make_queue("dead"))))
    text = reason and reason.replace("{policy}", policy)
    with refused("InvalidParameterValue", text):
        aws.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})


@pytest.mark.parametrize("count", [3, "3"])
def test_a_redrive_policy_is_read_back_as_given_and_removed_by_the_empty_text(aws, make_queue, count):
    policy = redrive(make_queue("dead"), count)
    url = make_queue(**policy)
    names = ["RedrivePolicy"]
    assert aws.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"] == policy
    aws.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert "Attributes" not in aws.get_queue_attributes(QueueUrl=url, AttributeNames=names)


@proves("E6", "ListDeadLetterSourceQueues/JSON")
def test_a_dead_letter_queue_lists_the_queues_that_name_it(aws, make_queue):
    dead = make_queue("dead")
    assert aws.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == []
    sources = sorted(make_queue(f"source-{i}", **redrive(dead, 3)) for i in range(2))
    assert aws.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == sources


def test_a_queue_can_refuse_to_be_a_dead_letter_queue(aws, make_queue):
    denied = make_queue("dead", RedriveAllowPolicy='{"redrivePermission":"denyAll"}')
    with refused("InvalidParameterValue"):
        make_queue(**redrive(denied, 3))


# ── the move ─────────────────────────────────────────────────────────────────────────────────────────────


@proves("S21", "E30", "E31", "E32")
def test_a_message_moves_at_the_receive_after_the_last_allowed_one_and_keeps_what_it_is(aws, make_queue):
    dead = make_queue("dead")
    source = make_queue("source", **redrive(dead, 1))
    sent = aws.send_message(
        QueueUrl=source,
        MessageBody="poison",
        MessageAttributes={"k": {"DataType": "String", "StringValue": "x"}},
        MessageSystemAttributes={"AWSTraceHeader": {"DataType": "String", "StringValue": TRACE}},
    )
    first = only(receive(aws, source, VisibilityTimeout=0, **ALL))
    assert first["Attributes"]["ApproximateReceiveCount"] == "1"
    # The count has reached the maximum, yet it stays until somebody asks again.
    assert sqs.counts(aws, source) == (1, 0, 0)
    assert sqs.counts(aws, dead) == (0, 0, 0)

    assert receive(aws, source) == []

    assert sqs.counts(aws, source) == (0, 0, 0)
    moved = only(receive(aws, dead, **ALL))
    assert moved["MessageId"] == sent["MessageId"]
    assert moved["Body"] == "poison"
    assert moved["MessageAttributes"] == first["MessageAttributes"]
    assert moved["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    attributes = moved["Attributes"]
    assert attributes["ApproximateReceiveCount"] == "2"
    assert attributes["DeadLetterQueueSourceArn"] == arn(name_of(source))
    assert attributes["AWSTraceHeader"] == TRACE
    for kept in ["SentTimestamp", "ApproximateFirstReceiveTimestamp", "SenderId"]:
        assert attributes[kept] == first["Attributes"][kept]


@proves("E30")
def test_a_message_is_received_as_often_as_the_policy_says(aws, make_queue):
    dead = make_queue("dead")
    source = make_queue("source", **redrive(dead, 3))
    aws.send_message(QueueUrl=source, MessageBody="poison")
    taken = [len(receive(aws, source, VisibilityTimeout=0)) for _ in range(4)]
    assert taken == [1, 1, 1, 0]
    assert sqs.counts(aws, dead) == (1, 0, 0)


def test_a_waiting_receive_on_the_dead_letter_queue_is_woken_by_the_move(aws, make_queue, background):
    dead = make_queue("dead")
    source = make_queue("source", **redrive(dead, 1))
    aws.send_message(QueueUrl=source, MessageBody="poison")
    waiting = background(lambda: receive(aws, dead, WaitTimeSeconds=20))
    for _ in range(2):
        receive(aws, source, VisibilityTimeout=0)
    assert len(waiting.result(timeout=15)) == 1


@proves("S22", "E31")
def test_a_chain_of_dead_letter_queues_delivers_once_in_each(aws, make_queue):
    last = make_queue("last")
    middle = make_queue("middle", **redrive(last, 1))
    first = make_queue("first", **redrive(middle, 1))
    aws.send_message(QueueUrl=first, MessageBody="poison")
    for url, count in [(first, "1"), (middle, "2"), (last, "3")]:
        message = only(receive(aws, url, VisibilityTimeout=0, **ALL))
        assert message["Attributes"]["ApproximateReceiveCount"] == count
        if url != last:
            assert receive(aws, url, VisibilityTimeout=0) == []


def test_a_message_of_a_queue_whose_dead_letter_queue_is_gone_stays_and_is_delivered(aws, make_queue):
    dead = make_queue("dead")
    source = make_queue("source", **redrive(dead, 1))
    aws.send_message(QueueUrl=source, MessageBody="poison")
    aws.delete_queue(QueueUrl=dead)
    assert [len(receive(aws, source, VisibilityTimeout=0)) for _ in range(3)] == [1, 1, 1]


def test_a_move_task_brings_messages_back_to_their_source(aws, make_queue):
    dead = make_queue("dead")
    source = make_queue("source", **redrive(dead, 1))
    aws.send_message(QueueUrl=source, MessageBody="poison")
    for _ in range(2):
        receive(aws, source, VisibilityTimeout=0)
    aws.start_message_move_task(SourceArn=arn(name_of(dead)))
    wait.until(lambda: sqs.counts(aws, source)[0] == 1, "the message is back")


# ── its own dead-letter queue ────────────────────────────────────────────────────────────────────────────


@proves("F7")
def test_a_queue_that_names_itself_loses_nothing(aws, make_queue):
    url = make_queue(VisibilityTimeout="0")
    aws.set_queue_attributes(QueueUrl=url, Attributes=redrive(url, 1))
    shown = aws.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
    assert shown == redrive(url, 1)
    aws.send_message(QueueUrl=url, MessageBody="poison")
    for count in ["1", "2", "3"]:
        message = only(receive(aws, url, MessageSystemAttributeNames=["ApproximateReceiveCount"]))
        assert message["Attributes"] == {"ApproximateReceiveCount": count}
    aws.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": ""})
    assert "Attributes" not in aws.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
