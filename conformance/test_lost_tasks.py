"""Days of production on which tasks were lost before, each by the name that it was reported under.

L and U are the rows of a report that was made by trying: what was done, what happened, what is right. Each test does the same
to real processes and looks for what is right.
"""

import contextlib
import json
import os
import re
import select
import sqlite3
import stat
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from harness import http, sqs, wait
from harness.clock import clock_off_by
from harness.full import fill
from harness.http import assert_problem
from harness.process import Process, binary, clean_environment, free_port, run
from harness.queues import short_leases
from harness.system import STATUS_QUEUE, TASK_DEAD_LETTERS, TASK_QUEUE

QUICK = ["--work-time", "0s"]
COMPLETED = {"status": "COMPLETED", "value": 13}
ALL = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
# What the default retry policy of a worker grants.
ATTEMPTS = 5


@pytest.fixture
def leased(apart, tmp_path):
    """Makes a system whose tasks and replies are leased for `lease`; not started yet."""

    def make(lease, **flags):
        return apart(common_flags=["--queues", short_leases(tmp_path, lease)], **flags)

    return make


def text(value):
    return {"DataType": "String", "StringValue": value}


def ours(task, reply_to=None):
    """The attributes of a task's message that a Longshore app gives it."""
    attributes = {"taskId": text(task), "taskName": text("fibonacci")}
    return attributes | ({"replyTo": text(reply_to)} if reply_to else {})


def empty(system, name):
    """Whether the queue holds nothing, in flight or not."""
    return sqs.counts(system.sqs, system.queue(name)) == (0, 0, 0)


def dead_letters(system, timeout=60):
    """What is in the tasks' dead-letter queue, once there is something; it is left there."""

    def found():
        url = system.queue(TASK_DEAD_LETTERS)
        return sqs.receive(system.sqs, url, VisibilityTimeout=0, WaitTimeSeconds=1, **ALL)

    return wait.until(found, "a dead letter", timeout)


def reason_of(letter):
    return letter["MessageAttributes"]["reason"]["StringValue"]


def recreate(system, name=STATUS_QUEUE):
    """Makes a queue that was deleted again, with a lease as short as it had."""
    system.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3"})


# ── L1 ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_l1_a_task_whose_workers_are_killed_is_dead_and_once_redriven_is_computed_and_completed(leased):
    system = leased("2s")
    system.start_apart(workers=0)
    task = system.submit("8")
    for attempt in range(1, ATTEMPTS + 1):
        victim = system.start_worker(["--work-time", "60s"])
        wait.until(lambda n=attempt: system.computations().get(task) == n, f"attempt {attempt} began", 30)
        victim.kill()
    system.start_worker(QUICK)
    assert system.outcome(task)["status"] == "FAILED"
    assert system.computations() == {task: ATTEMPTS}
    assert len(dead_letters(system)) == 1

    redrive(system)
    wait.until(lambda: system.status(task).json() == COMPLETED, "COMPLETED replaces FAILED", 30)
    assert system.computations() == {task: ATTEMPTS + 1}
    for name in [TASK_DEAD_LETTERS, TASK_QUEUE, STATUS_QUEUE]:
        wait.until(lambda n=name: empty(system, n), f"{name} is empty")


def redrive(system):
    """The command of docs/operations.md."""
    system.sqs.start_message_move_task(
        SourceArn=sqs.arn(TASK_DEAD_LETTERS),
        DestinationArn=sqs.arn(TASK_QUEUE),
        MaxNumberOfMessagesPerSecond=10,
    )


# ── L2 ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def app_apart(leased):
    """A system whose app has a store of its own, so that only a reply can complete its tasks."""
    system = leased("3s", worker_flags=QUICK)
    system.start_broker()
    system.start_app(data=system.directory / "of-the-app")
    return system


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_l2_a_reply_whose_queue_is_away_is_sent_when_it_is_back(app_apart):
    system = app_apart
    system.start_worker()
    system.sqs.delete_queue(QueueUrl=system.queue(STATUS_QUEUE))
    task = system.submit("8")
    wait.until(lambda: system.computations().get(task), "it is computed")
    wait.stays(lambda: system.status(task).json() == {"status": "PENDING"}, "PENDING", 40)
    recreate(system)
    assert system.outcome(task, timeout=90) == COMPLETED
    assert system.computations() == {task: 1}
    for name in [TASK_DEAD_LETTERS, TASK_QUEUE]:
        wait.until(lambda n=name: empty(system, n), f"{name} is empty")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("then", ["is killed", "is killed and the queue purged"])
def test_l2_what_a_worker_kept_before_it_died_is_sent_by_another(app_apart, then):
    system = app_apart
    worker = system.start_worker()
    system.sqs.delete_queue(QueueUrl=system.queue(STATUS_QUEUE))
    task = system.submit("8")
    wait.until(lambda: "was not sent" in worker.output(), "the reply is kept and was not sent")
    worker.kill()
    if "purged" in then:
        system.sqs.purge_queue(QueueUrl=system.queue(TASK_QUEUE))
    recreate(system)
    system.start_worker()
    assert system.outcome(task, timeout=90) == COMPLETED
    assert system.computations() == {task: 1}
    assert empty(system, TASK_DEAD_LETTERS)


# ── L3 ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def with_strangers(apart):
    """A broker, a worker and a queue that is none of theirs."""

    def make(*worker_flags):
        system = apart(worker_flags=[*QUICK, *worker_flags])
        system.start_broker()
        system.sqs.create_queue(QueueName="Theirs")
        system.start_worker()
        return system

    return make


def ask_with_reply_to(system, reply_to):
    """Sends a task as a Longshore app does, with the reply to go to that queue; its id."""
    task = str(uuid.uuid4())
    queue = system.queue(TASK_QUEUE)
    system.sqs.send_message(QueueUrl=queue, MessageBody="8", MessageAttributes=ours(task, reply_to))
    return task


@pytest.mark.parametrize("named", ["Theirs", "url of Theirs", "NobodyMadeThis"])
def test_l3_a_reply_queue_that_nobody_allowed_is_refused_with_what_to_do(with_strangers, named):
    system = with_strangers()
    task = ask_with_reply_to(system, system.queue("Theirs") if named.startswith("url") else named)
    (letter,) = dead_letters(system)
    assert "--allow-reply-queue" in reason_of(letter)
    assert named.split()[-1] in reason_of(letter)
    assert letter["MessageAttributes"]["taskId"]["StringValue"] == task
    assert empty(system, "Theirs")
    assert system.computations() == {}
    wait.until(lambda: empty(system, TASK_QUEUE), "the task is deleted")


@pytest.mark.parametrize("named", ["name", "url"])
def test_l3_a_reply_queue_that_is_allowed_gets_the_reply(with_strangers, named):
    system = with_strangers("--allow-reply-queue", "Theirs")
    task = ask_with_reply_to(system, "Theirs" if named == "name" else system.queue("Theirs"))

    def replied():
        return sqs.receive(system.sqs, system.queue("Theirs"), WaitTimeSeconds=1, **ALL)

    (reply,) = wait.until(replied, "the reply is in the queue that was named", 30)
    assert reply["MessageAttributes"]["replyMessageId"]["StringValue"] == task
    assert json.loads(reply["Body"]) == {"arg": 8, "value": 13}
    assert empty(system, TASK_DEAD_LETTERS) and empty(system, STATUS_QUEUE)


class Listener(HTTPServer):
    """A host that nobody has a reason to talk to; what did."""

    def __init__(self):
        self.requests = []
        listener = self

        class Noted(BaseHTTPRequestHandler):
            def do_POST(self):
                listener.requests.append(self.path)
                self.send_error(500)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Noted)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_l3_a_url_of_a_foreign_host_is_never_talked_to(with_strangers):
    system = with_strangers()
    with Listener() as foreign:
        url = f"http://127.0.0.1:{foreign.server_port}/{sqs.ACCOUNT}"
        same_name = ask_with_reply_to(system, f"{url}/{STATUS_QUEUE}")

        def replied():
            return sqs.receive(system.sqs, system.queue(STATUS_QUEUE), WaitTimeSeconds=1, **ALL)

        # What is declared under that name is where replies go.
        (reply,) = wait.until(replied, "a reply in the declared queue", 30)
        assert reply["MessageAttributes"]["replyMessageId"]["StringValue"] == same_name
        ask_with_reply_to(system, f"{url}/Other")
        assert "--allow-reply-queue" in reason_of(dead_letters(system)[0])
        assert foreign.requests == []
        foreign.shutdown()


# ── L4 ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["-1h", "+1h"])
def test_l4_a_worker_whose_clock_is_an_hour_off_takes_over_within_three_leases(leased, shift):
    within = clock_off_by(shift)
    system = leased("4s")
    system.start_apart(workers=0)
    task = system.submit("8")
    victim = system.start_worker(["--work-time", "60s"])
    wait.until(lambda: system.computations().get(task), "the first worker began")
    victim.kill()
    system.start_worker(QUICK, within=within)
    wait.until(lambda: system.computations()[task] == 2, "the next worker began", 12)
    wait.until(lambda: system.status(task).status == 200, "it is known")
    assert system.outcome(task) == COMPLETED


# ── L5 ───────────────────────────────────────────────────────────────────────────────────────────────────


def kept(system):
    """The ids of the records that the store keeps. One whose time is over may still be there; nobody is shown it."""
    with contextlib.closing(sqlite3.connect(system.data / "tasks.sqlite3")) as store:
        now = int(time.time() * 1000)
        return [row[0] for row in store.execute("SELECT id FROM tasks WHERE keep > ?", (now,))]


def test_l5_a_broker_that_is_full_says_no_and_no_task_is_left_pending(apart, small_disk):
    system = apart()
    small_disk(system.data / "broker")
    system.start_apart(workers=0)
    accepted = system.submit("8")
    fill(system)
    answer = system.request_task("9")
    assert_problem(answer, 503)
    assert answer.headers["retry-after"]
    # It is known that the task was not sent: there is nothing to ask for.
    assert "callbackUrl" not in answer.json()
    assert kept(system) == [accepted]
    assert system.status(accepted).json() == {"status": "PENDING"}


# ── L6 ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_l6_late_duplicates_of_task_and_reply_revive_nothing(apart):
    retention = ["--result-retention", "2s"]
    system = apart(worker_flags=[*QUICK, *retention], app_flags=retention)
    system.start_apart(workers=0)
    task = system.submit("8")
    queue, replies = system.queue(TASK_QUEUE), system.queue(STATUS_QUEUE)

    def seen():
        return sqs.receive(system.sqs, queue, VisibilityTimeout=0, **ALL)

    (message,) = wait.until(seen, "the task's message")
    system.start_worker()
    assert system.outcome(task) == COMPLETED
    wait.until(lambda: system.status(task).status == 404, "the result is forgotten", 100)

    copy = {"MessageBody": message["Body"], "MessageAttributes": message["MessageAttributes"]}
    system.sqs.send_message(QueueUrl=queue, **copy)
    for name in [task, message["MessageId"]]:
        attributes = {"status": text("COMPLETED"), "replyMessageId": text(name)}
        body = '{"arg":8,"value":13}'
        system.sqs.send_message(QueueUrl=replies, MessageBody=body, MessageAttributes=attributes)
    for name in [TASK_QUEUE, STATUS_QUEUE]:
        wait.until(lambda n=name: empty(system, n), f"{name} is empty")
    wait.stays(lambda: system.status(task).status == 404, "404", 3)
    assert system.computations() == {task: 1}
    assert system.status(message["MessageId"]).status == 404


# ── L7 ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_l7_app_and_worker_wait_for_a_broker_that_comes_last(apart):
    system = apart(worker_flags=QUICK)
    system.start_worker()
    system.start_app()
    roles = [system.app, *system.workers]
    wait.stays(lambda: all(role.must_run() for role in roles), "both wait", 20)
    assert_problem(system.request_task("8"), 503)
    system.start_broker()

    def accepted():
        answer = system.request_task("8")
        return answer.json()["callbackUrl"].rsplit("/", 1)[1] if answer.status == 200 else None

    assert system.outcome(wait.until(accepted, "a task is accepted")) == COMPLETED


@pytest.mark.slow
@pytest.mark.parametrize(("role", "missing"), [("worker", TASK_QUEUE), ("app", STATUS_QUEUE)])
def test_l7_a_queue_that_stays_away_ends_the_role_with_3_and_what_to_do(apart, role, missing):
    system = apart()
    system.start_broker()
    system.sqs.delete_queue(QueueUrl=system.queue(missing))
    process = system.start_app() if role == "app" else system.start_worker()
    wait.stays(process.must_run, "it waits", 40)
    assert process.wait(50) == 3
    assert missing in process.output()
    assert "queues apply" in process.output()


# ── L8, L9, L10 ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_l8_a_dead_letter_says_what_failed_and_why(leased):
    system = leased("3s", worker_flags=QUICK)
    # A disk that is always full: the handler fails as it writes down what it is about to do.
    system.work_log.symlink_to("/dev/full")
    system.start_apart(workers=1)
    task = system.submit("8")
    assert system.outcome(task, timeout=100)["status"] == "FAILED"
    (letter,) = dead_letters(system)
    assert "the work log" in reason_of(letter) and "No space left" in reason_of(letter)
    with contextlib.closing(sqlite3.connect(system.data / "tasks.sqlite3")) as store:
        (life,) = store.execute("SELECT life FROM tasks WHERE id = ?", (task,)).fetchone()
    assert life.count("No space left") >= ATTEMPTS


@pytest.mark.parametrize("umask", ["022", "000"])
def test_l9_what_is_kept_is_its_owners_alone(apart, umask):
    system = apart()
    system.start_broker()
    within = ["sh", "-c", f'umask {umask}; exec "$@"', "sh"]
    system.start_worker(QUICK, data=system.directory / "own", within=within)
    own = system.directory / "own"
    files = wait.until(lambda: sorted(own.iterdir()), "the store")
    assert "tasks.sqlite3" in [path.name for path in files]
    assert mode(own) == 0o700
    assert {path.name: oct(mode(path)) for path in files} == {path.name: "0o600" for path in files}


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("scheme", ["redis", "postgres"])
def test_l10_a_store_server_that_is_not_there_is_named_and_no_file_is_made(tmp_path, scheme):
    url = f"{scheme}://127.0.0.1:{free_port()}/"
    endpoint = ["--endpoint-url", f"http://127.0.0.1:{free_port()}"]
    done = run("worker", "--store", url, *endpoint, "--health-listen", "127.0.0.1:0", directory=tmp_path)
    assert done.returncode == 3, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert f"{scheme}://" in done.stderr and "--store" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_l10_a_store_of_an_unknown_kind_is_refused_with_those_that_there_are(tmp_path):
    done = run("worker", "--store", "mysql://host/tasks", directory=tmp_path)
    assert done.returncode == 2
    for known in ["postgres://", "redis://", "dynamodb://"]:
        assert known in done.stderr
    assert list(tmp_path.iterdir()) == []


# ── U2 ───────────────────────────────────────────────────────────────────────────────────────────────────


class FullPipe:
    """A pipe with a name, and so full that whoever writes to it waits until it is read: a disk that hangs."""

    def __init__(self, path):
        os.mkfifo(path)
        # Opened for both, so that whoever opens it to write finds a reader.
        self._pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._lines = b""
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self._pipe, b"\n" * select.PIPE_BUF)

    def words(self):
        """The first word of each line that was written so far. From now on there is room for more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._lines += os.read(self._pipe, 1 << 16)
        return [line.split()[0] for line in self._lines.decode().splitlines() if line]

    def close(self):
        os.close(self._pipe)


@pytest.fixture
def stuck(leased):
    """A system whose tasks are leased for 3 seconds, and whose handlers block both their threads; not started yet."""
    system = leased("3s", worker_flags=QUICK, variables={"TOKIO_WORKER_THREADS": "2"})
    # A handler writes to the work log on the thread that it runs on.
    with contextlib.closing(FullPipe(system.work_log)) as disk:
        yield system, disk


@pytest.mark.slow
def test_u2_handlers_that_block_their_threads_are_noticed_and_cost_no_lease(stuck):
    (system, disk), count = stuck, 4
    system.start_apart(workers=1)
    (worker,) = system.workers
    tasks = [system.submit("8") for _ in range(count)]
    wait.until(lambda: "the handlers' runtime is blocked" in worker.output(), "the worker's log says so", 30)

    def all_in_flight():
        return sqs.counts(system.sqs, system.queue(TASK_QUEUE)) == (0, count, 0)

    wait.stays(all_in_flight, "no lease has ended", 9)
    (health,) = http.get(worker.health_url + "/health").json()["workers"]
    assert (health["status"], health["handlersBlocked"], health["running"]) == ("ok", True, count), health

    wait.until(lambda: sorted(disk.words()) == sorted(tasks), "each has begun, once")
    for task in tasks:
        assert system.outcome(task) == COMPLETED
    wait.until(lambda: "the handlers' runtime goes on" in worker.output(), "the worker's log says so")
    wait.until(lambda: empty(system, TASK_QUEUE), "all are deleted")
    (health,) = http.get(worker.health_url + "/health").json()["workers"]
    assert [health[name] for name in ["received", "done", "lost", "repeated"]] == [count, count, 0, 0], health
    assert not health["handlersBlocked"], health
    assert sorted(disk.words()) == sorted(tasks)


# ── U1, U6 ───────────────────────────────────────────────────────────────────────────────────────────────


def ask_for_what_nobody_knows(system):
    queue = system.queue(TASK_QUEUE)
    attributes = ours(str(uuid.uuid4())) | {"taskName": text("of-the-next-version")}
    system.sqs.send_message(QueueUrl=queue, MessageBody="8", MessageAttributes=attributes)


def test_u1_a_task_that_no_worker_knows_yet_is_handed_back_loudly(apart):
    system = apart(worker_flags=QUICK)
    system.start_broker()
    worker = system.start_worker()
    ask_for_what_nobody_knows(system)
    wait.until(lambda: "of-the-next-version" in worker.output(), "the worker's log names the task")
    wait.stays(lambda: empty(system, TASK_DEAD_LETTERS), "it is not dead", 5)
    assert not empty(system, TASK_QUEUE)
    health = http.get(worker.health_url + "/health").json()
    assert health["workers"][0]["unknown"] >= 1, health


def test_u1_a_worker_without_patience_ends_it_as_dead(apart):
    system = apart(worker_flags=[*QUICK, "--unknown-patience", "0s"])
    system.start_broker()
    system.start_worker()
    ask_for_what_nobody_knows(system)
    (letter,) = dead_letters(system)
    assert "of-the-next-version" in reason_of(letter)


def test_u6_an_app_says_that_it_gets_the_replies_of_another(apart):
    system = apart(worker_flags=QUICK)
    system.start_apart(workers=1)
    port = free_port()
    other = system.start_app(port=port, data=system.directory / "of-the-other")
    url = f"http://127.0.0.1:{port}"
    for _ in range(20):
        system.submit("8")
        system.submit("8", app_url=url)
    wait.until(lambda: empty(system, TASK_QUEUE) and empty(system, STATUS_QUEUE), "all is answered")
    said = "not known here"
    wait.until(lambda: said in system.app.output() + other.output(), "the log says so")
    counted = [http.get(app + "/health").json().get("replies", {}) for app in [system.app_url, url]]
    assert sum(replies.get("unknown", 0) for replies in counted) > 0, counted
