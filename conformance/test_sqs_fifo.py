"""FIFO queues through boto3: order, locked groups, deduplication, and what a receipt is worth."""

import hashlib

import pytest

from harness import sqs
from harness.sqs import refused

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


def test_a_receive_is_filled_from_the_first_group(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
    assert bodies(received(aws, url)) == ["g1-m1", "g1-m2", "g1-m3", "g2-m1"]


def test_a_group_is_locked_until_all_that_is_in_flight_is_deleted(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g1-m2", "g1-m3")
    first, second = received(aws, url, 2)
    send(aws, url, "g1-m4")
    aws.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    assert received(aws, url) == []
    aws.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert bodies(received(aws, url)) == ["g1-m3", "g1-m4"]


def test_a_message_that_is_handed_back_is_delivered_up_to_the_next_hidden_one(aws, fifo):
    url = fifo()
    send(aws, url, "g1-m1", "g1-m2", "g2-m1")
    first = received(aws, url, 2)[0]
    aws.change_message_visibility(
        QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    assert bodies(received(aws, url, 3)) == ["g2-m1", "g1-m1"]


def test_a_receipt_handle_that_was_given_back_has_expired(aws, fifo):
    url = fifo()
    send(aws, url, "g-1")
    handle = received(aws, url, VisibilityTimeout=0)[0]["ReceiptHandle"]
    text = f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    with refused("InvalidParameterValue", text):
        aws.delete_message(QueueUrl=url, ReceiptHandle=handle)


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


def test_after_a_purge_an_id_is_new_again(aws, fifo):
    url = fifo()
    send(aws, url, "g-1")
    aws.purge_queue(QueueUrl=url)
    send(aws, url, "g-1")
    assert bodies(received(aws, url)) == ["g-1"]


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
