"""An application on somebody else's task framework: workers as processes, jobs sent by a program of its own.

What is particular to a framework is a subclass's: its settings, its addresses, how a worker is started.
"""

import json
import subprocess

from harness import clients, sqs, wait
from harness.notes import Notes
from harness.process import Process


class Site:
    """One application of the framework in `clients/<name>`, in a directory of its own: its workers, and its jobs' notes."""

    name = None

    def __init__(self, python, endpoint, directory):
        self.python = python
        self.endpoint = endpoint
        self.directory = directory
        self.directory.mkdir()
        self.notes = Notes(self.directory / "notes")
        self.workers = []

    def environment(self):
        """The environment of the application's processes."""
        raise NotImplementedError

    def spawn_worker(self, *words):
        """Starts `python -m` with these words."""
        worker = Process(f"{self.name}-worker", [self.python, "-m", *words], self.directory, self.environment())
        self.workers.append(worker)
        return worker

    def send(self, *jobs):
        """Sends jobs by a program of its own, as a web application would."""
        self.call(clients.FOLDER / self.name / "send.py", stdin=json.dumps(jobs))

    def call(self, *words, stdin=""):
        """Runs Python with these words to its end, which must be a good one: what it printed."""
        done = subprocess.run(
            [str(word) for word in (self.python, *words)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(),
            cwd=self.directory,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def stop(self):
        """Ends all workers, and waits for them."""
        for worker in self.workers:
            worker.ask_to_stop()
        for worker in self.workers:
            worker.wait()


def made(site, broker, directory):
    """What a fixture yields: a function that makes sites of this class by name. All are stopped at the end."""
    python = clients.virtualenv(site.name)
    sites = []

    def make(name, **settings):
        sites.append(site(python, broker.broker_url, directory / name, **settings))
        return sites[-1]

    yield make
    for each in sites:
        each.stop()


def assert_empty(aws, url):
    """Acknowledgements follow the notes: waits until the queue holds nothing, hidden or not."""
    wait.until(lambda: sqs.counts(aws, url) == (0, 0, 0), f"{url} is empty", 20)
