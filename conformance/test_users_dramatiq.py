"""dramatiq on its SQS broker: real workers as processes, actors that are counted in a file (`clients/dramatiq`)."""

import base64
import json
import os
import signal
import time

import pytest

from harness import clients, sqs, wait
from harness.notes import gaps
from harness.process import clean_environment
from harness.site import Site, assert_empty, made

CLIENT = f"dramatiq {clients.pinned('dramatiq', 'dramatiq')}, dramatiq-sqs {clients.pinned('dramatiq', 'dramatiq-sqs')}"

# The first run installs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MESSAGES = 300
TAGS = {"team": "harbour"}


class DramatiqSite(Site):
    """One dramatiq application: its broker's settings."""

    name = "dramatiq"

    def __init__(self, python, endpoint, directory, **broker):
        super().__init__(python, endpoint, directory)
        self.broker = broker
        self.namespace = sqs.new_name("dramatiq")

    def environment(self):
        options = {"endpoint_url": self.endpoint, "namespace": self.namespace, **self.broker}
        site = json.dumps({"broker": options, "notes": str(self.notes.path)})
        return clean_environment(SITE=site, PYTHONPATH=str(clients.FOLDER / "dramatiq"))

    def url(self, queue="default"):
        return f"{self.endpoint}/{sqs.ACCOUNT}/{self.namespace}_{queue}"

    def start_worker(self, *flags):
        return self.spawn_worker("dramatiq", "actors", "--processes", "1", *flags)


def job(actor, *args, **options):
    return {"actor": actor, "args": args, "options": options}


@pytest.fixture(scope="module")
def make_site(broker, tmp_path_factory):
    yield from made(DramatiqSite, broker, tmp_path_factory.mktemp("dramatiq"))


@pytest.fixture(scope="module")
def site(make_site):
    """An application with dead letters, and a worker of four threads."""
    site = make_site("site", dead_letter=True, tags=TAGS)
    site.start_worker("--threads", "4")
    return site


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
