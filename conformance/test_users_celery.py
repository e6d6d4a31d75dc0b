"""Celery on its SQS transport: real workers as processes, tasks that are counted in a file (`clients/celery`).

The workers of all sites start together with the first test; each test sends its own tasks and waits for what becomes of
them. pycurl, which kombu polls with, comes as a wheel that has libcurl in it: nothing of Debian's is needed.
"""

import json
import time
from urllib.parse import urlsplit

import pytest

from harness import clients, sqs, wait
from harness.notes import gaps
from harness.process import clean_environment
from harness.site import Site, assert_empty, made

CLIENT = f"Celery {clients.pinned('celery', 'celery')}, kombu {clients.pinned('celery', 'kombu')}"

# The first run installs.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TASKS = 300
# How long a message that nobody deletes stays hidden, where a test waits for it to come back.
HIDDEN_SECONDS = 4


class CelerySite(Site):
    """One Celery application: its settings and its queues."""

    name = "celery"

    def __init__(self, python, endpoint, directory, transport=None, settings=None):
        super().__init__(python, endpoint, directory)
        self.transport = transport or {}
        self.settings = settings or {}
        self.prefix = sqs.new_name("celery") + "-"

    def environment(self):
        port = urlsplit(self.endpoint).port
        site = {
            "broker": f"sqs://key:secret@localhost:{port}/",
            "notes": str(self.notes.path),
            "transport": {"region": sqs.REGION, "is_secure": False, "polling_interval": 0.1, **self.transport},
            "settings": self.settings,
        }
        if "predefined_queues" not in self.transport:
            site["transport"]["queue_name_prefix"] = self.prefix
        return clean_environment(SITE=json.dumps(site), PYTHONPATH=str(clients.FOLDER / "celery"))

    def url(self, queue="celery"):
        return f"{self.endpoint}/{sqs.ACCOUNT}/{self.prefix}{queue}"

    def start_worker(self, *flags):
        name = f"w{len(self.workers)}@here"
        words = ["-A", "jobs", "worker", "--loglevel", "INFO", "--hostname", name]
        return self.spawn_worker("celery", *words, "--without-gossip", "--without-mingle", "--without-heartbeat", *flags)

    def await_workers(self):
        self.notes.wait_for(len(self.workers), "ready")


def job(task, *args, **options):
    return {"task": task, "args": args, "options": options}


@pytest.fixture(scope="module")
def make_site(broker, tmp_path_factory):
    yield from made(CelerySite, broker, tmp_path_factory.mktemp("celery"))


@pytest.fixture(scope="module")
def sites(make_site, aws):
    """`plain` makes its own queues; `given` has them made by others; `late` acknowledges what has ended."""
    plain = make_site("plain", transport={"visibility_timeout": 60, "wait_time_seconds": 2})
    plain.start_worker("--pool", "prefork", "--concurrency", "4")
    given = predefined(make_site, aws)
    late = make_site(
        "late",
        transport={"visibility_timeout": HIDDEN_SECONDS, "wait_time_seconds": 2},
        settings={"worker_prefetch_multiplier": 1, "task_acks_late": True},
    )
    for _ in range(2):
        # One process each, so that SIGKILL leaves nothing of it behind.
        late.start_worker("--pool", "solo")
    for site in (plain, given, late):
        site.await_workers()
    return plain, given, late


def predefined(make_site, aws):
    """A site whose queues are named to it with their URLs: a standard one, a FIFO one, one with dead letters."""
    prefix = sqs.new_name("given")
    dead = aws.create_queue(QueueName=f"{prefix}-dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": sqs.arn(f"{prefix}-dead"), "maxReceiveCount": 2})
    attributes = {
        "standard": {"VisibilityTimeout": "30"},
        "line.fifo": {"FifoQueue": "true", "VisibilityTimeout": "30"},
        "doomed": {"VisibilityTimeout": "1", "RedrivePolicy": redrive},
        "backoff": {"VisibilityTimeout": "30"},
    }
    queues = {
        name: {"url": aws.create_queue(QueueName=f"{prefix}-{name}", Attributes=each)["QueueUrl"]}
        for name, each in attributes.items()
    }
    queues["backoff"] |= {"backoff_policy": {1: 1, 2: 1}, "backoff_tasks": ["jobs.back_off"]}
    transport = {"predefined_queues": queues, "wait_time_seconds": 2}
    site = make_site("given", transport=transport, settings={"task_default_queue": "standard"})
    site.queues = {**{name: each["url"] for name, each in queues.items()}, "dead": dead}
    site.start_worker("--pool", "prefork", "--concurrency", "1", "--queues", ",".join(queues))
    return site


@pytest.fixture
def plain(sites):
    return sites[0]


@pytest.fixture
def given(sites):
    return sites[1]


@pytest.fixture
def late(sites):
    return sites[2]


def test_every_task_runs_once(plain, aws):
    keys = [f"once-{number}" for number in range(TASKS)]
    plain.send(*(job("work", key) for key in keys))
    plain.notes.wait_for_all("work", keys)
    assert_empty(aws, plain.url())
    assert sorted(plain.notes.wait_for_all("work", keys)) == sorted(keys)


def test_a_failed_task_is_tried_again_after_its_countdown(plain):
    keys = [f"hiccup-{number}" for number in range(10)]
    plain.send(*(job("hiccup", key) for key in keys))
    plain.notes.wait_for(30, "hiccup")
    for key in keys:
        ran = plain.notes.of("hiccup", key)
        assert [note["attempt"] for note in ran] == [0, 1, 2]
        assert all(gap > 0.9 for gap in gaps(ran))


@pytest.mark.parametrize("how", [{"countdown": 3}, {"DelaySeconds": 3}], ids=["by_the_worker", "by_the_broker"])
def test_a_task_with_a_countdown_comes_late_and_once(plain, how):
    key = f"late-{next(iter(how))}"
    begun = time.time()
    plain.send(job("work", key, **how))
    (ran,) = plain.notes.wait_for(1, "work", key)
    assert 2.9 < ran["at"] - begun < 30


def test_large_and_foreign_text_comes_whole(plain):
    plain.send(job("measure", "größe-東京", "x" * 500_000 + "🚢"))
    (ran,) = plain.notes.wait_for(1, "measure", "größe-東京")
    assert (ran["length"], ran["last"]) == (500_001, "🚢")


def test_a_chain_runs_link_after_link(plain):
    keys = [f"link-{number}" for number in range(5)]
    plain.send({"chain": [job("work", key) for key in keys]})
    assert plain.notes.wait_for_all("work", keys) == keys


def test_a_task_whose_process_dies_runs_again(plain, aws):
    plain.send(job("lose_process", "lost"))
    first, second = plain.notes.wait_for(2, "lose_process", "lost")
    assert first["pid"] != second["pid"]
    assert_empty(aws, plain.url())


def test_a_task_of_a_killed_worker_runs_again(late, aws):
    late.send(job("take_time", "killed", 20))
    (begun,) = late.notes.wait_for(1, "begun", "killed")
    victim = next(worker for worker in late.workers if worker.pid == begun["pid"])
    victim.kill()
    again = late.notes.wait_for(2, "begun", "killed")[1]
    assert again["pid"] != begun["pid"]
    assert again["at"] - begun["at"] > HIDDEN_SECONDS - 1


def stop_in_the_middle(site, keys):
    """How many tasks a worker had done when it was stopped while others waited."""
    site.send(*(job("take_time", key, 0.2) for key in keys))
    worker = site.start_worker("--pool", "prefork", "--concurrency", "2")
    site.notes.wait_for(3, "ended")
    assert worker.stop() == 0
    done = len(site.notes.of("ended"))
    assert done == len(site.notes.of("begun")) < len(keys)
    return done


def test_a_worker_that_is_stopped_hands_back_what_it_did_not_begin(make_site, aws):
    keys = [f"stop-{number}" for number in range(40)]
    for trial in range(3):
        site = make_site(f"stopped-{trial}", transport={"visibility_timeout": 600, "wait_time_seconds": 1})
        not_done = len(keys) - stop_in_the_middle(site, keys)
        # Now and then Celery ends before it has deleted what it has just done; that is not the broker's doing.
        if sum(sqs.counts(aws, site.url())) == not_done:
            break
    assert sum(sqs.counts(aws, site.url())) == not_done
    site.start_worker("--pool", "prefork", "--concurrency", "2")
    site.notes.wait_for_all("ended", keys)
    assert_empty(aws, site.url())
    assert sorted(site.notes.wait_for_all("ended", keys)) == sorted(keys)


def test_queues_that_others_made_are_used_by_their_urls(given, aws):
    keys = [f"given-{number}" for number in range(100)]
    given.send(*(job("work", key, queue="standard") for key in keys))
    given.notes.wait_for_all("work", keys)
    assert_empty(aws, given.queues["standard"])
    assert sorted(given.notes.wait_for_all("work", keys)) == sorted(keys)


def test_a_fifo_queue_keeps_the_order_of_groups_and_drops_duplicates(given, aws):
    keys = [f"{group}-{number}" for number in range(10) for group in "abc"]
    sends = [
        job("work", key, queue="line.fifo", MessageGroupId=key[0], MessageDeduplicationId=key)
        for key in keys
        for _twice in range(2)
    ]
    given.send(*sends)
    given.notes.wait_for_all("work", keys)
    assert_empty(aws, given.queues["line.fifo"])
    for group in "abc":
        of_group = [key for key in keys if key.startswith(group)]
        assert given.notes.wait_for_all("work", of_group) == of_group


def test_a_rejected_task_ends_in_the_dead_letter_queue(given, aws):
    given.send(job("reject", "doomed", queue="doomed"))
    given.notes.wait_for(2, "reject", "doomed")
    letters = []
    wait.until(lambda: letters.extend(sqs.drain(aws, given.queues["dead"])) or letters, "a dead letter has come", 30)
    assert len(given.notes.of("reject", "doomed")) == 2
    assert_empty(aws, given.queues["doomed"])


def test_a_backoff_policy_says_when_a_failed_task_comes_again(given, aws):
    given.send(job("back_off", "backed", queue="backoff"))
    ran = given.notes.wait_for(3, "back_off", "backed")
    # A second each, as the policy says, and not the queue's thirty.
    assert all(0.9 < gap < 20 for gap in gaps(ran))
    assert_empty(aws, given.queues["backoff"])


def test_purge_empties_the_queue(make_site, aws):
    site = make_site("purged")
    site.send(*(job("work", f"purge-{number}") for number in range(25)))
    assert sqs.counts(aws, site.url()) == (25, 0, 0)
    told = site.call("-m", "celery", "-A", "jobs", "purge", "--force")
    assert "Purged" in told, told
    assert sqs.counts(aws, site.url()) == (0, 0, 0)
