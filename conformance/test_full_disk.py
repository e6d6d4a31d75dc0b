"""The broker's disk is full: it says so, serves what it has, starts again, and goes on when there is room."""

import re
import subprocess

import pytest

from harness import http, sqs, wait
from harness.full import fill
from harness.process import free_port

# As many and as long as a request can name: each of them written down would take what is kept for deletes.
TAG_KEYS = [f"{number}-" + "k" * 120 for number in range(50)]


@pytest.fixture
def full(apart, small_disk):
    """A broker whose disk is full, and a queue of it with a few messages."""
    port = free_port()
    system = apart(broker_flags=["--metrics-listen", f"127.0.0.1:{port}"])
    system.metrics_url = f"http://127.0.0.1:{port}/metrics"
    small_disk(system.data / "broker")
    system.start_broker()
    url = system.sqs.create_queue(QueueName="Kept")["QueueUrl"]
    for number in range(5):
        system.sqs.send_message(QueueUrl=url, MessageBody=str(number))
    fill(system)
    return system, url


def status(system):
    answer = http.get(system.broker_url + "/health")
    assert answer.status == 200, "a restart would make no room"
    return answer.json()["status"]


def metric(system, name):
    page = http.get(system.metrics_url).text
    return float(re.search(rf"^{name} (.*)$", page, re.MULTILINE).group(1))


def test_c5_a_full_broker_says_so_and_a_request_that_changes_nothing_writes_nothing(full):
    system, url = full
    assert status(system) == "full"
    assert metric(system, "longshore_log_full") == 1
    assert "no room for the next segment" in system.broker.output()
    written = metric(system, "longshore_log_written_bytes_total")
    for _ in range(100):
        system.sqs.untag_queue(QueueUrl=url, TagKeys=TAG_KEYS)
    assert metric(system, "longshore_log_written_bytes_total") - written < 1000
    for message in sqs.receive(system.sqs, url, MaxNumberOfMessages=5):
        system.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def test_c5_a_full_broker_starts_again_and_goes_on_when_there_is_room(full):
    system, url = full
    assert system.broker.stop() == 0
    system.start_broker()
    assert status(system) == "full"
    wait.until(lambda: "no room for the next segment" in system.broker.output(), "it is said")
    taken = sqs.drain(system.sqs, url)
    assert sorted(message["Body"] for message in taken) == list("01234")
    subprocess.run(["mount", "-o", "remount,size=400m", str(system.data / "broker")], check=True)
    wait.until(lambda: status(system) == "ok", "there is room")
    system.sqs.send_message(QueueUrl=url, MessageBody="more")
    wait.until(lambda: "the disk has room again" in system.broker.output(), "it is said")
