"""Two hosts with a network between them: their apps and workers share a store and a broker, and one of them is cut off."""

import pytest

from harness import http, sqs, stores, wait
from harness.hosts import two_hosts
from harness.process import free_port
from harness.queues import short_leases
from harness.system import STATUS_QUEUE, TASK_DEAD_LETTERS, TASK_QUEUE, fibonacci

QUICK = ["--work-time", "0s"]


def completed(value):
    return {"status": "COMPLETED", "value": fibonacci(value)}


@pytest.fixture
def hosts():
    with two_hosts() as made:
        yield made


@pytest.fixture
def redis(hosts, tmp_path):
    """A store on the first host."""
    host, directory = hosts[0], tmp_path / "redis"
    directory.mkdir()
    made = stores.Redis(directory, host.address)
    with host.here():
        made.start()
    yield made
    made.remove()


@pytest.fixture
def system(hosts, redis, apart, tmp_path):
    """A broker and an app beside that store. Both hosts reach the broker; tasks are leased for 3 seconds."""
    host, shared = hosts[0], stores.flags(redis)
    made = apart(
        broker_host=host.address,
        broker_flags=["--allow-anonymous"],
        common_flags=["--queues", short_leases(tmp_path, "3s")],
        app_flags=shared,
        worker_flags=list(shared),
    )
    made.worker_flags += ["--effects", made.effects_file]
    with host.here():
        made.start_broker()
        made.start_app(data=tmp_path / "first")
    return made


@pytest.mark.slow
def test_the_apps_of_two_hosts_answer_for_tasks_that_either_took_and_either_ran(hosts, system, tmp_path):
    first, second, _ = hosts
    port = free_port()
    other = f"http://127.0.0.1:{port}"
    with second.here():
        app = system.start_app(port=port, data=tmp_path / "second")
        far = system.start_worker(QUICK, data=tmp_path / "second")
        of_second = [system.submit(8, app_url=other) for _ in range(5)]
        for task in of_second:
            assert system.outcome(task, app_url=other) == completed(8)
        assert far.stop() == 0
    with first.here():
        system.start_worker(QUICK, data=tmp_path / "first")
        of_first = [system.submit(9) for _ in range(5)]
        for task in of_first:
            assert system.outcome(task) == completed(9)
        for task in of_second:
            assert system.status(task).json() == completed(8)
    with second.here():
        for task in of_first:
            assert system.status(task, app_url=other).json() == completed(9)
        assert app.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_worker_whose_host_is_cut_off_is_replaced_and_works_on_when_it_is_back(hosts, system, tmp_path):
    first, second, cable = hosts
    with second.here():
        far = system.start_worker(["--work-time", "10s"], data=tmp_path / "second")
    with first.here():
        task = system.submit(8)
        wait.until(lambda: system.computations().get(task), "the worker on the other host began")
        cable.pull_out()
        near = system.start_worker(QUICK, data=tmp_path / "first")
        assert system.outcome(task, timeout=60) == completed(8)
        assert system.computations() == {task: 2}
        assert near.stop() == 0
        cable.plug_in()
        later = system.submit(9)
        assert system.outcome(later, timeout=90) == completed(9)
        assert system.status(task).json() == completed(8)
        for name in [TASK_QUEUE, STATUS_QUEUE]:
            wait.until(lambda n=name: sqs.counts(system.sqs, system.queue(n)) == (0, 0, 0), f"{name} is empty", 60)
        assert sqs.counts(system.sqs, system.queue(TASK_DEAD_LETTERS)) == (0, 0, 0)
    assert sorted(system.effects()) == sorted([(task, 13), (later, 21)])
    with second.here():
        (health,) = http.get(far.health_url + "/health").json()["workers"]
        # Whatever became of the run that was cut off, it was not taken for done.
        assert health["done"] == 1, health
        assert far.stop() == 0
