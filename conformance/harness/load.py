"""Load with a ledger: what was asked for, what was acknowledged, and so what must not be lost.

A request that got no answer may or may not have had an effect; a request that was acknowledged has had it.
The ledgers keep the two apart, and each test says what follows from either.
"""

import http.client
import itertools
import threading
import uuid

from botocore.exceptions import BotoCoreError, ClientError

from harness import sqs
from harness.system import task_id

# Clients of a broker that is down would otherwise spin: a pause, not a wait for anything.
PAUSE_WHEN_REFUSED = 0.01


class Load:
    """Threads that repeat one step until they are told to stop. A step returns whether it was acknowledged."""

    def __init__(self, clients):
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, daemon=True) for _ in range(clients)]
        self._lock = threading.Lock()
        self.acknowledged = 0
        self.failure = None

    def step(self):
        raise NotImplementedError

    def _repeat(self):
        try:
            while not self._stop.is_set():
                if self.step():
                    with self._lock:
                        self.acknowledged += 1
                else:
                    self._stop.wait(PAUSE_WHEN_REFUSED)
        except BaseException as failure:
            self.failure = failure
            raise

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        assert self.failure is None, self.failure


class Tasks(Load):
    """Asks the app for tasks. `accepted` maps the id of each accepted task to its value.

    `in_doubt` has the ids of the tasks that the app could not say of whether they were sent, and `unheard` counts the requests
    that reached an app, as far as is known here, and brought no answer: each of those may have become a task as well.
    """

    def __init__(self, system, clients=4, values=range(1, 60), apps=(None,)):
        """`apps` are the URLs of the apps that are asked in turn; by default the system's own is."""
        super().__init__(clients)
        self._system = system
        self._apps = itertools.cycle(apps)
        self._values = list(values)
        self.accepted = {}
        self.in_doubt = set()
        self.refused = self.unheard = 0

    def step(self):
        value = self._values[len(self.accepted) % len(self._values)]
        try:
            answer = self._system.request_task(value, next(self._apps))
        except ConnectionRefusedError:
            return False
        except (OSError, http.client.HTTPException):
            with self._lock:
                self.unheard += 1
            return False
        if answer.status == 200:
            self.accepted[task_id(answer)] = value
            return True
        assert answer.status == 503, (answer.status, answer.text)
        self.refused += 1
        if "callbackUrl" in answer.json():
            self.in_doubt.add(task_id(answer))
        return False


class Messages(Load):
    """Sends, receives and deletes on a queue, straight at the broker.

    `sent` holds the bodies whose send was acknowledged, `deleted` those whose delete was, `touched` those of
    which a delete was asked for.
    """

    def __init__(self, endpoint, queue, clients=4):
        super().__init__(clients)
        self._aws = sqs.client(endpoint)
        self._queue = queue
        self.sent, self.touched, self.deleted = set(), set(), set()

    def step(self):
        body = str(uuid.uuid4())
        try:
            self._aws.send_message(QueueUrl=self._queue, MessageBody=body)
            self.sent.add(body)
            for message in self._aws.receive_message(QueueUrl=self._queue).get("Messages", []):
                if int(message["Body"][0], 16) % 2:
                    self.touched.add(message["Body"])
                    handle = message["ReceiptHandle"]
                    self._aws.delete_message(QueueUrl=self._queue, ReceiptHandle=handle)
                    self.deleted.add(message["Body"])
        except (BotoCoreError, ClientError):
            return False
        return True
