"""Apps and workers are killed, restarted, doubled and asked to stop: every accepted task ends, once."""

import pytest

from harness import sqs, wait
from harness.load import Tasks
from harness.process import free_port
from harness.system import TASK_DEAD_LETTERS, TASK_QUEUE, fibonacci

COMPLETED = {"status": "COMPLETED", "value": 13}

# The reference system's queues with leases that end soon.
SHORT_LEASES = """\
[queues.FibonacciTaskQueue]
receive_message_wait_time = "20s"
visibility_timeout = "{lease}"
dead_letter = {{ queue = "FibonacciTaskDeadLetters", max_receive_count = 5 }}

[queues.FibonacciStatusQueue]
receive_message_wait_time = "20s"
visibility_timeout = "{lease}"
dead_letter = {{ queue = "FibonacciStatusDeadLetters", max_receive_count = 5 }}

[queues.FibonacciTaskDeadLetters]

[queues.FibonacciStatusDeadLetters]
"""


@pytest.fixture
def with_leases(apart, tmp_path):
    """Makes a system whose tasks and replies are leased for `lease`; not started yet."""

    def make(lease, **flags):
        declared = tmp_path / "queues.toml"
        declared.write_text(SHORT_LEASES.format(lease=lease))
        return apart(common_flags=["--queues", declared], **flags)

    return make


def begun(system, task):
    """Whether somebody began to compute the task."""
    return system.computations().get(task, 0)


# ── workers ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_a_task_of_a_worker_that_is_killed_is_finished_by_another(with_leases):
    system = with_leases("3s", worker_flags=["--work-time", "2s"])
    system.start_apart(workers=1)
    task = system.submit("8")
    wait.until(lambda: begun(system, task), "the first worker began")
    system.workers[0].kill()
    assert system.status(task).json() == {"status": "PENDING"}
    system.start_worker()
    assert system.outcome(task, timeout=60) == COMPLETED
    assert system.computations() == {task: 2}
    assert sqs.counts(system.sqs, system.queue(TASK_DEAD_LETTERS)) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_task_that_takes_four_times_its_lease_runs_once(with_leases):
    system = with_leases("10s", worker_flags=["--work-time", "40s"])
    system.start_apart(workers=2)
    task = system.submit("8")
    assert system.outcome(task, timeout=120) == COMPLETED
    assert system.computations() == {task: 1}
    queue = system.queue(TASK_QUEUE)
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the task is deleted")


def test_a_worker_that_is_asked_to_stop_finishes_what_it_runs(apart):
    system = apart(worker_flags=["--work-time", "3s"])
    system.start_apart(workers=1)
    task = system.submit("8")
    wait.until(lambda: begun(system, task), "the worker began")
    assert system.workers[0].stop() == 0
    assert system.outcome(task, timeout=5) == COMPLETED
    assert system.computations() == {task: 1}
    assert sqs.counts(system.sqs, system.queue(TASK_QUEUE)) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_workers_replaced_under_load_lose_and_double_nothing(apart):
    system = apart(worker_flags=["--work-time", "100ms"])
    system.start_apart(workers=2)
    with Tasks(system, clients=2) as load:
        for _ in range(4):
            serve(load)
            leaving = system.workers.pop(0)
            system.start_worker()
            assert leaving.stop() == 0
    all_completed_once(system, load)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_workers_killed_under_load_lose_nothing(with_leases):
    system = with_leases("3s", worker_flags=["--work-time", "50ms"])
    system.start_apart(workers=2)
    with Tasks(system, clients=2) as load:
        for _ in range(6):
            serve(load)
            system.workers.pop(0).kill()
            system.start_worker()
    all_completed(system, load)
    assert sqs.counts(system.sqs, system.queue(TASK_DEAD_LETTERS)) == (0, 0, 0)


# ── the app ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_app_that_is_killed_and_started_again_knows_every_task(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    done = system.submit("8")
    assert system.outcome(done) == COMPLETED
    system.workers[0].stop()
    waiting = system.submit("8")
    system.app.kill()
    system.start_app()
    assert system.status(done).json() == COMPLETED
    assert system.status(waiting).json() == {"status": "PENDING"}
    system.start_worker()
    assert system.outcome(waiting) == COMPLETED


def test_two_apps_of_one_store_answer_for_each_others_tasks(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    port = free_port()
    second = system.start_app(port=port)
    url = f"http://127.0.0.1:{port}"
    try:
        of_first = [system.submit(8) for _ in range(10)]
        of_second = [system.submit(8, app_url=url) for _ in range(10)]
        for task in of_first + of_second:
            assert system.outcome(task) == COMPLETED
            assert system.outcome(task, app_url=url) == COMPLETED
        system.app.kill()
        for task in of_first:
            assert system.status(task, app_url=url).json() == COMPLETED
    finally:
        assert second.stop() == 0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_app_replaced_under_load_loses_and_doubles_nothing(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=2)
    with Tasks(system, clients=4) as load:
        for _ in range(3):
            serve(load)
            assert system.app.stop() == 0
            system.start_app()
    all_completed_once(system, load)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_app_killed_under_load_loses_and_doubles_nothing(with_leases):
    system = with_leases("3s", worker_flags=["--work-time", "0s"])
    system.start_apart(workers=2)
    with Tasks(system, clients=4) as load:
        for _ in range(8):
            serve(load)
            system.app.kill()
            system.start_app()
    all_completed_once(system, load)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_whole_system_killed_under_load_loses_nothing(with_leases):
    system = with_leases("3s", worker_flags=["--work-time", "0s"])
    system.start_up()
    with Tasks(system, clients=4) as load:
        for _ in range(8):
            serve(load)
            system.app.kill()
            system.start_up()
    all_completed(system, load)


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_whole_system_replaced_under_load_loses_and_doubles_nothing(apart):
    system = apart(worker_flags=["--work-time", "0s"])
    system.start_up()
    with Tasks(system, clients=4) as load:
        for _ in range(3):
            serve(load)
            assert system.app.stop() == 0
            system.start_up()
    all_completed_once(system, load)


def serve(load, more=20):
    goal = load.acknowledged + more
    wait.until(lambda: load.acknowledged >= goal, "the load is being served", 60)


def all_completed(system, load):
    """Every accepted task is COMPLETED with its number."""
    for task, value in load.accepted.items():
        status = system.outcome(task, timeout=90)
        assert status == {"status": "COMPLETED", "value": fibonacci(value)}


def all_completed_once(system, load):
    """Every accepted task is COMPLETED with its number, and none was computed twice."""
    all_completed(system, load)
    computed = system.computations()
    assert {task: n for task, n in computed.items() if n != 1} == {}
    assert set(load.accepted) <= set(computed)
