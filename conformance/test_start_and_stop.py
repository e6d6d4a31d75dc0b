"""How roles begin and end: what they say about where they listen, and that a signal ends them well."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest

from harness import http, sqs, wait
from harness.process import Process, Unread, binary
from harness.system import STATUS_DEAD_LETTERS, STATUS_QUEUE, START_TIMEOUT, TASK_DEAD_LETTERS, TASK_QUEUE

ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost):(\d+)")


def named_ports(process):
    """The ports of this host that the process has named in what it printed."""
    return {int(port) for port in ADDRESS.findall(process.output())} - {0}


def answering(process, expected, timeout=START_TIMEOUT):
    """Those of the named ports that answer HTTP, once there are as many as expected."""

    def found():
        process.must_run()
        ports = {port for port in named_ports(process) if http.answers(f"http://127.0.0.1:{port}/")}
        return ports if len(ports) >= expected else None

    return wait.until(found, f"{expected} named ports answer", timeout)


def test_up_takes_free_ports_when_asked_and_says_where_it_listens(tmp_path):
    anywhere = "127.0.0.1:0"
    flags = ["--listen", anywhere, "--broker-listen", anywhere, "--health-listen", anywhere]
    up = Process("up", [binary(), "up", *flags], tmp_path)
    ports = answering(up, expected=3)
    greetings = [http.get(f"http://127.0.0.1:{port}/fibonacci?value=8").status for port in ports]
    assert greetings.count(200) == 1
    # The data directory that the guide names.
    assert (tmp_path / "longshore-data" / "tasks.sqlite3").exists()
    assert (tmp_path / "longshore-data" / "broker").is_dir()
    assert up.stop() == 0


def test_an_interrupt_from_the_keyboard_ends_it_with_0(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_up()
    os.kill(system.app.pid, signal.SIGINT)
    assert system.app.wait(30) == 0


def test_idle_roles_end_soon_after_they_are_asked_to(apart):
    # Each of them waits in a long poll, or serves one.
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    for role in [system.workers[0], system.app, system.broker]:
        begun = time.monotonic()
        assert role.stop() == 0, role.name
        assert time.monotonic() - begun < 10, role.name


def test_a_health_page_that_nobody_placed_goes_where_there_is_room(apart):
    system = apart()
    system.start_broker()
    with contextlib.ExitStack() as held:
        taken = held.enter_context(socket.socket())
        # Where something else has that port already, it is taken all the same.
        with contextlib.suppress(OSError):
            taken.bind(("127.0.0.1", 4000))
            taken.listen()
        argv = [binary(), "worker", "--data", system.data, "--endpoint-url", system.broker_url]
        worker = Process("worker", argv, system.directory)
        system.workers.append(worker)

        def elsewhere():
            worker.must_run()
            ports = named_ports(worker) - {4000, system.broker_port}
            return any(http.answers(f"http://127.0.0.1:{port}/") for port in ports)

        wait.until(elsewhere, "a health page on another port than 4000", START_TIMEOUT)


def test_a_running_role_says_over_http_how_it_is(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    for url in [system.app_url, system.broker_url, system.workers[0].health_url]:
        # A worker's page is there before the worker has found its queues, and says that it waits for them.
        wait.until(lambda url=url: http.get(url + "/health").status == 200, f"{url} is well", START_TIMEOUT)


def test_no_role_writes_a_body_to_its_log(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    secret = "a-secret-that-no-log-may-hold"
    assert system.outcome(system.submit(secret))["status"] == "FAILED"
    for role in [system.app, system.broker, *system.workers]:
        assert secret not in role.output(), role.name


def test_the_broker_says_in_its_log_that_a_dead_letter_queue_is_not_empty(apart):
    system = apart()
    system.start_broker()
    queue = system.queue(TASK_DEAD_LETTERS)
    system.sqs.send_message(QueueUrl=queue, MessageBody="x")
    wait.until(
        lambda: TASK_DEAD_LETTERS in system.broker.output().split("listen")[-1],
        "the log names the dead-letter queue",
        60,
    )


# ── U3, a row of the report that test_lost_tasks.py is about ─────────────────────────────────────────────


@pytest.fixture
def unread(apart):
    """A system with much to say, of which nobody reads a word; not started yet."""
    flags = {"broker_flags": ["--log-requests"], "worker_flags": ["--work-time", "1s"]}
    return apart(process=Unread, variables={"RUST_LOG": "debug"}, **flags)


def make_work_and_warnings(system, health_url):
    """Has a task done, and everybody warn of something in the log; then a task that is still running, its id."""
    unknown = {"taskName": {"DataType": "String", "StringValue": "of-the-next-version"}}
    system.sqs.send_message(QueueUrl=system.queue(TASK_QUEUE), MessageBody="8", MessageAttributes=unknown)
    system.sqs.send_message(QueueUrl=system.queue(STATUS_QUEUE), MessageBody="no reply")
    dead = system.queue(STATUS_DEAD_LETTERS)
    wait.until(lambda: sqs.counts(system.sqs, dead) == (1, 0, 0), "the app dead-letters what is no reply")

    def handed_back():
        return any(worker["unknown"] for worker in http.get(health_url + "/health").json()["workers"])

    wait.until(handed_back, "a worker hands back what it does not know")
    assert sqs.json_call(system.broker_url, "NoSuchAction", {}).status == 400
    assert system.outcome(system.submit("8"))["status"] == "COMPLETED"
    running = system.submit("8")
    wait.until(lambda: system.computations().get(running), "a worker runs a task")
    return running


def test_u3_roles_whose_output_nobody_reads_serve_on_and_drain(unread):
    unread.start_apart(workers=1)
    (worker,) = unread.workers
    running = make_work_and_warnings(unread, worker.health_url)
    assert worker.stop() == 0
    assert unread.outcome(running, timeout=5) == {"status": "COMPLETED", "value": 13}
    assert [unread.app.stop(), unread.broker.stop()] == [0, 0]


def test_u3_a_whole_system_whose_output_nobody_reads_serves_on_and_drains(unread):
    unread.start_up()
    make_work_and_warnings(unread, unread.app.health_url)
    assert unread.app.stop() == 0


def test_c17_a_role_leaves_no_core_dump(apart):
    system = apart()
    system.start_broker()
    with open(f"/proc/{system.broker.pid}/limits") as limits:
        (line,) = [line for line in limits if line.startswith("Max core file size")]
    assert line.split()[4:6] == ["0", "0"]
