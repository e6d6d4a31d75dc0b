"""The Query protocol through a botocore that spoke it: what such a program sends, and what it makes of the answers."""

import hashlib
import json

import pytest

from compatibility.proves import proves
from harness.query import OLD_CLIENT, OldClient
from harness.sqs import arn, counts, new_name, receive, refused

CLIENT = OLD_CLIENT

MISSING = "The specified queue does not exist for this wsdl version."
ODD = 'a\r\nb\rc\n\td &<>"\' é😀 '


@pytest.fixture(scope="module")
def old(broker):
    client = OldClient(broker.broker_url)
    yield client
    client.close()


@pytest.fixture
def url(old):
    made = old.create_queue(QueueName=new_name("query"))["QueueUrl"]
    yield made
    old.delete_queue(QueueUrl=made)


def test_the_client_speaks_query(old):
    assert old.protocol == "query"


# ── queues ───────────────────────────────────────────────────────────────────────────────────────────────


@proves("CreateQueue/Query", "GetQueueUrl/Query", "ListQueues/Query", "DeleteQueue/Query")
def test_a_queue_is_created_found_listed_and_deleted(old, broker):
    name = new_name("query")
    url = old.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"}, tags={"team": "a&b", "none": ""})["QueueUrl"]
    assert url == broker.queue(name)
    assert old.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert old.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    assert old.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a&b", "none": ""}
    asked = old.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])
    assert asked["Attributes"] == {"DelaySeconds": "5"}
    reply = old.delete_queue(QueueUrl=url)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200 and reply["ResponseMetadata"]["RequestId"]
    with refused("AWS.SimpleQueueService.NonExistentQueue", MISSING):
        old.get_queue_url(QueueName=name)


def test_queues_are_listed_in_pages(old):
    stem = new_name("page")
    made = [old.create_queue(QueueName=f"{stem}-{n}")["QueueUrl"] for n in range(3)]
    first = old.list_queues(QueueNamePrefix=stem, MaxResults=2)
    rest = old.list_queues(QueueNamePrefix=stem, MaxResults=2, NextToken=first["NextToken"])
    assert first["QueueUrls"] + rest["QueueUrls"] == made
    assert "NextToken" not in rest
    for url in made:
        old.delete_queue(QueueUrl=url)


def test_nothing_is_listed_as_nothing(old, url):
    assert "QueueUrls" not in old.list_queues(QueueNamePrefix=new_name("none"))
    assert "Tags" not in old.list_queue_tags(QueueUrl=url)
    assert "Attributes" not in old.get_queue_attributes(QueueUrl=url, AttributeNames=[])
    assert "Messages" not in old.receive_message(QueueUrl=url)


@proves("E9", "SetQueueAttributes/Query", "GetQueueAttributes/Query")
def test_attributes_are_set_and_are_those_that_json_reads(old, aws, url):
    statement = '{"Effect":"Allow","Principal":"*","Action":"sqs:SendMessage","Resource":"*"}'
    policy = '{"Version":"2012-10-17","Statement":[' + statement + "]}"
    old.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7", "Policy": policy})
    attributes = old.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (attributes["VisibilityTimeout"], attributes["Policy"]) == ("7", policy)
    assert attributes == aws.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    old.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert "Attributes" not in old.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])


@proves("E9", "TagQueue/Query", "UntagQueue/Query", "ListQueueTags/Query")
def test_tags_are_added_and_removed(old, url):
    old.tag_queue(QueueUrl=url, Tags={"team": "a", "Team": "b", "x": "1"})
    old.untag_queue(QueueUrl=url, TagKeys=["x", "missing"])
    assert old.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a", "Team": "b"}


@proves("AddPermission/Query", "RemovePermission/Query", "S41", "E9")
def test_a_permission_is_added_and_removed(old, aws, url):
    accounts, actions = ["111111111111", "222222222222"], ["SendMessage", "GetQueueUrl"]
    reply = old.add_permission(QueueUrl=url, Label="l", AWSAccountIds=accounts, Actions=actions)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    policy = old.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    [statement] = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]}
    assert statement["Action"] == ["SQS:SendMessage", "SQS:GetQueueUrl"]
    assert aws.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"] == {"Policy": policy}
    old.add_permission(QueueUrl=url, Label="l", AWSAccountIds=accounts, Actions=actions)
    assert aws.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"] == {"Policy": policy}
    with refused("InvalidParameterValue", "Value l for parameter Label is invalid. Reason: Already exists."):
        old.add_permission(QueueUrl=url, Label="l", AWSAccountIds=accounts[:1], Actions=actions)
    with refused("OverLimit", "8 Actions were found, maximum allowed is 7.", 403):
        old.add_permission(QueueUrl=url, Label="m", AWSAccountIds=accounts, Actions=["*"] * 8)
    with refused("MissingParameter", "The request must contain the parameter ActionName."):
        old.add_permission(QueueUrl=url, Label="m", AWSAccountIds=accounts, Actions=[])
    old.remove_permission(QueueUrl=url, Label="l")
    assert "Attributes" not in old.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    with refused("InvalidParameterValue", "Value l for parameter Label is invalid. Reason: can't find label."):
        old.remove_permission(QueueUrl=url, Label="l")


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────


@proves("SendMessage/Query", "ReceiveMessage/Query")
def test_a_message_is_received_as_it_was_sent(old, url):
    attributes = {
        "text": {"DataType": "String", "StringValue": ODD},
        "number": {"DataType": "Number.long", "StringValue": "007"},
        "bytes": {"DataType": "Binary.png", "BinaryValue": bytes(range(256))},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    sent = old.send_message(
        QueueUrl=url, MessageBody=ODD, MessageAttributes=attributes, MessageSystemAttributes=trace
    )
    assert sent["MD5OfMessageBody"] == hashlib.md5(ODD.encode()).hexdigest()
    [got] = old.receive_message(QueueUrl=url, AttributeNames=["All"], MessageAttributeNames=["All"])["Messages"]
    assert got["Body"] == ODD
    assert got["MessageAttributes"] == attributes
    assert got["MessageId"] == sent["MessageId"]
    assert (got["MD5OfBody"], got["MD5OfMessageAttributes"]) == (
        sent["MD5OfMessageBody"],
        sent["MD5OfMessageAttributes"],
    )
    assert got["Attributes"]["AWSTraceHeader"] == "Root=1"
    assert got["Attributes"]["ApproximateReceiveCount"] == "1"
    old.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert counts(old, url) == (0, 0, 0)


@proves("S43", "E8")
@pytest.mark.parametrize("sender", ["old", "aws"])
def test_what_one_protocol_sends_the_other_receives(old, aws, url, sender):
    receiver = {"old": aws, "aws": old}[sender]
    attributes = {"k": {"DataType": "String", "StringValue": ODD}}
    {"old": old, "aws": aws}[sender].send_message(QueueUrl=url, MessageBody=ODD, MessageAttributes=attributes)
    [got] = receive(receiver, url, MessageAttributeNames=["k"])
    assert (got["Body"], got["MessageAttributes"]) == (ODD, attributes)
    receiver.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])


def test_a_message_of_one_mebibyte_is_a_legal_form_although_every_byte_is_escaped(old, url):
    body = "\r" * 1_048_576
    old.send_message(QueueUrl=url, MessageBody=body)
    assert receive(old, url)[0]["Body"] == body
    with refused("InvalidParameterValue"):
        old.send_message(QueueUrl=url, MessageBody=body + "\r")


@proves("SendMessageBatch/Query", "DeleteMessageBatch/Query", "ChangeMessageVisibilityBatch/Query")
def test_a_batch_says_of_each_entry_what_became_of_it(old, url):
    entries = [{"Id": f"e{n}", "MessageBody": f"body {n}"} for n in range(9)]
    entries.append({"Id": "bad", "MessageBody": "\x01"})
    reply = old.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == [f"e{n}" for n in range(9)]
    [failed] = reply["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidMessageContents", True)
    got = receive(old, url)
    assert sorted(message["Body"] for message in got) == [f"body {n}" for n in range(9)]

    changes = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"], "VisibilityTimeout": 0} for m in got[:4]]
    changed = old.change_message_visibility_batch(QueueUrl=url, Entries=changes)
    assert len(changed["Successful"]) == 4 and "Failed" not in changed
    assert counts(old, url) == (4, 5, 0)

    deletes = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)]
    deletes.append({"Id": "bad", "ReceiptHandle": "garbage"})
    deleted = old.delete_message_batch(QueueUrl=url, Entries=deletes)
    assert len(deleted["Successful"]) == 9
    assert [entry["Code"] for entry in deleted["Failed"]] == ["ReceiptHandleIsInvalid"]
    assert counts(old, url) == (0, 0, 0)


@proves("DeleteMessage/Query")
def test_a_deleted_message_does_not_come_again(old, url):
    old.send_message(QueueUrl=url, MessageBody="a")
    [got] = old.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    old.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
    assert "Messages" not in old.receive_message(QueueUrl=url)


@proves("ListDeadLetterSourceQueues/Query")
def test_a_dead_letter_queue_lists_its_sources(old, url):
    assert not old.list_dead_letter_source_queues(QueueUrl=url).get("queueUrls")
    policy = {"deadLetterTargetArn": arn(url.rpartition("/")[2]), "maxReceiveCount": 1}
    source = old.create_queue(QueueName=new_name("query"), Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
    assert old.list_dead_letter_source_queues(QueueUrl=url)["queueUrls"] == [source]
    old.delete_queue(QueueUrl=source)


@proves("ChangeMessageVisibility/Query", "PurgeQueue/Query")
def test_visibility_is_changed_and_a_purge_takes_everything(old, url):
    old.send_message(QueueUrl=url, MessageBody="x")
    old.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=60)
    [got] = receive(old, url, VisibilityTimeout=60)
    assert counts(old, url) == (0, 1, 1)
    old.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
    assert counts(old, url) == (1, 0, 1)
    old.purge_queue(QueueUrl=url)
    assert counts(old, url) == (0, 0, 0)


def test_a_long_poll_ends_with_the_message(old, aws, url, background):
    waiting = background(lambda: receive(old, url, WaitTimeSeconds=20))
    aws.send_message(QueueUrl=url, MessageBody="x")
    assert [message["Body"] for message in waiting.result(30)] == ["x"]


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────


@proves("S47", "E3", "E4")
def test_errors_have_the_codes_and_the_statuses_of_the_service(old, url):
    with refused("AWS.SimpleQueueService.NonExistentQueue", MISSING):
        old.purge_queue(QueueUrl=url + "-none")
    with refused("ReceiptHandleIsInvalid", 'The input receipt handle "<&>" is not a valid receipt handle.', 404):
        old.delete_message(QueueUrl=url, ReceiptHandle="<&>")
    with refused("MissingParameter", "The request must contain the parameter MessageBody."):
        old.send_message(QueueUrl=url)
    with refused("InvalidAttributeName", "Unknown Attribute Foobar."):
        old.get_queue_attributes(QueueUrl=url, AttributeNames=["Foobar"])
    with refused("InvalidMessageContents"):
        old.send_message(QueueUrl=url, MessageBody="\x01")
    with refused("AWS.SimpleQueueService.EmptyBatchRequest"):
        old.send_message_batch(QueueUrl=url, Entries=[])
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(11)]
    with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest"):
        old.send_message_batch(QueueUrl=url, Entries=entries)
    with refused("QueueAlreadyExists"):
        old.create_queue(QueueName=url.rsplit("/", 1)[1], Attributes={"DelaySeconds": "9"})


# ── move tasks ───────────────────────────────────────────────────────────────────────────────────────────


@proves("StartMessageMoveTask/Query", "CancelMessageMoveTask/Query", "ListMessageMoveTasks/Query")
def test_a_move_task_is_started_listed_and_cancelled(old, url):
    dead = old.create_queue(QueueName=new_name("dead"))["QueueUrl"]
    source_arn, home_arn = (arn(queue.rsplit("/", 1)[1]) for queue in (dead, url))
    policy = json.dumps({"deadLetterTargetArn": source_arn, "maxReceiveCount": 1})
    old.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    for body in "abcd":
        old.send_message(QueueUrl=dead, MessageBody=body)
    started = old.start_message_move_task(
        SourceArn=source_arn, DestinationArn=home_arn, MaxNumberOfMessagesPerSecond=1
    )
    (task,) = old.list_message_move_tasks(SourceArn=source_arn, MaxResults=10)["Results"]
    assert (task["Status"], task["TaskHandle"]) == ("RUNNING", started["TaskHandle"])
    assert (task["DestinationArn"], task["MaxNumberOfMessagesPerSecond"]) == (home_arn, 1)
    assert task["ApproximateNumberOfMessagesToMove"] == 4
    moved = old.cancel_message_move_task(TaskHandle=started["TaskHandle"])["ApproximateNumberOfMessagesMoved"]
    assert counts(old, url) == (moved, 0, 0)
    with refused("InvalidParameterValue", "Only active tasks can be cancelled."):
        old.cancel_message_move_task(TaskHandle=started["TaskHandle"])
    missing = "The resource that you specified for the SourceArn parameter doesn't exist."
    with refused("ResourceNotFoundException", missing, 404):
        old.start_message_move_task(SourceArn=arn(new_name()))
    old.delete_queue(QueueUrl=dead)
