"""FIFO queues through boto3: order, locked groups, deduplication, and what a receipt is worth."""

import hashlib
import json

import pytest

from compatibility.proves import proves
from harness import sqs
from harness.sqs import arn, counts, refused

CLIENT = sqs.CLIENT

ALL = {"MessageSystemAttributeNames": ["All"]}


@pytest.fixture
def fifo(aws):
    """Creates FIFO queues with attributes: `fifo(DelaySeconds="5")`; returns the URL."""
    made = []

    def make(**attributes):
        attributes["FifoQueue"] = "true"
        name = sqs.new_name() + ".fifo"
        made.append(aws.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return made[-1]

    yield make
    for url in made:
        aws.delete_queue(QueueUrl=url)


def send(aws, url, *bodies):
    """Sends messages of bodies like `g1-m1`: the group, and after the hyphen a name."""
    for body in bodies:
        group = body.split("-")[0]
        aws.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
        )


def received(aws, url, count=10, **options):
    """What a receive is given at once."""
    reply = aws.receive_message(QueueUrl=url, MaxNumberOfMessages=count, **options)
    return reply.get("Messages", [])


def bodies(messages):
    return [message["Body"] for message in messages]


@proves("S24", "E33")
def test_a_receive_is_filled_from_the_first_group(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
    assert bodies(received(aws, url)) == ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]


@proves("S25", "S26", "E34")
def test_a_group_is_locked_until_all_that_is_in_flight_is_deleted(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g1-m2", "g1-m3")
    first, second = received(aws, url, 2)
    send(aws, url, "g1-m4")
    aws.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert received(aws, url) == []
    aws.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert bodies(received(aws, url)) == ["g1-m3", "g1-m4"]


@proves("S27", "E35")
def test_a_message_that_is_handed_back_is_delivered_up_to_the_next_hidden_one(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g1-m2", "g2-m1")
    first = received(aws, url, 2)[0]
    aws.change_message_visibility(
        QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    assert bodies(received(aws, url, 3)) == ["g2-m1", "g1-m1"]


@proves("S28", "E28")
def test_a_receipt_handle_that_was_given_back_has_expired(aws, fifo):
    url = fifo()
    send(aws, url, "g-1")
    handle = received(aws, url, VisibilityTimeout=0)[0]["ReceiptHandle"]
    text = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    with refused("InvalidParameterValue", text):
        aws.delete_message(QueueUrl=url, ReceiptHandle=handle)


@proves("S29", "E36")
def test_a_duplicate_is_answered_as_its_original_was_even_after_its_delete(aws, fifo):
    url = fifo(ContentBasedDeduplication="true")
    first = aws.send_message(QueueUrl=url, MessageBody="same", MessageGroupId="g")
    [message] = received(aws, url, **ALL)
    digest = hashlib.sha256(b"same").hexdigest()
    assert message["Attributes"]["MessageDeduplicationId"] == digest
    assert message["Attributes"]["MessageGroupId"] == "g"
    assert message["Attributes"]["SequenceNumber"] == first["SequenceNumber"]
    aws.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    again = aws.send_message(QueueUrl=url, MessageBody="same", MessageGroupId="g")
    assert again["MessageId"] == first["MessageId"]
    assert again["SequenceNumber"] == first["SequenceNumber"]
    assert received(aws, url) == []


@proves("S38", "E39")
def test_after_a_purge_an_id_is_new_again(aws, fifo):
    url = fifo()
    send(aws, url, "g-1")
    aws.purge_queue(QueueUrl=url)
    send(aws, url, "g-1")
    assert bodies(received(aws, url)) == ["g-1"]


@proves("E17")
def test_a_send_needs_a_group_and_an_id(aws, fifo):
    url = fifo()
    with refused("MissingParameter", "The request must contain the parameter MessageGroupId."):
        aws.send_message(QueueUrl=url, MessageBody="x", MessageDeduplicationId="x")
    text = (
        "The queue should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly"
    )
    with refused("InvalidParameterValue", text):
        aws.send_message(QueueUrl=url, MessageBody="x", MessageGroupId="g")
    entry = {"Id": "1", "MessageBody": "x", "MessageDeduplicationId": "x"}
    with refused("InvalidParameterValue", "The request must contain the parameter MessageGroupId."):
        aws.send_message_batch(QueueUrl=url, Entries=[entry])


def test_a_fifo_queue_shows_four_attributes_more(aws, fifo):
    shown = aws.get_queue_attributes(QueueUrl=fifo(), AttributeNames=["All"])["Attributes"]
    assert len(shown) == 16
    assert shown["FifoQueue"] == "true"
    assert shown["ContentBasedDeduplication"] == "false"
    assert shown["DeduplicationScope"] == "queue"
    assert shown["FifoThroughputLimit"] == "perQueue"


# ── what is kept, refused and counted ────────────────────────────────────────────────────────────────────


def send_with_id(aws, url, group, deduplication_id):
    """Sends a message whose body says its group; the reply."""
    return aws.send_message(
        QueueUrl=url, MessageBody=group, MessageGroupId=group, MessageDeduplicationId=deduplication_id
    )


@proves("S30", "E37")
@pytest.mark.parametrize(
    ("created", "changed_to", "delivered"),
    [("queue", "messageGroup", ["g1"]), ("messageGroup", "queue", ["g1", "g2"])],
)
def test_deduplication_keeps_the_scope_of_the_creation(aws, fifo, created, changed_to, delivered):
    url = fifo(DeduplicationScope=created)
    aws.set_queue_attributes(QueueUrl=url, Attributes={"DeduplicationScope": changed_to})
    shown = aws.get_queue_attributes(QueueUrl=url, AttributeNames=["DeduplicationScope"])
    assert shown["Attributes"] == {"DeduplicationScope": changed_to}
    for group in ["g1", "g2"]:
        send_with_id(aws, url, group, "same")
    assert bodies(received(aws, url)) == delivered


@proves("S31", "E38")
def test_a_message_has_no_delay_of_its_own_and_zero_leaves_that_of_the_queue(aws, fifo):
    url = fifo(DelaySeconds="2", ContentBasedDeduplication="true")
    reason = (
        "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."
    )
    with refused("InvalidParameterValue", reason):
        aws.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", DelaySeconds=1)
    aws.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", DelaySeconds=0)
    assert received(aws, url) == []
    assert bodies(received(aws, url, WaitTimeSeconds=10)) == ["a"]


@proves("S32")
def test_counts_follow_receives_and_deletes(aws, fifo):
    url = fifo()
    send(aws, url, *(f"g-m{n}" for n in range(5)))
    assert counts(aws, url) == (5, 0, 0)
    taken = received(aws, url, count=4)
    assert counts(aws, url) == (1, 4, 0)
    for message in taken:
        aws.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    assert counts(aws, url) == (1, 0, 0)


@proves("S23", "E30")
def test_a_dead_lettered_message_lets_its_group_go_on(aws, fifo):
    dead_letters = fifo(ContentBasedDeduplication="true")
    policy = {"deadLetterTargetArn": arn(dead_letters.rpartition("/")[2]), "maxReceiveCount": 1}
    url = fifo(ContentBasedDeduplication="true", RedrivePolicy=json.dumps(policy))
    for body in ["poison", "next"]:
        aws.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    assert bodies(received(aws, url, count=1, VisibilityTimeout=0)) == ["poison"]
    assert bodies(received(aws, url)) == ["next"]
    assert bodies(received(aws, dead_letters)) == ["poison"]


@proves("F6")
def test_a_sequence_number_has_20_digits_and_begins_with_no_zero(aws, fifo):
    url = fifo()
    numbers = []
    for body in ["g1-m1", "g2-m1", "g1-m2"]:
        sent = aws.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body[:2], MessageDeduplicationId=body)
        numbers.append(sent["SequenceNumber"])
    assert all(len(number) == 20 and number.isdigit() and number[0] != "0" for number in numbers), numbers
    assert numbers == sorted(set(numbers))
