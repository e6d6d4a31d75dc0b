"""Fair queues through boto3: a message group with a long backlog does not hold up the others."""

from compatibility.proves import proves
from harness import sqs
from harness.sqs import receive

CLIENT = sqs.CLIENT

NOISY = "noisy"


def send(aws, url, group, *bodies):
    """Sends messages of a group, or of none."""
    options = {"MessageGroupId": group} if group else {}
    for start in range(0, len(bodies), 10):
        entries = [
            {"Id": str(index), "MessageBody": body, **options}
            for index, body in enumerate(bodies[start : start + 10])
        ]
        assert "Failed" not in aws.send_message_batch(QueueUrl=url, Entries=entries)


def backlog(count, first=0):
    return [f"n{index}" for index in range(first, first + count)]


def bodies(messages):
    return [message["Body"] for message in messages]


def with_noisy_group(aws, url):
    """A backlog of 100 messages of one group, of which 30 are in flight; returns those."""
    send(aws, url, NOISY, *backlog(100))
    return [message for _ in range(3) for message in receive(aws, url)]


@proves("F1")
def test_a_message_of_a_quiet_group_is_received_before_the_backlog_of_a_noisy_one(aws, queue):
    with_noisy_group(aws, queue)
    send(aws, queue, "quiet", "q0")
    send(aws, queue, None, "alone")
    assert bodies(receive(aws, queue)) == ["q0", "alone", *backlog(8, first=30)]


def test_the_backlog_of_a_noisy_group_is_received_when_nothing_else_is_there(aws, queue):
    received = bodies(with_noisy_group(aws, queue))
    for _ in range(7):
        received += bodies(receive(aws, queue))
    assert received == backlog(100)
    assert receive(aws, queue) == []


def test_a_group_with_less_than_30_messages_in_flight_is_not_noisy(aws, queue):
    leases = with_noisy_group(aws, queue)
    send(aws, queue, "quiet", "q0")
    aws.delete_message(QueueUrl=queue, ReceiptHandle=leases[0]["ReceiptHandle"])
    assert bodies(receive(aws, queue)) == backlog(10, first=30)


def test_messages_without_a_group_are_each_on_their_own(aws, queue):
    send(aws, queue, None, *backlog(100))
    for _ in range(3):
        receive(aws, queue)
    send(aws, queue, "quiet", "q0")
    assert bodies(receive(aws, queue)) == backlog(10, first=30)


def test_groups_of_a_standard_queue_have_neither_order_nor_locks(aws, queue):
    send(aws, queue, "one", "m0", "m1")
    first = aws.receive_message(QueueUrl=queue, MessageSystemAttributeNames=["All"])["Messages"]
    assert bodies(first) == ["m0"]
    assert first[0]["Attributes"]["MessageGroupId"] == "one"
    assert "SequenceNumber" not in first[0]["Attributes"]
    assert bodies(receive(aws, queue)) == ["m1"]
