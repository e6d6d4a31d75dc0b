"""dramatiq actors that note in a file what they did, so that it is counted outside of dramatiq.

`SITE` in the environment is JSON: `broker` (the arguments of `SQSBroker`) and `notes` (the file).
"""

import json
import os
import time

import dramatiq
from dramatiq.middleware import AgeLimit, Callbacks, Pipelines, Retries, ShutdownNotifications, TimeLimit
from dramatiq_sqs import SQSBroker

SITE = json.loads(os.environ["SITE"])

broker = SQSBroker(
    middleware=[AgeLimit(), TimeLimit(), ShutdownNotifications(), Callbacks(), Pipelines(), Retries()],
    **SITE["broker"],
)
dramatiq.set_broker(broker)


def note(what, key, **more):
    """Appends one line, whole even when several processes write."""
    line = json.dumps({"what": what, "key": key, "pid": os.getpid(), "at": time.time(), **more})
    target = os.open(SITE["notes"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(target, line.encode() + b"\n")
    os.close(target)


def noted(what, key):
    """How often this was noted by now."""
    with open(SITE["notes"]) as notes:
        lines = [json.loads(line) for line in notes]
    return sum((each["what"], each["key"]) == (what, key) for each in lines)


@dramatiq.actor
def work(key):
    note("work", key)
    return key


@dramatiq.actor
def follow(key, before):
    note("follow", key, before=before)


@dramatiq.actor
def measure(key, text):
    note("measure", key, length=len(text), last=text[-1])


@dramatiq.actor(max_retries=3, min_backoff=2500, max_backoff=2500)
def hiccup(key):
    note("hiccup", key)
    if noted("hiccup", key) < 3:
        raise RuntimeError("fails twice")


@dramatiq.actor(max_retries=1, min_backoff=1000, max_backoff=1000)
def doomed(key):
    note("doomed", key)
    raise RuntimeError("always fails")


@dramatiq.actor(queue_name="slow")
def take_time(key, seconds):
    note("begun", key)
    time.sleep(seconds)
    note("ended", key)
