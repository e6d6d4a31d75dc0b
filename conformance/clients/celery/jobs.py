"""Celery tasks that note in a file what they did, so that it is counted outside of Celery.

`SITE` in the environment is JSON: `broker` (its URL), `notes` (the file), `transport` (kombu's options), `settings`.
"""

import json
import os
import signal
import time

from celery import Celery, signals
from celery.exceptions import Reject

SITE = json.loads(os.environ["SITE"])
for queue in SITE["transport"].get("predefined_queues", {}).values():
    # JSON has no numbers as keys.
    queue["backoff_policy"] = {int(count): delay for count, delay in queue.get("backoff_policy", {}).items()}

app = Celery("jobs", broker=SITE["broker"])
app.conf.update(
    broker_transport_options=SITE["transport"],
    broker_connection_retry_on_startup=True,
    task_ignore_result=True,
    # Neither works on SQS: both need messages that every worker gets.
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    **SITE["settings"],
)


def note(what, key, **more):
    """Appends one line, whole even when several processes write."""
    line = json.dumps({"what": what, "key": key, "pid": os.getpid(), "at": time.time(), **more})
    target = os.open(SITE["notes"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(target, line.encode() + b"\n")
    os.close(target)


def note_and_count(what, key):
    """How often this was noted by now."""
    note(what, key)
    with open(SITE["notes"]) as notes:
        noted = [json.loads(line) for line in notes]
    return sum((each["what"], each["key"]) == (what, key) for each in noted)


class Hiccup(Exception):
    """A failure that passes."""


@signals.worker_ready.connect
def ready(**_):
    note("ready", None)


@app.task
def work(key):
    note("work", key)


@app.task
def measure(key, text):
    note("measure", key, length=len(text), last=text[-1])


@app.task(bind=True, autoretry_for=(Hiccup,), default_retry_delay=1, max_retries=3)
def hiccup(self, key):
    note("hiccup", key, attempt=self.request.retries)
    if self.request.retries < 2:
        raise Hiccup


@app.task(acks_late=True, reject_on_worker_lost=True)
def lose_process(key):
    """Takes its own process down, unless it came a second time."""
    if note_and_count("lose_process", key) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@app.task
def take_time(key, seconds):
    note("begun", key)
    time.sleep(seconds)
    note("ended", key)


@app.task(acks_late=True)
def reject(key):
    note("reject", key)
    raise Reject("never", requeue=False)


@app.task(acks_late=True, acks_on_failure_or_timeout=False)
def back_off(key):
    """Fails twice: when it comes again is up to the queue's backoff policy."""
    if note_and_count("back_off", key) < 3:
        raise Hiccup
