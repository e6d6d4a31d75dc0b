"""What a user gets wrong: one clear sentence on stderr, an exit status that is not 0, and nothing lost."""

import contextlib
import re
import socket
import sqlite3

import pytest

from harness import sqs, wait
from harness.process import Process, binary, clean_environment, free_port, run
from harness.system import sqs_alive
from harness.tls import TlsFront

# What a program that lost its temper prints.
INNARDS = re.compile(r"panicked|RUST_BACKTRACE|stack backtrace|\.rs:\d+|unwrap|Os \{|Error \{|Some\(|Err\(")


# The exit codes of `--help`.
USAGE, CANNOT_START = 2, 3


def refusal(code, *arguments, directory, mentions=(), env=None):
    """Runs the program, which must end by itself with this exit code and an error that names `mentions`."""
    done = run(*arguments, directory=directory, env=env)
    said = done.stderr
    assert done.returncode == code, (done.returncode, done.stdout, said)
    assert said.strip(), "it failed without a word"
    assert not INNARDS.search(said), said
    for word in mentions:
        assert str(word) in said, said
    return done


# ── flags ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (["--nobody-has-this-flag"], ["--nobody-has-this-flag"]),
        (["nobody-has-this-role"], ["nobody-has-this-role"]),
        (["worker", "--work-time", "soon"], ["--work-time", "soon"]),
        (["worker", "--concurrency", "0"], ["--concurrency"]),
        (["worker", "--concurrency", "many"], ["--concurrency", "many"]),
        (["app", "--listen", "nonsense"], ["--listen", "nonsense"]),
        (["app", "--public-url", "nonsense"], ["--public-url", "nonsense"]),
        (["broker", "--broker-listen", "127.0.0.1:99999"], ["--broker-listen", "127.0.0.1:99999"]),
        (["broker", "--sync-interval", "0s"], ["--sync-interval", "1ms to 60s"]),
        (["broker", "--in-memory", "--sync-interval", "1s"], ["--in-memory", "--sync-interval"]),
        (["queues", "frobnicate"], ["frobnicate"]),
    ],
)
def test_a_bad_flag_is_named_and_ends_with_2(tmp_path, arguments, mentions):
    refusal(USAGE, *arguments, directory=tmp_path, mentions=mentions)
    assert list(tmp_path.iterdir()) == []


def test_a_bad_environment_variable_is_as_bad_as_its_flag(tmp_path):
    env = clean_environment(LONGSHORE_WORK_TIME="soon")
    refusal(USAGE, "worker", directory=tmp_path, mentions=["soon"], env=env)


def test_help_names_every_role_and_ends_with_0(tmp_path):
    done = run("--help", directory=tmp_path)
    assert done.returncode == 0
    for role in ["up", "broker", "app", "worker", "queues", "health"]:
        assert role in done.stdout


# ── queues.toml ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ('[queues.A]\nvisibility_timeot = 30\n', ["line 2", "visibility_timeot"]),
        ('[queues.A]\n\nvisibility_timeout = "soon"\n', ["line 3", "soon"]),
        ('[quues.A]\n', ["line 1", "quues"]),
        ("this is not TOML", ["line 1"]),
        ('[queues.A]\nvisibility_timeout = 43201\n', ["[queues.A]", "visibility_timeout", "43200"]),
        ('[queues.A]\ndelay = 901\n', ["[queues.A]", "delay", "900"]),
        ('[queues."not a name"]\n', ["not a name"]),
        ('[queues.A]\ndead_letter = { queue = "Nobody", max_receive_count = 3 }\n', ["[queues.A]", "Nobody"]),
    ],
)
def test_a_bad_queues_file_is_named_with_the_line_or_the_queue_and_the_key(tmp_path, text, mentions):
    file = tmp_path / "queues.toml"
    file.write_text(text)
    flags = ["--queues", file, "--data", tmp_path / "data", "--broker-listen", f"127.0.0.1:{free_port()}"]
    refusal(USAGE, "broker", *flags, directory=tmp_path, mentions=["queues.toml", *mentions])


def test_a_missing_queues_file_is_named(tmp_path):
    flags = ["--queues", tmp_path / "absent.toml", "--broker-listen", f"127.0.0.1:{free_port()}"]
    refusal(USAGE, "broker", *flags, directory=tmp_path, mentions=["absent.toml"])


# ── stores ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("store", "mentions"),
    [
        ("mysql://me:s3cret@host/tasks", ["mysql://", "postgres://"]),
        ("redis:", ["redis://", "./redis:"]),
        ("postgres://", ["postgres://", "a host follows"]),
        ("dynamodb://tasks?regoin=x", ["regoin", "region"]),
    ],
)
def test_a_store_url_that_nobody_can_read_is_named_with_what_is_right(tmp_path, store, mentions):
    done = refusal(USAGE, "worker", "--store", store, directory=tmp_path, mentions=["--store", *mentions])
    assert done.stdout == ""


@pytest.mark.parametrize(
    "store",
    [
        "postgres://me:s3cret@127.0.0.1:{port}/tasks",
        "redis://me:s3cret@127.0.0.1:{port}",
        "dynamodb://tasks?endpoint_url=http://127.0.0.1:{port}",
    ],
)
@pytest.mark.parametrize("role", ["app", "worker"])
def test_a_store_that_is_down_is_named_without_its_password(tmp_path, role, store):
    port = free_port()
    env = clean_environment(LONGSHORE_STORE=store.format(port=port))
    flags = ["--listen", "127.0.0.1:0"] if role == "app" else ["--health-listen", "127.0.0.1:0"]
    mentions = [f"127.0.0.1:{port}", "see that it can be used from here", "--store"]
    done = refusal(CANNOT_START, role, *flags, directory=tmp_path, mentions=mentions, env=env)
    assert "s3cret" not in done.stdout + done.stderr


def test_a_store_of_a_later_version_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "tasks.sqlite3"
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    mentions = [path, "format 99", "use a newer Longshore"]
    refusal(CANNOT_START, "worker", "--store", path, directory=tmp_path, mentions=mentions)
    assert path.read_bytes() == before


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("role", "flag"),
    [("broker", "--broker-listen"), ("app", "--listen"), ("up", "--listen"), ("worker", "--health-listen")],
)
def test_a_port_in_use_is_named(tmp_path, role, flag):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = [flag, address, "--data", tmp_path / "data"]
        if role == "up":
            flags += ["--broker-listen", f"127.0.0.1:{free_port()}"]
        refusal(CANNOT_START, role, *flags, directory=tmp_path, mentions=[address])


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_a_broker_that_checks_no_signatures_refuses_to_listen_beyond_loopback(tmp_path, address):
    listen = f"{address}:{free_port()}"
    flags = ["--broker-listen", listen, "--data", tmp_path / "data"]
    refusal(USAGE, "broker", *flags, directory=tmp_path, mentions=["--allow-anonymous"])


def test_a_broker_listens_beyond_loopback_when_told_that_anyone_may_come(apart):
    system = apart(broker_flags=["--allow-anonymous"])
    flags = ["--broker-listen", f"0.0.0.0:{system.broker_port}", "--data", system.data, "--allow-anonymous"]
    system.broker = Process("broker", [binary(), "broker", *flags], system.directory)
    system.await_broker()


# ── the data directory ───────────────────────────────────────────────────────────────────────────────────


def test_a_data_directory_has_one_broker_and_the_first_goes_on(apart, tmp_path):
    system = apart()
    system.start_broker()
    url = system.sqs.create_queue(QueueName="kept")["QueueUrl"]
    flags = ["--data", system.data, "--broker-listen", f"127.0.0.1:{free_port()}"]
    refusal(CANNOT_START, "broker", *flags, directory=tmp_path, mentions=[system.data])
    system.sqs.send_message(QueueUrl=url, MessageBody="still here")


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a directory")
    flags = ["--data", in_the_way / "data", "--broker-listen", f"127.0.0.1:{free_port()}"]
    refusal(CANNOT_START, "broker", *flags, directory=tmp_path, mentions=[in_the_way])


def damaged(system):
    """Fills a broker's log with messages, stops it, and flips one byte in the middle of what it wrote: of the head of a
    batch, for a message's body that has rotted is that message's own affair."""
    system.start_broker()
    url = system.sqs.create_queue(QueueName="kept")["QueueUrl"]
    for i in range(50):
        system.sqs.send_message(QueueUrl=url, MessageBody=f"{i}-" + "x" * 1000)
    assert system.broker.stop() == 0
    marker = b"25-xxxxxxxx"
    for file in sorted((system.data / "broker").rglob("*")):
        content = file.read_bytes() if file.is_file() else b""
        at = content.find(marker)
        if at >= 0:
            rotten = content.rindex(b"LSbt", 0, at) + 10
            flipped = bytes([content[rotten] ^ 0x40])
            file.write_bytes(content[:rotten] + flipped + content[rotten + 1 :])
            return file, content
    raise AssertionError("the body is in no file of the broker")


def test_a_damaged_log_is_refused_with_file_and_offset_and_left_as_it_is(apart, tmp_path):
    system = apart()
    file, before = damaged(system)
    after_the_flip = file.read_bytes()
    flags = ["--data", system.data, "--broker-listen", f"127.0.0.1:{system.broker_port}"]
    done = refusal(CANNOT_START, "broker", *flags, directory=tmp_path, mentions=[file.name])
    assert re.search(r"\d{2,}", done.stderr.replace(file.name, "")), "no offset is named"
    assert file.read_bytes() == after_the_flip

    # Whoever has the file back as it was has lost nothing.
    file.write_bytes(before)
    system.start_broker()
    bodies = [m["Body"] for m in sqs.drain(system.sqs, system.queue("kept"))]
    assert [body.split("-")[0] for body in bodies] == [str(i) for i in range(50)]


# ── the broker is not there ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("role", ["app", "worker"])
def test_a_role_without_a_broker_waits_for_it_and_says_so_without_ending(apart, role):
    system = apart(worker_flags=["--work-time", "0s"])
    assert sqs_alive(system.broker_url) is None
    if role == "app":
        started = system.start_app()
    else:
        started = system.start_worker()
    wait.until(lambda: str(system.broker_port) in started.output(), "it names the broker it cannot reach", 30)
    system.start_broker()
    if role == "app":
        system.start_worker()
    else:
        system.start_app()
    accepted = wait.until(
        lambda: a if (a := system.request_task("8")).status == 200 else None, "a task is accepted", 30
    )
    task = accepted.json()["callbackUrl"].rsplit("/", 1)[1]
    assert system.outcome(task, timeout=60) == {"status": "COMPLETED", "value": 13}
    assert started.running()
    assert not re.search(r"panicked|stack backtrace", started.output())


@pytest.mark.parametrize("role", ["app", "worker"])
def test_an_endpoint_without_encryption_needs_no_certificates(apart, role, monkeypatch):
    # As in a minimal container, which has none.
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    monkeypatch.setenv("SSL_CERT_DIR", "/nonexistent")
    system = apart()
    system.start_broker()
    started = system.start_app() if role == "app" else system.start_worker()
    assert started.running()


def test_an_encrypted_endpoint_is_used_if_the_system_trusts_its_authority(apart, tmp_path):
    system = apart()
    system.start_broker()
    with contextlib.closing(TlsFront(system.broker_port, tmp_path)) as front:
        system.endpoint_url = front.url
        system.variables["SSL_CERT_FILE"] = str(front.authority)
        system.start_app()
        system.start_worker()
        assert system.outcome(system.submit(8))["value"] == 13
        assert front.connections > 0


def test_an_encrypted_endpoint_of_somebody_else_is_told_nothing(apart, tmp_path):
    system = apart()
    system.start_broker()
    (tmp_path / "other").mkdir()
    other = TlsFront(system.broker_port, tmp_path / "other")
    with contextlib.closing(other), contextlib.closing(TlsFront(system.broker_port, tmp_path)) as stranger:
        system.endpoint_url = stranger.url
        system.variables["SSL_CERT_FILE"] = str(other.authority)
        worker = system.start_worker()
        wait.until(lambda: "invalid peer certificate" in worker.output(), "the worker says what it waits for")
        assert stranger.connections == 0


def test_an_encrypted_endpoint_without_certificates_is_refused_with_what_is_missing(tmp_path):
    env = clean_environment(SSL_CERT_FILE="/dev/null", SSL_CERT_DIR="/nonexistent")
    flags = ["--endpoint-url", "https://127.0.0.1:1", "--data", tmp_path, "--health-listen", "127.0.0.1:0"]
    refusal(CANNOT_START, "worker", *flags, directory=tmp_path, mentions=["certificates"], env=env)


def test_health_tells_a_running_role_from_one_that_is_not_there(apart, tmp_path):
    def health(role, flag, address):
        return run("health", "--role", role, flag, address, directory=tmp_path)

    system = apart(worker_flags=["--work-time", "0s"])
    system.start_apart(workers=1)
    roles = [
        ("app", "--listen", f"127.0.0.1:{system.app_port}"),
        ("broker", "--broker-listen", f"127.0.0.1:{system.broker_port}"),
        ("worker", "--health-listen", system.workers[0].health_url.removeprefix("http://")),
    ]
    for role in roles:
        done = health(*role)
        assert done.returncode == 0, (role, done.stderr)
    system.kill()
    for role in roles:
        done = health(*role)
        assert done.returncode == 1
        assert role[2] in done.stderr and not INNARDS.search(done.stderr)
