"""Programs that know nothing of Longshore take the place of one of its roles, with boto3 alone.

A foreign producer sends bare tasks; a foreign worker answers to the SQS MessageId, because that is all it sees;
a foreign reply without attributes is kept where a person can look at it.
"""

import json
import time

import pytest

from harness import sqs, wait
from harness.system import (
    STATUS_DEAD_LETTERS,
    STATUS_QUEUE,
    TASK_DEAD_LETTERS,
    TASK_QUEUE,
    System,
    fibonacci,
)

QUICK = ["--work-time", "0s"]
ALL = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}


@pytest.fixture(scope="module")
def without_app(tmp_path_factory):
    """A broker and a worker: the test is the app."""
    flags = [*QUICK, "--unknown-patience", "0s"]
    system = System(tmp_path_factory.mktemp("without-app"), worker_flags=flags)
    system.start_broker()
    system.start_worker()
    yield system
    system.kill()


@pytest.fixture(scope="module")
def without_worker(tmp_path_factory):
    """A broker and an app: the test is the worker."""
    system = System(tmp_path_factory.mktemp("without-worker"))
    system.start_apart(workers=0)
    yield system
    system.kill()


def the_reply(system, message_id):
    """The reply to a task on the reply queue, taken off it; others are taken off too and forgotten."""

    def found():
        for message in sqs.drain(system.sqs, system.queue(STATUS_QUEUE), WaitTimeSeconds=1, **ALL):
            attribute = message["MessageAttributes"]["replyMessageId"]
            if attribute == {"DataType": "String", "StringValue": message_id}:
                return message
        return None

    return wait.until(found, f"a reply to {message_id} is on the reply queue", 30)


def the_task(system):
    """One task as a foreign worker receives it: one message, its own timeout, only `createdAt` asked for."""

    def received():
        return system.sqs.receive_message(
            QueueUrl=system.queue(TASK_QUEUE),
            MaxNumberOfMessages=1,
            VisibilityTimeout=10,
            WaitTimeSeconds=3,
            MessageAttributeNames=["createdAt"],
        ).get("Messages")

    return wait.until(received, "a task is on the task queue", 20)[0]


def reply_to(system, message, body, status="COMPLETED"):
    """Sends a reply as a foreign worker does, then deletes the task."""
    attributes = {
        "status": {"DataType": "String", "StringValue": status},
        "replyMessageId": {"DataType": "String", "StringValue": message["MessageId"]},
        "createdAt": {"DataType": "Number", "StringValue": str(int(time.time() * 1000))},
    }
    reply_queue = system.queue(STATUS_QUEUE)
    system.sqs.send_message(QueueUrl=reply_queue, MessageBody=body, MessageAttributes=attributes)
    task_queue = system.queue(TASK_QUEUE)
    system.sqs.delete_message(QueueUrl=task_queue, ReceiptHandle=message["ReceiptHandle"])


# ── a foreign producer ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ("8", "COMPLETED", {"arg": 8, "value": 13}),
        ("1", "COMPLETED", {"arg": 1, "value": 0}),
        ("300", "COMPLETED", {"arg": 300, "value": fibonacci(300)}),
        ("-1", "FAILED", {"message": "Invalid request in message.Body:-1"}),
        ("abc", "FAILED", {"message": "Invalid request in message.Body:abc"}),
        ('{"a":1}', "FAILED", {"message": 'Invalid request in message.Body:{"a":1}'}),
    ],
)
def test_a_bare_task_is_executed_and_answered_to_its_message_id(without_app, body, status, answer):
    system = without_app
    sent = system.sqs.send_message(QueueUrl=system.queue(TASK_QUEUE), MessageBody=body)
    reply = the_reply(system, sent["MessageId"])
    assert json.loads(reply["Body"]) == answer
    attributes = reply["MessageAttributes"]
    assert attributes["status"] == {"DataType": "String", "StringValue": status}
    assert attributes["createdAt"]["DataType"] == "Number"
    assert abs(int(attributes["createdAt"]["StringValue"]) - time.time() * 1000) < 120_000


def test_the_reply_to_a_bare_task_is_exactly_argument_and_value(without_app):
    system = without_app
    sent = system.sqs.send_message(QueueUrl=system.queue(TASK_QUEUE), MessageBody="8")
    assert the_reply(system, sent["MessageId"])["Body"] == '{"arg":8,"value":13}'


def test_the_tutorials_attribute_beside_a_bare_task_does_not_matter(without_app):
    system = without_app
    created = {"createdAt": {"DataType": "Number", "StringValue": "1700000000000"}}
    queue = system.queue(TASK_QUEUE)
    sent = system.sqs.send_message(QueueUrl=queue, MessageBody="8", MessageAttributes=created)
    assert json.loads(the_reply(system, sent["MessageId"])["Body"]) == {"arg": 8, "value": 13}


def test_a_bare_task_leaves_nothing_on_the_task_queue(without_app):
    system = without_app
    queue = system.queue(TASK_QUEUE)
    sent = system.sqs.send_message(QueueUrl=queue, MessageBody="8")
    the_reply(system, sent["MessageId"])
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the task is deleted")


def test_a_task_that_nobody_handles_goes_to_the_dead_letter_queue_with_its_reason(without_app):
    system = without_app
    name = {"taskName": {"DataType": "String", "StringValue": "nobody-handles-this"}}
    queue = system.queue(TASK_QUEUE)
    system.sqs.send_message(QueueUrl=queue, MessageBody="8", MessageAttributes=name)
    dead = system.queue(TASK_DEAD_LETTERS)
    letters = wait.until(lambda: sqs.drain(system.sqs, dead, WaitTimeSeconds=1, **ALL), "a dead letter", 60)
    assert [letter["Body"] for letter in letters] == ["8"]
    reason = letters[0]["MessageAttributes"]["reason"]["StringValue"]
    assert "nobody-handles-this" in reason
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the task is deleted")


# ── a foreign worker ─────────────────────────────────────────────────────────────────────────────────────


def test_what_a_foreign_worker_sees_of_a_task(without_worker):
    system = without_worker
    system.submit("8")
    message = the_task(system)
    assert message["Body"] == "8"
    assert set(message["MessageAttributes"]) == {"createdAt"}
    assert message["MessageAttributes"]["createdAt"]["DataType"] == "Number"
    reply_to(system, message, '{"arg":8,"value":13}')


@pytest.mark.parametrize("value", ["13", "2.6863810024485354e+208", "null", '"text"', '{"a":[1,2]}', "1e2"])
def test_the_value_of_a_foreign_reply_is_passed_on_as_the_json_that_it_is(without_worker, value):
    system = without_worker
    task = system.submit("8")
    reply_to(system, the_task(system), f'{{"arg":8,"value":{value}}}')
    system.outcome(task)
    text = system.status(task).text.replace(" ", "")
    assert text == f'{{"status":"COMPLETED","value":{value}}}'


def test_a_foreign_failure_is_passed_on_as_the_text_that_it_is(without_worker):
    system = without_worker
    task = system.submit("8")
    error = '{"message":"Invalid request in message.Body:8"}'
    reply_to(system, the_task(system), error, status="FAILED")
    assert system.outcome(task) == {"status": "FAILED", "error": error}


def test_a_second_reply_changes_nothing(without_worker):
    system = without_worker
    task = system.submit("8")
    message = the_task(system)
    reply_to(system, message, '{"arg":8,"value":13}')
    system.outcome(task)
    reply_to(system, message, '{"arg":8,"value":14}')
    queue = system.queue(STATUS_QUEUE)
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the second reply is consumed")
    assert system.status(task).json() == {"status": "COMPLETED", "value": 13}


def test_a_reply_without_attributes_is_dead_lettered_with_its_reason(without_worker):
    system = without_worker
    body = '{"arg":8,"value":13}'
    system.sqs.send_message(QueueUrl=system.queue(STATUS_QUEUE), MessageBody=body)
    dead = system.queue(STATUS_DEAD_LETTERS)
    letters = wait.until(lambda: sqs.drain(system.sqs, dead, WaitTimeSeconds=1, **ALL), "a dead letter", 60)
    assert [letter["Body"] for letter in letters] == [body]
    assert letters[0]["MessageAttributes"]["reason"]["StringValue"]
    queue = system.queue(STATUS_QUEUE)
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the reply is deleted")


def test_a_foreign_worker_competes_beside_ours(apart):
    system = apart(worker_flags=["--work-time", "1s", "--concurrency", "1"])
    system.start_apart(workers=1)
    tasks = [system.submit("8") for _ in range(12)]
    for _ in range(3):
        reply_to(system, the_task(system), '{"arg":8,"value":13}')
    for task in tasks:
        assert system.outcome(task, timeout=60) == {"status": "COMPLETED", "value": 13}
    assert len(system.computations()) == 9
