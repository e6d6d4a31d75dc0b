"""Clients of the SQS wire: boto3 for what an SDK can say, raw HTTP for what it cannot."""

import contextlib
import json
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness import http

ACCOUNT = "000000000000"
REGION = "us-east-1"

# What a module of tests that speaks through this says in its own `CLIENT`.
CLIENT = f"boto3 {boto3.__version__}"

_session = boto3.session.Session()


def client(endpoint, region=REGION, checked=True, key=("test", "test")):
    """A boto3 client that never retries, so that each call is one request.

    `checked=False` lets requests through that the SDK itself would refuse. `key` is an access key's id and secret.
    """
    return _session.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=5,
            read_timeout=40,
            parameter_validation=checked,
            max_pool_connections=50,
        ),
    )


def json_call(endpoint, action, body, headers=None, path="/"):
    """One AWS JSON 1.0 request, unsigned. `body` is text, bytes, or what JSON can say."""
    if not isinstance(body, str | bytes):
        body = json.dumps(body)
    sent = {"Content-Type": "application/x-amz-json-1.0"}
    if action is not None:
        sent["X-Amz-Target"] = f"AmazonSQS.{action}"
    sent.update(headers or {})
    return http.request("POST", endpoint + path, headers=sent, body=body)


def new_name(stem="q"):
    """A queue name that no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"


def arn(name, region=REGION):
    return f"arn:aws:sqs:{region}:{ACCOUNT}:{name}"


@contextlib.contextmanager
def refused(code, message=None, status=400):
    """The block must be refused with exactly this error code, text (if given) and HTTP status."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    seen = (error["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"])
    assert seen == (code, status), error
    if message is not None:
        assert error["Message"] == message


def counts(sqs, url):
    """How many messages are (available, in flight, delayed)."""
    names = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return tuple(int(attributes[name]) for name in names)


def receive(sqs, url, **options):
    """The messages of one receive; ten at most, unless told otherwise."""
    options.setdefault("MaxNumberOfMessages", 10)
    return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])


def drain(sqs, url, **options):
    """Receives and deletes until nothing comes any more; returns all the messages."""
    taken = []
    while batch := receive(sqs, url, **options):
        taken += batch
        entries = [{"Id": m["MessageId"], "ReceiptHandle": m["ReceiptHandle"]} for m in batch]
        reply = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        assert "Failed" not in reply, reply["Failed"]
    return taken


def described(sqs, url):
    """What is in a queue, for a failure: up to ten messages with their attributes. They stay there, received once more."""
    names = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    shown = [f"{url} holds {counts(sqs, url)}"]
    for message in receive(sqs, url, VisibilityTimeout=0, **names):
        own = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
        shown.append(f"{message['MessageId']} {message['Body']!r}, attributes {own}, of SQS {message['Attributes']}")
    return "\n  ".join(shown)
