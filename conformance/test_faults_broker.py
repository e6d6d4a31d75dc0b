"""The broker is killed, and made to prove that it syncs: no acknowledged message may be lost."""

import json
import os
import re
import shutil
import signal

import pytest
from botocore.exceptions import HTTPClientError

from harness import sqs, wait
from harness.load import Messages, Tasks
from harness.process import Process, binary, clean_environment
from harness.sqs import new_name
from harness.system import TASK_DEAD_LETTERS, System, fibonacci

pytestmark = pytest.mark.slow

KILLS = 20
# What must be acknowledged between two kills, so that each kill hits a broker at work.
ACKNOWLEDGED_BETWEEN_KILLS = 25


def serve_for_a_while(load):
    goal = load.acknowledged + ACKNOWLEDGED_BETWEEN_KILLS
    wait.until(lambda: load.acknowledged >= goal, "the load is being served", 60)


def kill_and_restart(system, load):
    """Lets the load run for a while, then SIGKILLs the broker under it and starts it again."""
    serve_for_a_while(load)
    system.broker.kill()
    system.start_broker()


def witness(system):
    """A queue whose leases end soon, so that what a client took along comes back in time to be counted."""
    attributes = {"VisibilityTimeout": "3"}
    return system.sqs.create_queue(QueueName="Witness", Attributes=attributes)["QueueUrl"]


def drained(system, url):
    """The bodies of everything on the queue; what is in flight is waited for."""
    bodies = []
    while any(sqs.counts(system.sqs, url)):
        bodies += [m["Body"] for m in sqs.drain(system.sqs, url, WaitTimeSeconds=1)]
    return bodies


@pytest.mark.timeout(300)
def test_twenty_kills_of_the_broker_lose_no_acknowledged_message_and_bring_no_deleted_one_back(apart):
    system = apart()
    system.start_broker()
    url = witness(system)

    with Messages(system.broker_url, url) as load:
        for _ in range(KILLS):
            kill_and_restart(system, load)

    left = drained(system, url)
    assert len(left) == len(set(left)), "a message was there twice"
    lost = load.sent - set(left) - load.touched
    assert not lost, f"{len(lost)} of {len(load.sent)} acknowledged sends are lost"
    back = load.deleted & set(left)
    assert not back, f"{len(back)} of {len(load.deleted)} acknowledged deletes came back"


def test_kills_of_a_broker_that_syncs_every_minute_lose_nothing_either(apart):
    system = apart(broker_flags=["--sync-interval", "60s"])
    system.start_broker()
    assert "synced every 60s" in system.broker.output()
    url = witness(system)
    with Messages(system.broker_url, url) as load:
        for _ in range(3):
            kill_and_restart(system, load)
    assert not load.sent - set(drained(system, url)) - load.touched


def test_the_ledger_would_find_a_broker_that_forgets(apart):
    system = apart(broker_flags=["--in-memory"])
    system.start_broker()
    url = witness(system)
    with Messages(system.broker_url, url) as load:
        kill_and_restart(system, load)
        assert witness(system) == url
    assert load.sent - set(drained(system, url)) - load.touched


@pytest.mark.timeout(400)
def test_twenty_kills_of_the_broker_leave_every_accepted_task_completed_and_computed_once(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=2)

    with Tasks(system) as load:
        for _ in range(KILLS):
            kill_and_restart(system, load)

    for task, value in load.accepted.items():
        status = system.outcome(task, timeout=90)
        assert status == {"status": "COMPLETED", "value": fibonacci(value)}
    computed = system.computations()
    more_than_once = {task: n for task, n in computed.items() if n != 1}
    assert not more_than_once
    assert set(load.accepted) <= set(computed)
    assert sqs.counts(system.sqs, system.queue(TASK_DEAD_LETTERS)) == (0, 0, 0)


def test_receipt_handles_and_counts_survive_a_kill(apart):
    system = apart()
    system.start_broker()
    url = system.sqs.create_queue(QueueName=new_name())["QueueUrl"]
    system.sqs.send_message(QueueUrl=url, MessageBody="x")
    options = {"VisibilityTimeout": 600, "MessageSystemAttributeNames": ["All"]}
    taken = sqs.receive(system.sqs, url, **options)[0]
    # A second acknowledged request: the record of a receive is written, and what follows it is synced.
    system.sqs.send_message(QueueUrl=url, MessageBody="y", DelaySeconds=900)

    system.broker.kill()
    system.start_broker()

    assert sqs.counts(system.sqs, url) == (0, 1, 1)
    handle = taken["ReceiptHandle"]
    system.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
    again = sqs.receive(system.sqs, url, **options)[0]
    assert again["MessageId"] == taken["MessageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]:
        assert again["Attributes"][name] == taken["Attributes"][name]
    system.sqs.delete_message(QueueUrl=url, ReceiptHandle=handle)


def test_queues_attributes_and_tags_survive_a_kill_and_a_purged_or_deleted_queue_does_not_come_back(apart):
    system = apart()
    system.start_broker()
    aws = system.sqs
    kept, purged, gone = (
        aws.create_queue(QueueName=new_name(), Attributes={"DelaySeconds": "7"}, tags={"k": "v"})["QueueUrl"]
        for _ in range(3)
    )
    aws.set_queue_attributes(QueueUrl=kept, Attributes={"VisibilityTimeout": "77"})
    aws.send_message(QueueUrl=purged, MessageBody="x")
    aws.purge_queue(QueueUrl=purged)
    aws.delete_queue(QueueUrl=gone)

    system.broker.kill()
    system.start_broker()

    names = ["DelaySeconds", "VisibilityTimeout"]
    attributes = aws.get_queue_attributes(QueueUrl=kept, AttributeNames=names)["Attributes"]
    assert attributes == {"DelaySeconds": "7", "VisibilityTimeout": "77"}
    assert aws.list_queue_tags(QueueUrl=kept)["Tags"] == {"k": "v"}
    assert sqs.counts(aws, purged) == (0, 0, 0)
    with sqs.refused("AWS.SimpleQueueService.NonExistentQueue"):
        aws.list_queue_tags(QueueUrl=gone)


def test_an_orderly_stop_loses_nothing_and_ends_with_0(apart):
    system = apart()
    system.start_broker()
    url = witness(system)
    with Messages(system.broker_url, url) as load:
        for _ in range(3):
            serve_for_a_while(load)
            assert system.broker.stop() == 0
            system.start_broker()
    left = set(drained(system, url))
    assert not load.sent - left - load.touched
    assert not load.deleted & left


MOVED = 120
KILLS_WHILE_MOVING = 5


def test_a_move_task_goes_on_after_each_kill_and_every_message_ends_in_one_place_once(apart):
    system = apart()
    system.start_broker()
    aws = system.sqs
    dead, home = ("MovedFrom", "MovedTo")
    urls = {name: aws.create_queue(QueueName=name)["QueueUrl"] for name in (dead, home)}
    policy = json.dumps({"deadLetterTargetArn": sqs.arn(dead), "maxReceiveCount": 1})
    aws.set_queue_attributes(QueueUrl=urls[home], Attributes={"RedrivePolicy": policy})
    sent = {f"message {n}" for n in range(MOVED)}
    for body in sent:
        aws.send_message(QueueUrl=urls[dead], MessageBody=body)
    aws.start_message_move_task(
        SourceArn=sqs.arn(dead), DestinationArn=sqs.arn(home), MaxNumberOfMessagesPerSecond=40
    )

    def task():
        return aws.list_message_move_tasks(SourceArn=sqs.arn(dead))["Results"][0]

    def moved():
        return task()["ApproximateNumberOfMessagesMoved"]

    told = 0
    for _ in range(KILLS_WHILE_MOVING):
        goal = told + MOVED // (KILLS_WHILE_MOVING + 1)
        wait.until(lambda goal=goal: moved() >= goal, "the task moves on")
        told = moved()
        assert task()["Status"] == "RUNNING", "each kill is to hit a task at work"
        system.broker.kill()
        system.start_broker()
        assert moved() >= told, "a move that was told of is lost"

    ended = wait.until(lambda: task()["Status"] != "RUNNING" and task(), "the task has ended", 60)
    assert (ended["Status"], ended["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", MOVED)
    assert sqs.counts(aws, urls[dead]) == (0, 0, 0)
    arrived = sqs.drain(aws, urls[home])
    assert sorted(message["Body"] for message in arrived) == sorted(sent)
    assert len({message["MessageId"] for message in arrived}) == MOVED


# ── syncs ────────────────────────────────────────────────────────────────────────────────────────────────

SENDS = 100
SYNC = re.compile(r"\b(fsync|fdatasync|sync_file_range)\(.*= 0$|<\.\.\. (fsync|fdatasync)\b.*= 0$", re.MULTILINE)


class Traced:
    """A broker under strace, which writes down every sync that it makes."""

    def __init__(self, directory, *flags):
        self.system = System(directory, broker_flags=list(flags))
        self._trace = self.system.directory / "trace"
        port = self.system.broker_port
        argv = ["strace", "-f", "-qq", "-o", self._trace, "-e", "trace=fsync,fdatasync"]
        argv += [binary(), "broker", "--data", self.system.data, *flags]
        argv += ["--broker-listen", f"127.0.0.1:{port}"]
        self.system.broker = Process("broker-traced", argv, self.system.directory, clean_environment())
        self.system.await_broker()

    def syncs(self):
        return len(SYNC.findall(self._trace.read_text()))

    def stop(self):
        # strace passes a signal of its own on to nobody: it is the traced program that must be asked.
        children = f"/proc/{self.system.broker.pid}/task/{self.system.broker.pid}/children"
        with open(children) as file:
            for pid in file.read().split():
                os.kill(int(pid), signal.SIGTERM)
        self.system.broker.wait(30)


def syncs_of_sequential_sends(traced):
    """How many syncs the broker made while one client sent `SENDS` messages, each after the last's answer."""
    aws = traced.system.sqs
    url = aws.create_queue(QueueName=new_name())["QueueUrl"]
    before = traced.syncs()
    for i in range(SENDS):
        aws.send_message(QueueUrl=url, MessageBody=str(i))
    return traced.syncs() - before


@pytest.fixture
def traced(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed, so syncs cannot be counted")
    made = []

    def make(*flags):
        made.append(Traced(tmp_path / f"traced-{len(made)}", *flags))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def test_a_send_is_acknowledged_only_after_a_sync_of_its_own(traced):
    # A kill cannot show this: what was written but not synced survives a kill, and dies in a power cut.
    assert syncs_of_sequential_sends(traced()) >= SENDS


def test_counting_syncs_would_find_a_broker_that_makes_none(traced):
    assert syncs_of_sequential_sends(traced("--in-memory")) < SENDS


# ── a disk that fails ────────────────────────────────────────────────────────────────────────────────────


def test_c17_a_disk_that_fails_ends_the_broker_with_70_and_nothing_acknowledged_is_lost(apart):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed, so no sync can be made to fail")
    system = apart()
    failing = "inject=fdatasync:error=EIO:when=40+"
    within = ["strace", "-f", "-qq", "-o", str(system.directory / "trace"), "-e", "trace=fdatasync", "-e", failing]
    system.start_broker(within=within)
    url = witness(system)
    acknowledged = set()
    with pytest.raises((system.sqs.exceptions.ClientError, HTTPClientError)):
        for i in range(1000):
            system.sqs.send_message(QueueUrl=url, MessageBody=str(i))
            acknowledged.add(str(i))
    assert system.broker.wait(30) == 70
    assert "check that the disk is healthy" in system.broker.output()
    system.start_broker()
    assert acknowledged <= set(drained(system, url))
