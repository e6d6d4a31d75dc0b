"""Celery as `cargo xtask bench tasks` measures it: on SQS or on Redis, by the URL of its broker.

The environment says `PEER_BROKER` (an SQS URL or Redis), `PEER_REDIS` (results) and `PEER_RAN` (the file of what ran).
Settings are those that its documentation names for many short tasks.
"""

import os

from celery import Celery

BROKER = os.environ["PEER_BROKER"]
VALUE = 4181
POSITION = 20

app = Celery("jobs", broker=BROKER, backend=os.environ["PEER_REDIS"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    # Connections that a producer keeps: one for each client that sends at once.
    broker_pool_limit=32,
    result_expires=3600,
    task_default_queue="celery-tasks",
    # The documentation's advice for many short tasks: reserve many, so that no receive is waited for.
    worker_prefetch_multiplier=4,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)
if BROKER.startswith("sqs"):
    app.conf.broker_transport_options = {
        "region": "us-east-1",
        "is_secure": False,
        # Long polls, and no pause between them, as kombu's documentation says.
        "wait_time_seconds": 10,
        "polling_interval": 0,
        "visibility_timeout": 60,
    }

_ran = os.open(os.environ["PEER_RAN"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def run(number, position):
    at, after = 0, 1
    for _ in range(position - 1):
        at, after = after, at + after
    os.write(_ran, b"%020d\n" % number)
    return {"position": position, "value": at}


@app.task
def answered(number, position):
    return run(number, position)


@app.task(ignore_result=True)
def unanswered(number, position):
    run(number, position)
