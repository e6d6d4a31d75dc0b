"""Everything is killed at random, on every store: each accepted task ends COMPLETED with one effect, and any app knows it.

On a FIFO queue, to which nothing is sent anew, a task may also end FAILED, with a dead letter, because its workers were killed.

What is random follows from a seed, which a failure names. The effect is a row that the handler writes, under the task's id, into a
table that is none of Longshore's. Runs are counted apart: a task may run again whose worker, broker or store was killed in the
middle, and its result and its effect are there once all the same.
"""

import os
import random
import time
from collections import Counter

import pytest

from harness import sqs, stores, wait
from harness.http import assert_problem
from harness.load import Tasks
from harness.process import free_port
from harness.queues import short_leases
from harness.system import (
    STATUS_DEAD_LETTERS,
    STATUS_QUEUE,
    TASK_DEAD_LETTERS,
    TASK_QUEUE,
    System,
    fibonacci,
    task_id,
)

# How long the drill goes on, and what must be acknowledged between two kills, so that each hits a system at work.
SECONDS = int(os.environ.get("LONGSHORE_DRILL_SECONDS", "40"))
ACKNOWLEDGED_BETWEEN_KILLS = 10
SECONDS_BETWEEN_KILLS = 0.8
# A lease lasts 3 seconds, so a kill every second can use up five receives of a message. SQS dead-letters it then, and its task ends all
# the same: on a standard queue it is sent anew, on a FIFO queue it is dead.
RECEIVES = 5
# Why a task of a FIFO queue is dead here: its workers were killed at each of its attempts, or at its last receive.
KILLED = ["was the last and ended its worker", "none of its workers ended it"]
# Tasks that each worker runs at once.
CONCURRENCY = 10
WORKERS = APPS = 2
# Where records are kept. "apart": apps have one store, and workers another.
WAYS = ["SQLite", "SQLite on FIFO queues", "SQLite apart", *stores.SERVERS]


@pytest.fixture
def server(request, tmp_path):
    """The server of a shared store, running; None for SQLite, which is a file."""
    if request.param.startswith("SQLite"):
        yield None
        return
    directory = tmp_path / "server"
    directory.mkdir()
    made = stores.SERVERS[request.param](directory)
    made.start()
    yield made
    made.remove()


class Everything:
    """Two apps, two workers, a broker and a store: what runs, and how each is killed and started again.

    On a server's store each app and worker has a directory of its own. `way` is what the test is called with.
    """

    def __init__(self, directory, queues, server, way, seed):
        self.server, self.way, self.chance = server, way, random.Random(seed)
        flags = stores.flags(server) if server else []
        work = ["--work-time", "50ms", "--concurrency", CONCURRENCY]
        self.suffix = ".fifo" if "FIFO" in way else ""
        common = ["--queues", queues]
        if self.suffix:
            common += ["--task-queue", f"{TASK_QUEUE}.fifo", "--reply-queue", f"{STATUS_QUEUE}.fifo"]
        self.system = System(directory, common_flags=common, app_flags=flags, worker_flags=[*flags, *work])
        self.system.worker_flags += ["--effects", self.system.effects_file]
        self.ports = [free_port() for _ in range(APPS)]
        self.running = {}
        self.kills = dict.fromkeys(self.parts(), 0)

    def parts(self):
        apps, workers = ([f"{kind} {n}" for n in range(count)] for kind, count in [("app", APPS), ("worker", WORKERS)])
        store = ["store"] if self.server and self.server.killable else []
        return [*store, "broker", *apps, *workers]

    def urls(self):
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def start(self, part):
        kind, _, number = part.partition(" ")
        data = self.data_of(kind, number)
        if kind == "store":
            self.server.start()
        elif kind == "broker":
            self.running[part] = self.system.start_broker()
        elif kind == "app":
            self.running[part] = self.system.start_app(port=self.ports[int(number)], data=data)
        else:
            self.running[part] = self.system.start_worker(data=data)

    def data_of(self, kind, number):
        """The directory of an app or worker; None for the one that all share."""
        if self.server:
            return self.system.directory / f"data-{kind}-{number}"
        # Then only replies tell the apps what the workers did.
        return self.system.directory / f"data-{kind}s" if "apart" in self.way else None

    def kill(self, part):
        self.kills[part] += 1
        (self.server if part == "store" else self.running[part]).kill()

    def kill_some(self):
        """Kills one to three parts at once, and starts them again in any order, the store first."""
        victims = self.chance.sample(self.parts(), self.chance.randint(1, 3))
        for part in victims:
            self.kill(part)
        for part in sorted(victims, key=lambda part: part != "store"):
            self.start(part)

    def cut_off_at_most(self):
        """The runs that kills can have cut off: nothing runs again without a cause."""
        of_workers = sum(self.kills[f"worker {n}"] for n in range(WORKERS))
        return (of_workers + self.kills.get("store", 0) * WORKERS) * CONCURRENCY

    def end(self):
        for process in self.running.values():
            process.kill()


@pytest.fixture
def everything(request, tmp_path, server):
    made, way = [], request.node.callspec.params["server"]

    def make(seed):
        queues = short_leases(tmp_path, "3s", RECEIVES)
        made.append(Everything(tmp_path / "system", queues, server, way, seed))
        for part in made[-1].parts():
            if part != "store":
                made[-1].start(part)
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("server", WAYS, indirect=True)
def test_everything_killed_at_random_loses_no_accepted_task(everything, record_property):
    seed = int(os.environ.get("LONGSHORE_DRILL_SEED", random.randrange(10**6)))
    print(f"LONGSHORE_DRILL_SEED={seed}")
    drilled = everything(seed)
    system = drilled.system
    with Tasks(system, clients=4, apps=drilled.urls()) as load:
        ends_at = time.monotonic() + SECONDS
        while time.monotonic() < ends_at:
            goal, pause_ends_at = load.acknowledged + ACKNOWLEDGED_BETWEEN_KILLS, time.monotonic() + SECONDS_BETWEEN_KILLS
            wait.until(lambda goal=goal: load.acknowledged >= goal, "the load is being served", 60)
            wait.until(lambda ends=pause_ends_at: time.monotonic() >= ends, "the pause is over", 5)
            drilled.kill_some()

    dead = ended_at_every_app(drilled, load)
    effects = one_effect_each(drilled, load, dead)
    runs = system.computations()
    assert set(effects) <= set(runs)
    again = sum(runs.values()) - len(runs)
    print(f"accepted {len(load.accepted)}, refused {load.refused}, unheard {load.unheard}, effects {len(effects)}")
    print(f"run again {again}, kills {drilled.kills}, dead {len(dead)}")
    record_property("run again", again)
    assert again <= drilled.cut_off_at_most()
    check_dead_letters(drilled, dead)
    url = system.queue(STATUS_DEAD_LETTERS + drilled.suffix)
    assert sqs.counts(system.sqs, url) == (0, 0, 0), sqs.described(system.sqs, url)


def ended_at_every_app(drilled, load):
    """Each accepted task is COMPLETED with its number, whichever app is asked; the ids of those that are dead, on a FIFO queue."""
    assert load.accepted
    dead = set()
    for place, (task, value) in enumerate(load.accepted.items()):
        url = drilled.urls()[place % APPS]
        status = drilled.system.outcome(task, timeout=90, app_url=url)
        if drilled.suffix and status["status"] == "FAILED":
            assert any(why in status["error"] for why in KILLED), (task, status)
            dead.add(task)
        else:
            assert status == {"status": "COMPLETED", "value": fibonacci(value)}, task
    return dead


def check_dead_letters(drilled, dead):
    """Each dead task has a dead letter of ours. Anything else there is a message that SQS moved itself, of a task that has ended."""
    system = drilled.system
    url = system.queue(TASK_DEAD_LETTERS + drilled.suffix)

    def ours():
        letters = sqs.drain(system.sqs, url, MessageAttributeNames=["All"])
        for letter in letters:
            own = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
            if "reason" in own:
                found.add(own["taskId"])
            else:
                assert system.outcome(own["taskId"], 90, drilled.urls()[0])["status"] != "PENDING"
        return found >= dead

    found = set()
    wait.until(ours, f"each of {len(dead)} dead tasks has its dead letter", 60)
    # A task whose acceptance nobody heard may be dead too.
    assert drilled.suffix or not found, found


def one_effect_each(drilled, load, dead):
    """Each accepted task has one effect, with its number, and there is none that nobody asked for; the effects by task.

    A dead one may have it, or not.

    A task whose acceptance nobody heard may have run too. An app knows it all the same, and it ends as any other.
    """
    system = drilled.system
    right = {task: fibonacci(value) for task, value in load.accepted.items()}
    effects = dict(system.effects())
    ended = {task for task in right if task not in dead or task in effects}
    wrong = {task: effects.get(task) for task in ended if effects.get(task) != right[task]}
    assert wrong == {}, f"of {len(right)} accepted tasks, {len(wrong)} have no effect or a wrong one"
    # On a FIFO queue whatever nobody heard of may be dead too, as those that are known to be.
    begun = set(right) - dead if drilled.suffix else set(system.computations())
    wait.until(lambda: set(dict(system.effects())) >= begun, "whatever began has its effect", 90)
    rows = system.effects()
    assert [task for task, count in Counter(task for task, _ in rows).items() if count > 1] == []
    others = {task: value for task, value in rows if task not in right}
    for task, value in others.items():
        status = system.outcome(task, 90, drilled.urls()[0])
        is_dead = drilled.suffix and status["status"] == "FAILED"
        assert is_dead or status == {"status": "COMPLETED", "value": value}, task
    assert len(set(others) - load.in_doubt) <= load.unheard
    return dict(rows)


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("server", ["Redis", "PostgreSQL"], indirect=True)
def test_a_store_that_goes_and_comes_back_ends_no_role_and_loses_no_task(everything, server):
    drilled = everything(0)
    system = drilled.system
    url = drilled.urls()[0]
    tasks = [system.submit(8, app_url=url) for _ in range(5)]
    drilled.kill("store")

    def refused():
        answer = system.request_task(8, app_url=url)
        # A server process that outlives its parent for a moment keeps what it answered.
        tasks.extend([task_id(answer)] if answer.status == 200 else [])
        return answer if answer.status != 200 else None

    assert_problem(wait.until(refused, "nothing is taken any more"), 503)
    server.start()

    def accepted():
        answer = system.request_task(8, app_url=url)
        return task_id(answer) if answer.status == 200 else None

    tasks.append(wait.until(accepted, "a task is accepted again"))
    for task in tasks:
        assert system.outcome(task, timeout=60, app_url=url) == {"status": "COMPLETED", "value": 13}
    for process in drilled.running.values():
        process.must_run()
