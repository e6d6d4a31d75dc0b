"""dramatiq on its SQS broker: real workers as processes, actors that are counted in a file (`clients/dramatiq`)."""

import base64
import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness import clients, sqs, wait
from harness.notes import Notes, gaps
from harness.process import Process, clean_environment

CLIENT = f"dramatiq {clients.pinned('dramatiq', 'dramatiq')}, dramatiq-sqs {clients.pinned('dramatiq', 'dramatiq-sqs')}"

# The first run installs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MESSAGES = 300
TAGS = {"team": "harbour"}


@dataclass
class Site:
    """One dramatiq application: its broker's settings, its workers, and the notes of its actors."""

    python: Path
    endpoint: str
    directory: Path
    broker: dict = field(default_factory=dict)

    def __post_init__(self):
        self.directory.mkdir()
        self.notes = Notes(self.directory / "notes")
        self.namespace = sqs.new_name("dramatiq")
        self.workers = []

    def environment(self):
        options = {"endpoint_url": self.endpoint, "namespace": self.namespace, **self.broker}
        site = json.dumps({"broker": options, "notes": str(self.notes.path)})
        return clean_environment(SITE=site, PYTHONPATH=str(clients.FOLDER / "dramatiq"))

    def url(self, queue="default"):
        return f"{self.endpoint}/{sqs.ACCOUNT}/{self.namespace}_{queue}"

    def start_worker(self, *flags):
        argv = [self.python, "-m", "dramatiq", "actors", "--processes", "1", *flags]
        worker = Process("dramatiq-worker", argv, self.directory, self.environment())
        self.workers.append(worker)
        return worker

    def send(self, *jobs):
        """Sends messages by a program of its own, as a web application would."""
        done = subprocess.run(
            [str(self.python), str(clients.FOLDER / "dramatiq" / "send.py")],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment(),
            cwd=self.directory,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def stop(self):
        for worker in self.workers:
            worker.ask_to_stop()
        for worker in self.workers:
            worker.wait()


def job(actor, *args, **options):
    return {"actor": actor, "args": args, "options": options}


@pytest.fixture(scope="module")
def make_site(broker, tmp_path_factory):
    python = clients.virtualenv("dramatiq")
    made = []

    def make(name, **settings):
        site = Site(python, broker.broker_url, tmp_path_factory.mktemp("dramatiq") / name, settings)
        made.append(site)
        return site

    yield make
    for site in made:
        site.stop()


@pytest.fixture(scope="module")
def site(make_site):
    """An application with dead letters, and a worker of four threads."""
    site = make_site("site", dead_letter=True, tags=TAGS)
    site.start_worker("--threads", "4")
    return site


def assert_empty(aws, url):
    """Acknowledgements follow the notes: waits until the queue holds nothing, hidden or not."""
    wait.until(lambda: sqs.counts(aws, url) == (0, 0, 0), f"{url} is empty", 20)


def test_every_message_is_handled_once(site, aws):
    keys = [f"once-{number}" for number in range(MESSAGES)]
    site.send(*(job("work", key) for key in keys))
    site.notes.wait_for_all("work", keys)
    assert_empty(aws, site.url())
    assert sorted(site.notes.wait_for_all("work", keys)) == sorted(keys)


def test_the_queue_has_the_attributes_and_tags_that_were_asked_for(site, aws):
    site.send(job("work", "queue"))
    attributes = aws.get_queue_attributes(QueueUrl=site.url(), AttributeNames=["All"])["Attributes"]
    assert attributes["MessageRetentionPeriod"] == str(14 * 24 * 3600)
    assert aws.list_queue_tags(QueueUrl=site.url())["Tags"] == TAGS


def test_a_failed_message_is_sent_again_with_a_delay(site, aws):
    keys = [f"hiccup-{number}" for number in range(10)]
    site.send(*(job("hiccup", key) for key in keys))
    site.notes.wait_for(30, "hiccup")
    assert_empty(aws, site.url())
    for key in keys:
        ran = site.notes.of("hiccup", key)
        assert len(ran) == 3
        # dramatiq makes delays uneven, from half of what is asked for, and sends whole seconds of them.
        assert all(gap > 0.9 for gap in gaps(ran))


def test_a_message_that_fails_for_good_goes_to_the_dead_letter_queue(site, aws):
    site.send(job("doomed", "doomed"))
    site.notes.wait_for(2, "doomed")
    letters = []
    wait.until(lambda: letters.extend(sqs.drain(aws, site.url("default_dlq"))) or letters, "a dead letter has come", 30)
    assert [json.loads(base64.b64decode(letter["Body"]))["args"] for letter in letters] == [["doomed"]]
    assert_empty(aws, site.url())
    assert len(site.notes.of("doomed")) == 2


def test_a_delayed_message_comes_late(site):
    begun = time.time()
    site.send(job("work", "late", delay=3000))
    (ran,) = site.notes.wait_for(1, "work", "late")
    assert 2.9 < ran["at"] - begun < 30


def test_a_pipeline_hands_results_on(site):
    site.send({"pipeline": [job("work", "first"), job("follow", "second")]})
    (ran,) = site.notes.wait_for(1, "follow", "second")
    assert ran["before"] == "first"


def test_large_and_foreign_text_comes_whole(site):
    site.send(job("measure", "größe-東京", "x" * 500_000 + "🚢"))
    (ran,) = site.notes.wait_for(1, "measure", "größe-東京")
    assert (ran["length"], ran["last"]) == (500_001, "🚢")


def test_messages_of_a_killed_worker_are_handled_by_another(make_site, aws):
    site = make_site("killed", visibility_timeout=5)
    site.start_worker("--threads", "2")
    keys = [f"killed-{number}" for number in range(6)]
    site.send(*(job("take_time", key, 2) for key in keys))
    first = site.notes.wait_for(1, "begun")[0]
    # The process that runs the actors, a child of the one that was started here.
    os.kill(first["pid"], signal.SIGKILL)
    site.start_worker("--threads", "6")
    assert sorted(set(site.notes.wait_for_all("ended", keys))) == sorted(keys)
    assert_empty(aws, site.url("slow"))
    assert len({note["pid"] for note in site.notes.of("begun", first["key"])}) == 2


def test_a_worker_that_is_stopped_hands_back_what_it_did_not_begin(make_site, aws):
    site = make_site("stopped")
    keys = [f"stop-{number}" for number in range(40)]
    site.send(*(job("take_time", key, 0.2) for key in keys))
    first = site.start_worker("--threads", "2")
    site.notes.wait_for(3, "ended")
    assert first.stop() == 0
    done = len(site.notes.of("ended"))
    assert done == len(site.notes.of("begun")) < len(keys)
    # At once, and not when the twelve hours are over for which dramatiq hides what it receives.
    assert sqs.counts(aws, site.url("slow")) == (len(keys) - done, 0, 0)
    site.start_worker("--threads", "4")
    site.notes.wait_for_all("ended", keys)
    assert_empty(aws, site.url("slow"))
    assert sorted(site.notes.wait_for_all("ended", keys)) == sorted(keys)
