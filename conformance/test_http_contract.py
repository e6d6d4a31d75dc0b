"""The HTTP face of the reference system, row by row, in one process and in four, on both kinds of queues.

The same cases run against `up` and against a broker, an app and two workers as processes of their own, each on
standard and on FIFO queues: a user must not be able to tell them apart. So do they against two apps and two workers,
each with a directory of its own, on a store that they share: what is asked of one app is answered by the other.
"""

import json
import re
import socket
import uuid

import pytest

from harness import http, sqs, stores, wait
from harness.http import assert_problem
from harness.process import free_port
from harness.system import STATUS_QUEUE, TASK_QUEUE, System, fibonacci, task_id

QUICK = ["--work-time", "0s"]


# How the system is run: in one process or in several, or with two apps on a shared store.
WAYS = ["up", "apart", "up on FIFO queues", "apart on FIFO queues", *(f"shared {name}" for name in stores.SERVERS)]


class Shared(System):
    """Two apps and two workers, each with a directory of its own: one app takes tasks, the other tells results."""

    def start_apart(self, workers=2):
        self.start_broker()
        self.start_app(data=self.directory / "app")
        port = free_port()
        self.other_app = self.start_app(port=port, data=self.directory / "other-app")
        self.other_url = f"http://127.0.0.1:{port}"
        for number in range(workers):
            self.start_worker(data=self.directory / f"worker-{number}")
        return self

    def status(self, task, app_url=None):
        return super().status(task, app_url or self.other_url)

    def kill(self):
        super().kill()
        self.other_app.kill()


@pytest.fixture(scope="module", params=WAYS)
def system(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param.replace(" ", "-"))
    if request.param.startswith("shared"):
        yield from on_a_shared_store(request.param.removeprefix("shared "), directory)
        return
    suffix = ".fifo" if "FIFO" in request.param else ""
    flags = ["--task-queue", TASK_QUEUE + suffix, "--reply-queue", STATUS_QUEUE + suffix]
    made = System(directory, worker_flags=QUICK, app_flags=[], common_flags=flags, suffix=suffix)
    if request.param.startswith("up"):
        made.start_up()
    else:
        made.start_apart(workers=2)
    yield made
    made.kill()


def on_a_shared_store(name, directory):
    server = stores.SERVERS[name](directory).start()
    flags = stores.flags(server)
    made = Shared(directory / "system", worker_flags=[*QUICK, *flags], app_flags=flags)
    made.start_apart()
    yield made
    made.kill()
    server.remove()


def invalid(body):
    """The status of a task whose message body is not a number that it accepts."""
    return {"status": "FAILED", "error": f'{{"message":"Invalid request in message.Body:{body}"}}'}


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_root_greets(system):
    answer = http.get(system.app_url + "/")
    assert answer.status == 200
    assert answer.text.strip()


def test_a_task_is_accepted_with_a_callback_url(system):
    answer = system.request_task("8")
    assert answer.status == 200
    assert answer.media_type == "application/json"
    accepted = answer.json()
    assert set(accepted) == {"value", "callbackUrl"}
    assert accepted["value"] == 8
    task = task_id(answer)
    assert str(uuid.UUID(task)) == task
    assert accepted["callbackUrl"] == f"{system.app_url}/fibonacci/status/{task}"


def test_each_request_is_a_task_of_its_own(system):
    assert len({system.submit("8") for _ in range(5)}) == 5


def test_the_callback_url_names_the_host_that_was_asked(system):
    host = {"Host": "fibonacci.example:8080"}
    answer = http.get(f"{system.app_url}/fibonacci?value=8", headers=host)
    url = answer.json()["callbackUrl"]
    assert url == f"http://fibonacci.example:8080/fibonacci/status/{task_id(answer)}"


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [
        ("8", "8"),
        ("0", "0"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("1e3", "1e3"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("abc", '"abc"'),
        ("007", '"007"'),
        ("%2B8", '"+8"'),
        ("NaN", '"NaN"'),
        ("true", '"true"'),
        ("%22x%22", '"\\"x\\""'),
        ("a%20b", '"a b"'),
        ("%C3%BC", '"ü"'),
    ],
)
def test_the_value_is_echoed_as_a_number_where_it_is_one_and_else_as_a_string(system, sent, echoed):
    answer = system.request_task(sent)
    assert answer.status == 200, answer.text
    # The text itself, because a JSON parser would round a long number.
    found = re.search(r'"value":\s*(.*?),\s*"callbackUrl"', answer.text)
    assert found.group(1) == echoed


@pytest.mark.parametrize("query", ["", "?value=", "?other=8", "?Value=8"])
def test_a_missing_or_empty_value_is_a_400_and_sends_nothing(system, query):
    # Work that earlier cases left behind must not be mistaken for a message of this one.
    assert system.outcome(system.submit("2"))["status"] == "COMPLETED"
    queue = system.queue(TASK_QUEUE + system.suffix)
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the task queue is empty")
    before = len(system.computations())
    assert_problem(http.get(f"{system.app_url}/fibonacci{query}"), 400)
    assert sqs.counts(system.sqs, queue) == (0, 0, 0)
    assert len(system.computations()) == before


def test_q10_head_changes_nothing(system):
    assert system.outcome(system.submit("2"))["status"] == "COMPLETED"
    queue = system.queue(TASK_QUEUE + system.suffix)
    wait.until(lambda: sqs.counts(system.sqs, queue) == (0, 0, 0), "the task queue is empty")
    before = len(system.computations())
    answer = http.request("HEAD", f"{system.app_url}/fibonacci?value=8")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"
    # A task that was sent before this one would have been computed before it.
    assert system.outcome(system.submit("3"))["status"] == "COMPLETED"
    assert len(system.computations()) == before + 1


def test_q14_no_answer_about_a_task_is_kept_by_a_cache(system):
    accepted = system.request_task("2")
    for answer in [accepted, system.status(task_id(accepted)), system.status(uuid.uuid4())]:
        assert answer.headers["cache-control"] == "no-store", answer.headers


def test_q14_an_id_in_capitals_is_the_same_one(system):
    task = system.submit("2")
    assert system.status(task.upper()).status == 200


def test_q9_a_request_names_one_host_and_a_whole_url_wins(system):
    def ask(head):
        with socket.create_connection(("127.0.0.1", system.app_port), timeout=30) as connection:
            connection.sendall(f"{head}Connection: close\r\n\r\n".encode())
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return answer.decode()

    path = "/fibonacci?value=2"
    assert ask(f"GET {path} HTTP/1.1\r\n").startswith("HTTP/1.1 400 ")
    assert ask(f"GET {path} HTTP/1.1\r\nHost: a\r\nHost: b\r\n").startswith("HTTP/1.1 400 ")
    named = ask(f"GET http://named.example:1{path} HTTP/1.1\r\nHost: other.example\r\n")
    assert named.startswith("HTTP/1.1 200 ") and "http://named.example:1/fibonacci/status/" in named, named


# ── results ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "result"), [(1, 0), (2, 1), (3, 1), (4, 2), (8, 13), (93, 7540113804746346429)]
)
def test_a_valid_value_is_completed_with_its_number(system, value, result):
    task = system.submit(value)
    assert system.outcome(task) == {"status": "COMPLETED", "value": result}


@pytest.mark.parametrize("value", [100, 300, 5000])
def test_a_large_result_is_exact_to_the_last_digit(system, value):
    task = system.submit(value)
    system.outcome(task)
    found = re.search(r'"value":\s*(\d+)\s*[,}]', system.status(task).text)
    assert found.group(1) == str(fibonacci(value))


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ("0", "0"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("abc", "abc"),
        ("08", "08"),
        ("%2B8", "+8"),
        ("8%20", "8 "),
        ("1e3", "1e3"),
        ("%C3%BC", "ü"),
        ("99999999999999999999999999", "99999999999999999999999999"),
    ],
)
def test_an_invalid_value_fails_with_the_body_as_it_was_sent(system, sent, body):
    task = system.submit(sent)
    assert system.outcome(task) == invalid(body)


def test_an_invalid_value_is_not_dead_lettered(system):
    assert system.outcome(system.submit("abc"))["status"] == "FAILED"
    for name in ["FibonacciTaskDeadLetters", "FibonacciStatusDeadLetters"]:
        assert sqs.counts(system.sqs, system.queue(name + system.suffix)) == (0, 0, 0)


def test_a_body_that_is_not_plain_in_json_is_quoted_in_the_error(system):
    status = system.outcome(system.submit("%22x%22"))
    assert status["status"] == "FAILED"
    # The error is a string that holds JSON, so it must parse once more.
    assert json.loads(status["error"]) == {"message": 'Invalid request in message.Body:"x"'}


# ── statuses ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("unknown", [str(uuid.uuid4()), "not-a-uuid", "0"])
def test_an_unknown_id_is_a_404(system, unknown):
    assert_problem(system.status(unknown), 404)


def test_a_status_is_json_and_can_be_asked_again_and_again(system):
    task = system.submit("8")
    system.outcome(task)
    answers = [system.status(task) for _ in range(3)]
    assert {a.text for a in answers} == {answers[0].text}
    assert answers[0].media_type == "application/json"


def test_an_unknown_path_is_a_404_problem(system):
    assert_problem(http.get(system.app_url + "/nobody-is-here"), 404)


def test_another_method_is_refused(system):
    answer = http.request("POST", f"{system.app_url}/fibonacci?value=8")
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]


def test_the_queues_are_empty_when_everything_is_answered(system):
    tasks = [system.submit(i + 1) for i in range(20)]
    assert {system.outcome(task)["status"] for task in tasks} == {"COMPLETED"}
    for name in [TASK_QUEUE, STATUS_QUEUE]:
        queue = system.queue(name + system.suffix)
        wait.until(lambda q=queue: sqs.counts(system.sqs, q) == (0, 0, 0), f"{name} is empty")


def test_each_task_is_computed_once(system):
    tasks = [system.submit(8) for _ in range(20)]
    for task in tasks:
        system.outcome(task)
    computed = system.computations()
    assert {computed[task] for task in tasks} == {1}


# ── time, names, absence: each needs a system of its own ─────────────────────────────────────────────────


def test_a_task_is_pending_while_the_work_takes_its_time(apart):
    system = apart(worker_flags=["--work-time", "2s"])
    system.start_apart(workers=1)
    task = system.submit("8")
    assert system.status(task).json() == {"status": "PENDING"}
    assert system.outcome(task) == {"status": "COMPLETED", "value": 13}


def test_a_task_is_pending_while_there_is_no_worker(apart):
    system = apart(worker_flags=QUICK)
    system.start_apart(workers=0)
    task = system.submit("8")
    assert system.status(task).json() == {"status": "PENDING"}
    system.start_worker()
    assert system.outcome(task) == {"status": "COMPLETED", "value": 13}


def test_an_invalid_value_fails_without_the_working_time(apart):
    system = apart(worker_flags=["--work-time", "60s"])
    system.start_apart(workers=1)
    assert system.outcome(system.submit("-1"), timeout=20) == invalid("-1")


def test_a_value_above_the_limit_fails_and_the_limit_itself_does_not(apart):
    system = apart(worker_flags=[*QUICK, "--value-max", "50"])
    system.start_apart(workers=1)
    assert system.outcome(system.submit("50"))["status"] == "COMPLETED"
    assert system.outcome(system.submit("51")) == invalid("51")


def test_a_result_is_kept_for_the_stated_time_and_then_unknown(apart):
    system = apart(worker_flags=QUICK, app_flags=["--result-retention", "2s"])
    system.start_apart(workers=1)
    task = system.submit("8")
    assert system.outcome(task)["status"] == "COMPLETED"
    wait.until(lambda: system.status(task).status == 404, "the result is forgotten", 100)


def test_the_public_url_wins_over_the_host(apart):
    system = apart(app_flags=["--public-url", "https://fibonacci.example/base"])
    system.start_apart(workers=0)
    answer = system.request_task("8")
    url = answer.json()["callbackUrl"]
    assert url == f"https://fibonacci.example/base/fibonacci/status/{task_id(answer)}"


def test_without_a_broker_the_answer_is_503_until_it_is_back(apart):
    system = apart(worker_flags=QUICK)
    system.start_apart(workers=1)
    before = system.submit("8")
    assert system.outcome(before)["status"] == "COMPLETED"
    system.broker.stop()

    answer = system.request_task("9")
    assert_problem(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1
    # Statuses need no broker.
    assert system.status(before).json() == {"status": "COMPLETED", "value": 13}

    system.start_broker()
    accepted = wait.until(
        lambda: a if (a := system.request_task("9")).status == 200 else None, "a task is accepted again"
    )
    assert system.outcome(task_id(accepted), timeout=60) == {"status": "COMPLETED", "value": 21}
