"""`queues apply`: the declared queues come into being on an endpoint, and stay as declared."""

import pytest

from harness import sqs
from harness.process import run

DECLARED = """\
[queues.ApplyTasks]
visibility_timeout = "45s"
message_retention_period = "4d"
receive_message_wait_time = "20s"
dead_letter = { queue = "ApplyDeadLetters", max_receive_count = 5 }
tags = { system = "apply" }

[queues.ApplyDeadLetters]
message_retention_period = "14d"
"""


@pytest.fixture
def apply(broker, aws, tmp_path):
    """`apply("--dry-run", text=…)` runs the command on the broker and returns what it printed."""
    file = tmp_path / "queues.toml"

    def run_it(*flags, text=DECLARED):
        file.write_text(text)
        place = ["--queues", file, "--endpoint-url", broker.broker_url]
        done = run("queues", "apply", *place, *flags, directory=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield run_it
    for name in names(aws):
        aws.delete_queue(QueueUrl=f"{broker.broker_url}/{sqs.ACCOUNT}/{name}")


def names(aws):
    urls = aws.list_queues(QueueNamePrefix="Apply").get("QueueUrls", [])
    return [url.rsplit("/", 1)[1] for url in urls]


def test_a_dry_run_prints_what_would_be_done_and_does_nothing(apply, aws):
    said = apply("--dry-run")
    assert "ApplyTasks" in said and "ApplyDeadLetters" in said
    assert names(aws) == []


def test_apply_creates_the_queues_as_declared(apply, aws, broker):
    apply()
    assert names(aws) == ["ApplyDeadLetters", "ApplyTasks"]
    url = f"{broker.broker_url}/{sqs.ACCOUNT}/ApplyTasks"
    found = aws.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "45"
    assert found["MessageRetentionPeriod"] == "345600"
    assert found["ReceiveMessageWaitTimeSeconds"] == "20"
    assert f'"{sqs.arn("ApplyDeadLetters")}"' in found["RedrivePolicy"]
    assert aws.list_queue_tags(QueueUrl=url)["Tags"] == {"system": "apply"}


def test_a_second_apply_has_nothing_to_do(apply):
    apply()
    for flags in [(), ("--dry-run",)]:
        assert "nothing to do" in apply(*flags).lower()


def test_a_changed_declaration_is_shown_and_carried_over(apply, aws, broker):
    apply()
    changed = DECLARED.replace('"45s"', '"60s"')
    url = f"{broker.broker_url}/{sqs.ACCOUNT}/ApplyTasks"

    def timeout():
        names = ["VisibilityTimeout"]
        return aws.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]

    said = apply("--dry-run", text=changed)
    assert "ApplyTasks" in said and "45" in said and "60" in said
    assert "ApplyDeadLetters" not in said
    assert timeout() == {"VisibilityTimeout": "45"}
    apply(text=changed)
    assert timeout() == {"VisibilityTimeout": "60"}


def test_a_queue_that_drifted_is_brought_back_and_one_that_is_not_declared_is_left_alone(
    apply, aws, broker, queue
):
    apply()
    url = f"{broker.broker_url}/{sqs.ACCOUNT}/ApplyDeadLetters"
    aws.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    assert "ApplyDeadLetters" in apply()
    names = ["MessageRetentionPeriod"]
    found = aws.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert found == {"MessageRetentionPeriod": "1209600"}
    assert aws.get_queue_url(QueueName=queue.rsplit("/", 1)[1])["QueueUrl"] == queue


def test_an_endpoint_that_nobody_answers_at_is_named(tmp_path):
    file = tmp_path / "queues.toml"
    file.write_text(DECLARED)
    endpoint = "http://127.0.0.1:1"
    place = ["--queues", file, "--endpoint-url", endpoint]
    done = run("queues", "apply", *place, directory=tmp_path, timeout=60)
    assert done.returncode not in (0, 2)
    assert endpoint in done.stderr
    assert "panicked" not in done.stderr
