"""Fixtures that every part shares, and the logs of the processes in a failed test's report."""

import contextlib
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from compatibility.proves import Notes
from harness import sqs
from harness.process import STARTED
from harness.system import System

# The end of a log says why; the whole of it lies in pytest's temporary directory.
LOG_TAIL = 4000


def pytest_addoption(parser):
    parser.addoption("--rows", default="", help="only the tests that prove these rows, with commas between them")


def pytest_configure(config):
    only = {row for row in config.getoption("--rows").split(",") if row}
    config.pluginmanager.register(Notes(os.environ.get("LONGSHORE_NOTES"), only))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        begun = getattr(item, "_processes_before", 0)
        for index, process in enumerate(STARTED):
            if index >= begun or process.running():
                title = f"{process.name} (pid {process.pid}, exit {process.exit_code}), {process.log}"
                report.sections.append((title, process.output()[-LOG_TAIL:]))
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    item._processes_before = len(STARTED)


def pytest_sessionfinish():
    for process in STARTED:
        process.kill()


@pytest.fixture(scope="session")
def broker(tmp_path_factory):
    """One durable broker for all the tests of the SQS wire; each test has queues of its own.

    With `LONGSHORE_CONFORMANCE_ENDPOINT` it is another SQS-compatible broker that already runs there.
    """
    system = System(tmp_path_factory.mktemp("broker"))
    elsewhere = os.environ.get("LONGSHORE_CONFORMANCE_ENDPOINT")
    if elsewhere:
        system.broker_port = urlsplit(elsewhere).port
    else:
        system.start_broker()
    yield system
    system.kill()


@pytest.fixture(scope="session")
def strict_broker(tmp_path_factory):
    """A broker that keeps the 60-second rules of SQS."""
    system = System(tmp_path_factory.mktemp("strict"), broker_flags=["--strict", "--in-memory"])
    system.start_broker()
    yield system
    system.kill()


@pytest.fixture(scope="session")
def aws(broker):
    """A boto3 client of `broker`."""
    return broker.sqs


@pytest.fixture(scope="session")
def unchecked(broker):
    """A boto3 client that sends what the SDK would refuse to."""
    return sqs.client(broker.broker_url, checked=False)


def remove(aws, url):
    """Deletes a queue, unless the test already did."""
    with contextlib.suppress(aws.exceptions.QueueDoesNotExist):
        aws.delete_queue(QueueUrl=url)


@pytest.fixture
def queue(aws):
    """The URL of a new standard queue."""
    url = aws.create_queue(QueueName=sqs.new_name())["QueueUrl"]
    yield url
    remove(aws, url)


@pytest.fixture
def make_queue(aws):
    """Creates queues with attributes: `make_queue(DelaySeconds="5")`; returns the URL."""
    made = []

    def make(stem="q", tags=None, **attributes):
        extra = {"tags": tags} if tags else {}
        name = sqs.new_name(stem)
        url = aws.create_queue(QueueName=name, Attributes=attributes, **extra)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        remove(aws, url)


@pytest.fixture
def apart(tmp_path):
    """Makes systems whose roles are processes of their own; `apart(worker_flags=[…])`, not started yet."""
    made = []

    def make(**flags):
        system = System(tmp_path / f"system-{len(made)}", **flags)
        made.append(system)
        return system

    yield make
    for system in made:
        system.kill()


@pytest.fixture
def small_disk():
    """Mounts a file system of some 200 MiB at a directory: a disk that can be filled."""
    mounted = []

    def mount(directory):
        directory.mkdir(parents=True)
        argv = ["mount", "-t", "tmpfs", "-o", "size=200m,mode=0700", "tmpfs", str(directory)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no small file system can be mounted: {done.stderr.strip()}")
        mounted.append(directory)

    yield mount
    for directory in mounted:
        subprocess.run(["umount", "--lazy", str(directory)], check=True)


class Background:
    """A call in a thread of its own: its result, or its exception, is the caller's."""

    def __init__(self, call):
        pool = ThreadPoolExecutor(max_workers=1)
        self._future = pool.submit(call)
        pool.shutdown(wait=False)

    def result(self, timeout):
        return self._future.result(timeout)

    def running(self):
        return not self._future.done()


@pytest.fixture
def background():
    """Runs a call beside the test: `background(call).result(timeout)`."""
    return Background
