"""Sends the tasks of a JSON list on stdin: `{"task", "args", "options"}`, or `{"chain": [tasks]}`."""

import json
import sys

from celery import chain
from jobs import app


def signature(job):
    return app.signature(f"jobs.{job['task']}", args=job["args"], options=job.get("options", {}), immutable=True)


for job in json.load(sys.stdin):
    wanted = chain(*map(signature, job["chain"])) if "chain" in job else signature(job)
    wanted.apply_async()
