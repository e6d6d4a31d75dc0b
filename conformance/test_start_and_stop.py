"""How roles begin and end: what they say about where they listen, and that a signal ends them well."""

import contextlib
import os
import re
import signal
import socket
import time

import pytest

from harness import http, wait
from harness.process import Process, binary, clean_environment, free_port
from harness.system import START_TIMEOUT, TASK_DEAD_LETTERS

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


@pytest.mark.parametrize("role", ["broker", "up"])
def test_u3_a_log_that_nobody_reads_does_not_end_a_role(role, tmp_path):
    broker = f"127.0.0.1:{free_port()}"
    flags = ["--broker-listen", broker]
    if role == "up":
        flags += ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"]
    process = WithoutReader(role, [binary(), role, *flags], tmp_path, env=clean_environment(RUST_LOG="debug"))
    wait.until(lambda: process.must_run() and http.answers(f"http://{broker}/health"), "it is up", START_TIMEOUT)
    # Each of them is logged.
    for path in ["/health", "/", "/nothing"]:
        assert http.answers(f"http://{broker}{path}"), path
    process.must_run()
    assert process.stop() == 0


class WithoutReader(Process):
    """A child whose stderr is a pipe that nobody reads any more."""

    def __init__(self, name, argv, directory, env):
        reader, writer = os.pipe()
        os.close(reader)
        super().__init__(name, argv, directory, env, stderr=writer)
        os.close(writer)
