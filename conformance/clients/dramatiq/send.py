"""Sends the messages of a JSON list on stdin: `{"actor", "args", "options"}`, or `{"pipeline": [messages]}`."""

import json
import sys

import actors
from dramatiq import pipeline


def message(job):
    return getattr(actors, job["actor"]).message_with_options(args=job["args"], **job.get("options", {}))


for job in json.load(sys.stdin):
    if "pipeline" in job:
        pipeline(map(message, job["pipeline"])).run()
    else:
        wanted = message(job)
        actors.broker.enqueue(wanted, delay=wanted.options.get("delay"))
