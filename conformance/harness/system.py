"""The reference system as processes: one role each, or `up` with all of them in one.

A `System` holds where things listen, and the processes, so that a test can end and start a role by itself.
Everything it keeps lies in one directory, so that a role that is started again finds what it had.
"""

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from compatibility import front
from harness import http, sqs, wait
from harness.process import Process, binary, clean_environment, free_port

TASK_QUEUE = "FibonacciTaskQueue"
STATUS_QUEUE = "FibonacciStatusQueue"
TASK_DEAD_LETTERS = "FibonacciTaskDeadLetters"
STATUS_DEAD_LETTERS = "FibonacciStatusDeadLetters"

# A debug build on a busy machine is slow to start; nothing that works takes this long.
START_TIMEOUT = 60


@dataclass
class System:
    """Where one reference system listens and what it keeps. Start its roles one by one, or use `start`."""

    directory: Path
    broker_flags: list = field(default_factory=list)
    app_flags: list = field(default_factory=list)
    worker_flags: list = field(default_factory=list)
    common_flags: list = field(default_factory=list)
    # What the names of the two queues end in, where the flags say so.
    suffix: str = ""
    # Where the broker listens; what else there is listens on loopback.
    broker_host: str = "127.0.0.1"
    # Where app and workers find the broker, if not where it listens.
    endpoint_url: str | None = None
    # The sort of process that each role is, and variables that it sees.
    process: type = Process
    variables: dict = field(default_factory=dict)

    def __post_init__(self):
        self.directory = Path(self.directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.broker_port = free_port()
        self.app_port = free_port()
        self.broker = None
        self.app = None
        self.workers = []
        self._sqs = None

    @property
    def app_url(self):
        return f"http://127.0.0.1:{self.app_port}"

    @property
    def broker_url(self):
        return f"http://{self.broker_host}:{self.broker_port}"

    @property
    def data(self):
        return self.directory / "data"

    @property
    def work_log(self):
        return self.directory / "work.log"

    @property
    def effects_file(self):
        """Where workers keep the effects of tasks, if they are started with `--effects` and this."""
        return self.directory / "effects.sqlite3"

    @property
    def sqs(self):
        """A boto3 client of this system's broker."""
        if self._sqs is None:
            self._sqs = sqs.client(self.broker_url)
        return self._sqs

    def queue(self, name):
        """The URL of one of the system's queues, once it exists."""
        return f"{self.broker_url}/{sqs.ACCOUNT}/{name}"

    def _start(self, role, *flags, data=None, within=()):
        """Starts a role; `within` is a command that starts it in its turn."""
        argv = [*within, binary(), *role, "--data", data or self.data, *self.common_flags, *flags]
        return self.process("-".join(role), argv, self.directory, clean_environment(**self.variables))

    # ── the roles ────────────────────────────────────────────────────────────────────────────────────

    def start_broker(self, within=()):
        """Starts the broker, within another command if it is named."""
        port = front.listen_port(self.broker_port)
        flags = ["--broker-listen", f"{self.broker_host}:{port}", *self.broker_flags]
        self.broker = self._start(["broker"], *flags, within=within)
        self.await_broker()
        return self.broker

    def await_broker(self):
        def up():
            self.broker.must_run()
            answer = http.answers(self.broker_url + "/health")
            return answer is not None and answer.status == 200

        wait.until(up, f"the broker answers at {self.broker_url}", START_TIMEOUT)

    def start_app(self, port=None, flags=(), data=None):
        """Starts an app. Without `port` it is the system's own; else another one beside it.

        `data` is a directory of its own, if it is not to share the system's.
        """
        listen = port or self.app_port
        argv = ["--listen", f"127.0.0.1:{listen}", "--endpoint-url", self.endpoint_url or self.broker_url]
        app = self._start(["app"], *argv, *self.app_flags, *flags, data=data)
        if port is None:
            self.app = app
        url = f"http://127.0.0.1:{listen}/"
        wait.until(lambda: app.must_run() and http.answers(url), f"the app answers at {url}", START_TIMEOUT)
        return app

    def start_worker(self, flags=(), data=None, within=()):
        """Starts a further worker, with a directory of its own or within another command if it is named."""
        port = free_port()
        argv = ["--health-listen", f"127.0.0.1:{port}", "--endpoint-url", self.endpoint_url or self.broker_url]
        argv += ["--work-log", self.work_log]
        worker = self._start(["worker"], *argv, *self.worker_flags, *flags, data=data, within=within)
        worker.health_url = f"http://127.0.0.1:{port}"
        self.workers.append(worker)
        wait.until(
            lambda: worker.must_run() and http.answers(worker.health_url + "/"),
            f"the worker's health page answers at {worker.health_url}",
            START_TIMEOUT,
        )
        return worker

    def start_apart(self, workers=2):
        """A broker, an app and workers, each a process of its own."""
        self.start_broker()
        self.start_app()
        for _ in range(workers):
            self.start_worker()
        return self

    def start_up(self):
        """Everything in one process."""
        port = free_port()
        argv = ["--listen", f"127.0.0.1:{self.app_port}"]
        argv += ["--broker-listen", f"127.0.0.1:{self.broker_port}"]
        argv += ["--health-listen", f"127.0.0.1:{port}", "--work-log", self.work_log]
        argv += [*self.broker_flags, *self.app_flags, *self.worker_flags]
        self.app = self.broker = self._start(["up"], *argv)
        self.app.health_url = f"http://127.0.0.1:{port}"
        wait.until(
            lambda: self.app.must_run() and http.answers(self.app_url + "/"),
            f"the system answers at {self.app_url}",
            START_TIMEOUT,
        )
        return self

    def kill(self):
        """Ends every role at once, without ceremony: tests of orderly ends ask for them by themselves."""
        for role in [*self.workers, self.app, self.broker]:
            if role:
                role.kill()

    # ── what a user does with it ─────────────────────────────────────────────────────────────────────

    def request_task(self, value, app_url=None):
        """`GET /fibonacci?value=…`: the answer as it came. `value` goes into the URL as it is."""
        return http.get(f"{app_url or self.app_url}/fibonacci?value={value}")

    def submit(self, value, app_url=None):
        """Asks for a task and returns its id."""
        answer = self.request_task(value, app_url)
        assert answer.status == 200, (answer.status, answer.text)
        return task_id(answer)

    def status(self, task, app_url=None):
        return http.get(f"{app_url or self.app_url}/fibonacci/status/{task}")

    def outcome(self, task, timeout=30, app_url=None):
        """The status of the task once it is no longer PENDING."""

        def ended():
            answer = self.status(task, app_url)
            assert answer.status == 200, (answer.status, answer.text)
            status = answer.json()
            return status if status["status"] != "PENDING" else None

        return wait.until(ended, f"task {task} has ended", timeout)

    def computations(self):
        """How often each task was computed, by its id, as the workers' log has it."""
        counted = {}
        if self.work_log.exists():
            for line in self.work_log.read_text().splitlines():
                task = line.split()[0]
                counted[task] = counted.get(task, 0) + 1
        return counted

    def effects(self):
        """The rows of the table of effects as they are, each a task's id and its value."""
        with contextlib.closing(sqlite3.connect(self.effects_file)) as table:
            return [(task, int(value)) for task, value in table.execute("SELECT task, value FROM effects")]


def task_id(answer):
    """The id at the end of the callback URL of an accepted task."""
    return answer.json()["callbackUrl"].rsplit("/", 1)[1]


def sqs_alive(endpoint):
    """The broker's answer to ListQueues, or None when nobody answers."""
    try:
        return sqs.json_call(endpoint, "ListQueues", {})
    except OSError:
        return None


FIBONACCI = [0, 1]


def fibonacci(n):
    """The n-th number of 0, 1, 1, 2, 3, 5, …, counted from 1."""
    while len(FIBONACCI) < n:
        FIBONACCI.append(FIBONACCI[-1] + FIBONACCI[-2])
    return FIBONACCI[n - 1]
