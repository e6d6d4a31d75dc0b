"""Floods from outside: what a broker's clients can take of it, and what becomes of everybody else meanwhile.

Each flood is bounded in number and time and comes from this host alone. While it lasts, others use a queue on connections of their
own, and each of their requests must be answered; the process's memory is read from outside, and its highest mark must stay below the
budget of bytes in flight and a hundred mebibytes. What is refused is in the metrics.

The longest wait of the others is printed (`pytest -s`). It is judged where a system that asks again would make it a second, and
nowhere else, since machines differ.
"""

import contextlib
import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness import http as plain
from harness import signature, wait
from harness.process import free_port
from harness.sqs import ACCOUNT, json_call
from harness.system import System

MIB = 1 << 20
BUDGET = 32 * MIB
# What the broker takes beside its budget, with what is in its queues.
BESIDE = 100 * MIB
CONNECTIONS = 200
# Long enough for a busy machine; who is locked out is so for longer.
PATIENCE = 10
# How long a kernel waits before it asks again for a connection that nobody answered.
RETRY_OF_A_SYN = 1
# Begins so many connections, waits for none, and keeps them until its input ends.
BURST = """
import resource, socket, sys
port, count = map(int, sys.argv[1:])
_, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
kept = [socket.socket() for _ in range(count)]
for connection in kept:
    connection.setblocking(False)
    connection.connect_ex(("127.0.0.1", port))
print("begun", flush=True)
sys.stdin.read()
"""

KEY = ("test", "the secret of test")


class Flooded(System):
    """A broker with small bounds, and what is read of it from outside."""

    def __init__(self, directory, *flags, connections=CONNECTIONS):
        self.metrics_port = free_port()
        bounds = ["--traffic-bytes-max", BUDGET, "--connections-max", connections]
        metrics = ["--metrics-listen", f"127.0.0.1:{self.metrics_port}"]
        super().__init__(directory, broker_flags=["--in-memory", *metrics, *bounds, *flags])
        self.connections = []
        self.burster = None
        self.start_broker()

    def highest_memory(self):
        """The highest mark of the memory that the process had, in bytes."""
        status = Path(f"/proc/{self.broker.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def metric(self, name):
        page = plain.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text
        return float(re.search(rf"^{name} (\S+)$", page, re.MULTILINE)[1])

    def connect(self, receive_bytes=None):
        """A connection that stays open until the end of the test."""
        connection = socket.socket()
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.broker_port))
        self.connections.append(connection)
        return connection

    def burst(self, count):
        """So many connections at once, of a process of their own, which keeps them until the end."""
        program = [sys.executable, "-c", BURST, str(self.broker_port), str(count)]
        self.burster = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.burster.stdout.readline() == b"begun\n"

    def close(self):
        for connection in self.connections:
            connection.close()
        if self.burster is not None:
            self.burster.communicate()
        self.kill()


@pytest.fixture
def flooded(tmp_path):
    made = []

    def start(*flags, **bounds):
        made.append(Flooded(tmp_path, *flags, **bounds))
        return made[-1]

    yield start
    for system in made:
        system.close()


class Others:
    """Somebody who uses a queue, each time on a new connection, until the end of the `with`."""

    def __init__(self, system, key=None):
        self.system, self.key = system, key
        self.served, self.worst, self.failure = 0, 0.0, None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _call(self, action, body):
        if self.key is None:
            return json_call(self.system.broker_url, action, body)
        return signature.json_call(self.system.broker_url, action, json.dumps(body), self.key)

    def _run(self):
        try:
            self._expect("CreateQueue", {"QueueName": "others"})
            url = f"{self.system.broker_url}/{ACCOUNT}/others"
            while not self._stop.is_set():
                self._expect("SendMessage", {"QueueUrl": url, "MessageBody": "x" * 100})
                received = self._expect("ReceiveMessage", {"QueueUrl": url})
                handle = received["Messages"][0]["ReceiptHandle"]
                self._expect("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": handle})
        except BaseException as failure:
            self.failure = failure

    def _expect(self, action, body):
        begun = time.monotonic()
        answer = self._call(action, body)
        self.worst = max(self.worst, time.monotonic() - begun)
        assert answer.status == 200, (action, answer.status, answer.text)
        self.served += 1
        return answer.json()

    def __enter__(self):
        self._thread.start()
        wait.until(lambda: self.served > 10 or self.failure, "others are served before the flood")
        return self

    def go_on(self, count=100):
        """Waits until so many more of their requests were answered."""
        goal = self.served + count
        wait.until(lambda: self.served > goal or self.failure, "others are served in the flood", 60)
        assert self.failure is None, self.failure

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(60)
        assert self.failure is None, self.failure
        print(f"others: {self.served} requests, the longest took {self.worst:.3f} s")


def assert_bounded(system, budget=BUDGET):
    highest = system.highest_memory()
    print(f"highest memory: {highest / MIB:.0f} MiB")
    assert highest < budget + BESIDE


def head(action, length, headers=""):
    return (
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: AmazonSQS.{action}\r\n{headers}Content-Length: {length}\r\n\r\n"
    ).encode()


def large_messages(system):
    """A queue with ten messages of one mebibyte, which can be received again and again."""
    url = f"{system.broker_url}/{ACCOUNT}/large"
    made = {"QueueName": "large", "Attributes": {"VisibilityTimeout": "0"}}
    assert json_call(system.broker_url, "CreateQueue", made).status == 200
    for _ in range(10):
        sent = {"QueueUrl": url, "MessageBody": "x" * (MIB - 1)}
        assert json_call(system.broker_url, "SendMessage", sent).status == 200
    return url


def test_c8_answers_that_nobody_reads_take_the_budget_and_no_more(flooded):
    system = flooded()
    url = large_messages(system)
    ask = json.dumps({"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 0}).encode()
    with Others(system) as others:
        for _ in range(150):
            system.connect(receive_bytes=4096).sendall(head("ReceiveMessage", len(ask)) + ask)
        others.go_on()
        wait.until(
            lambda: system.metric("longshore_connections_gave_way_total") > 0,
            "who does not read gives way",
            30,
        )
        others.go_on()
    assert_bounded(system)

    def received():
        answer = json_call(system.broker_url, "ReceiveMessage", json.loads(ask))
        assert answer.status in (200, 503), answer.text
        return answer.status == 200 and len(answer.json()["Messages"]) == 10

    # Those who stand still give way to it, but others who want as much may come first.
    wait.until(received, "a receive as large as can be finds room", 60)


def test_c9_bodies_of_forged_signatures_take_the_budget_and_no_more(flooded, tmp_path):
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[[access_key]]\nid = "{KEY[0]}"\nsecret = "{KEY[1]}"\n')
    keys.chmod(0o600)
    system = flooded("--require-signatures", "--access-keys", keys)
    forged = signature.signed("POST", f"{system.broker_url}/", {}, "", (KEY[0], "another"))
    headers = f"X-Amz-Date: {forged['x-amz-date']}\r\nAuthorization: {forged['authorization']}\r\n"
    park(system, 100, headers, KEY)


def test_c9_bodies_that_do_not_end_take_the_budget_and_no_more(flooded):
    park(flooded(), 40, "", None)


def park(system, count, headers, key):
    """So many bodies of 8 MiB, all but their last byte."""
    length = 8 * MIB
    part = b" " * (length // 16)
    with Others(system, key) as others:
        for _ in range(count):
            connection = system.connect()
            # One that is refused, or gives way, is as it should be.
            with contextlib.suppress(OSError):
                connection.sendall(head("SendMessage", length, headers))
                for _ in range(15):
                    connection.sendall(part)
        others.go_on()
    assert_bounded(system)


def test_c10_silent_connections_lock_nobody_out(flooded):
    system = flooded()
    with Others(system) as others:
        for _ in range(CONNECTIONS * 2):
            system.connect()
        others.go_on()
    assert system.metric("longshore_connections_gave_way_total") >= CONNECTIONS
    assert system.metric("longshore_connections") <= CONNECTIONS
    log = system.broker.output()
    assert log.count("closed to make way for others") == 1, "a line a minute"
    assert_bounded(system)


def test_c10_a_burst_of_silent_connections_keeps_nobody_waiting(flooded):
    """All at once, as many as may be and more: a listener that holds too few of them drops others'
    connections too, which their kernels try again after a second."""
    system = flooded("--peer-connections-max", 2048, connections=4096)
    with Others(system) as others:
        system.burst(4200)
        others.go_on(300)
    assert others.worst < RETRY_OF_A_SYN, "a connection was tried again"
    assert system.metric("longshore_connections") <= 4096
    assert_bounded(system)


def test_c10_heads_that_do_not_end_lock_nobody_out(flooded):
    system = flooded()
    part = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 60_000
    with Others(system) as others:
        for _ in range(CONNECTIONS * 2):
            with contextlib.suppress(OSError):
                system.connect().sendall(part)
        others.go_on()
    assert_bounded(system)


def test_q3_who_is_turned_away_is_told_when_to_try_again(flooded):
    system = flooded(connections=20)
    url = f"{system.broker_url}/{ACCOUNT}/waiting"
    assert json_call(system.broker_url, "CreateQueue", {"QueueName": "waiting"}).status == 200
    ask = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
    waiting = r'longshore_waiting_receives\{[^}]*queue="waiting"[^}]*\}'
    for number in range(1, 21):
        # Until its request has been read, a connection is an idle one, and may give way to the next.
        system.connect().sendall(head("ReceiveMessage", len(ask)) + ask)
        wait.until(lambda awaited=number: system.metric(waiting) == awaited, "the receive waits")
    wait.until(lambda: turned_away(system), "a further one is turned away")
    assert system.metric("longshore_connections_refused_total") > 0
    assert "too many connections" in system.broker.output()


def turned_away(system):
    """Whether a new connection is told to come again. One that took a place gave up an idle one for it."""
    answer = plain.answers(f"{system.broker_url}/health")
    if answer is None or answer.status == 200:
        return False
    assert answer.status == 503
    assert int(answer.headers["x-amz-retry-after"]) > 0
    return True


def test_what_changes_nothing_takes_no_memory(flooded):
    system = flooded()
    url = f"{system.broker_url}/{ACCOUNT}/idle"
    assert json_call(system.broker_url, "CreateQueue", {"QueueName": "idle"}).status == 200
    with Others(system) as others:
        connection = http.client.HTTPConnection("127.0.0.1", system.broker_port, timeout=PATIENCE)
        sent = {"Content-Type": "application/x-amz-json-1.0"}
        for number in range(3000):
            action = ("PurgeQueue", "ReceiveMessage", "GetQueueUrl")[number % 3]
            body = {"QueueUrl": url, "QueueName": "idle"}
            headers = {**sent, "X-Amz-Target": f"AmazonSQS.{action}"}
            connection.request("POST", "/", json.dumps(body), headers)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()
        others.go_on()
    assert_bounded(system, budget=0)


def test_c12_queues_and_their_tags_have_a_bound(flooded):
    system = flooded("--queues-max", 300, "--catalog-bytes-max", 2 * MIB)
    tags = {f"key-{number:03}" + "k" * 100: "v" * 256 for number in range(50)}
    refused = None
    for number in range(400):
        made = {"QueueName": f"q-{number}", "tags": tags if number < 200 else {}}
        answer = json_call(system.broker_url, "CreateQueue", made)
        if answer.status != 200:
            refused = answer
            assert answer.status == 403 and answer.json()["__type"].endswith("#OverLimit"), answer.text
    assert refused is not None and "--queues-max" in refused.json()["message"], refused.text
    assert system.metric("longshore_queues") == 300
    assert system.metric("longshore_catalog_bytes") <= 2 * MIB
    assert system.metric("longshore_queues_refused_total") > 0
    assert system.metric("longshore_catalog_refused_total") > 0
    # What is there goes on, and what is deleted makes room.
    url = f"{system.broker_url}/{ACCOUNT}/q-0"
    assert json_call(system.broker_url, "DeleteQueue", {"QueueUrl": url}).status == 200
    assert json_call(system.broker_url, "CreateQueue", {"QueueName": "new"}).status == 200
    assert_bounded(system, budget=0)
