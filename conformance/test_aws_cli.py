"""The AWS command line, as a person at a shell would use it against the broker."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from compatibility.proves import proves
from harness import sqs
from harness.process import clean_environment
from harness.sqs import new_name

CLIENT = f"aws-cli {metadata.version('awscli')}"

# The `aws` beside the running Python: the one that the pinned requirements name.
AWS = Path(sys.executable).parent / "aws"


@pytest.fixture
def cli(broker):
    """`cli("list-queues", …)`: the JSON that `aws sqs` printed; `cli.fails(…)`: what it wrote when it failed."""

    def run(*arguments):
        argv = [str(AWS), "--endpoint-url", broker.broker_url, "--output", "json", "sqs", *arguments]
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=60, env=clean_environment(), check=False
        )

    def succeed(*arguments):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def fail(*arguments):
        done = run(*arguments)
        assert done.returncode != 0, done.stdout
        return done.stderr

    succeed.fails = fail
    return succeed


@proves("CreateQueue/JSON", "GetQueueUrl/JSON", "ListQueues/JSON", "DeleteQueue/JSON")
def test_a_queue_is_created_found_listed_and_deleted(cli):
    name = new_name("cli")
    url = cli("create-queue", "--queue-name", name, "--attributes", "VisibilityTimeout=60")["QueueUrl"]
    assert cli("get-queue-url", "--queue-name", name) == {"QueueUrl": url}
    assert url in cli("list-queues")["QueueUrls"]
    assert cli("list-queues", "--queue-name-prefix", name, "--page-size", "1")["QueueUrls"] == [url]
    cli("delete-queue", "--queue-url", url)
    assert "NonExistentQueue" in cli.fails("get-queue-url", "--queue-name", name)


@proves("SendMessage/JSON", "ReceiveMessage/JSON", "DeleteMessage/JSON")
def test_a_message_is_sent_received_and_deleted(cli, queue, aws):
    attributes = '{"k":{"DataType":"String","StringValue":"x"}}'
    sent = cli(
        "send-message", "--queue-url", queue, "--message-body", "hi", "--message-attributes", attributes
    )
    assert sent["MD5OfMessageBody"] == "49f68a5c8493ec2c0bf489821c21fc3b"
    assert sent["MD5OfMessageAttributes"] == "a45daa70926828a2f0a1db3418e6feb4"
    received = cli(
        *("receive-message", "--queue-url", queue, "--wait-time-seconds", "5"),
        *("--attribute-names", "All", "--message-attribute-names", "All"),
    )
    message = received["Messages"][0]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"]["k"]["StringValue"] == "x"
    cli("delete-message", "--queue-url", queue, "--receipt-handle", message["ReceiptHandle"])
    assert sqs.counts(aws, queue) == (0, 0, 0)


@proves("SetQueueAttributes/JSON", "GetQueueAttributes/JSON")
def test_attributes_are_set_and_read(cli, queue):
    cli("set-queue-attributes", "--queue-url", queue, "--attributes", "DelaySeconds=7")
    found = cli("get-queue-attributes", "--queue-url", queue, "--attribute-names", "All")["Attributes"]
    assert found["DelaySeconds"] == "7"
    assert len(found) == 12


@proves("SendMessageBatch/JSON")
def test_a_batch_is_sent_and_its_failures_are_told_apart(cli, queue):
    entries = json.dumps([{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": ""}])
    reply = cli("send-message-batch", "--queue-url", queue, "--entries", entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    assert [entry["Code"] for entry in reply["Failed"]] == ["EmptyValue"]


@proves("ChangeMessageVisibility/JSON", "PurgeQueue/JSON")
def test_visibility_is_changed_and_a_queue_is_purged(cli, queue, aws):
    aws.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive(aws, queue)[0]["ReceiptHandle"]
    cli(
        *("change-message-visibility", "--queue-url", queue),
        *("--receipt-handle", handle, "--visibility-timeout", "0"),
    )
    assert sqs.counts(aws, queue) == (1, 0, 0)
    cli("purge-queue", "--queue-url", queue)
    assert sqs.counts(aws, queue) == (0, 0, 0)


@proves("TagQueue/JSON", "UntagQueue/JSON", "ListQueueTags/JSON")
def test_tags_are_set_listed_and_removed(cli, queue):
    cli("tag-queue", "--queue-url", queue, "--tags", "team=a")
    assert cli("list-queue-tags", "--queue-url", queue) == {"Tags": {"team": "a"}}
    cli("untag-queue", "--queue-url", queue, "--tag-keys", "team")
    assert not cli("list-queue-tags", "--queue-url", queue)


def test_a_refusal_is_told_in_the_words_of_sqs(cli, queue):
    said = cli.fails("delete-message", "--queue-url", queue, "--receipt-handle", "garbage")
    assert "ReceiptHandleIsInvalid" in said
    assert 'The input receipt handle "garbage" is not a valid receipt handle.' in said
