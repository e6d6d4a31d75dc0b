"""The broker on its own, `longshore`: what it serves, where its settings come from, how it ends.

The settings work alike in every program of Longshore; a few tests try them on the reference system.
"""

import re
import tomllib
from pathlib import Path

import pytest

from harness import http, sqs, wait
from harness.load import Messages
from harness.process import Process, binary, clean_environment, cli, run
from harness.system import START_TIMEOUT

ANYWHERE = "127.0.0.1:0"
URL = re.compile(r"http://localhost:\d+")

DECLARED = """\
[queues.CliWork]
visibility_timeout = "45s"
dead_letter = { queue = "CliFailed", max_receive_count = 3 }
tags = { system = "cli" }

[queues.CliFailed]
"""


class Broker:
    """A running `longshore broker` on a port of its choice, and a client of it."""

    def __init__(self, directory, *flags, program=None, **variables):
        # A flag so that no test takes the usual port; a test of the listening address names its own.
        listen = [] if "--config" in flags or variables else ["--broker-listen", ANYWHERE]
        argv = [program or cli(), "broker", *listen, *flags]
        self.process = Process("longshore", argv, directory, clean_environment(**variables))
        self.url = wait.until(self._url, "the broker says where it listens", START_TIMEOUT)
        self.sqs = sqs.client(self.url)

    def _url(self):
        self.process.must_run()
        said = self.process.output()
        # The last line of the message, so that none before it is missed.
        return URL.search(said)[0] if "\n  data " in said else None

    def names(self):
        return [url.rsplit("/", 1)[1] for url in self.sqs.list_queues().get("QueueUrls", [])]


@pytest.fixture
def broker(tmp_path):
    """`broker("--in-memory")` starts one in the test's directory."""
    made = []

    def start(*flags, **variables):
        made.append(Broker(tmp_path, *flags, **variables))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()


def longshore(directory, *arguments, **variables):
    """Runs `longshore` to its end."""
    env = clean_environment(**variables)
    return run(*arguments, directory=directory, env=env, program=cli())


def settings(directory, *flags, program=None, command="broker", **variables):
    """What `--print-config` prints, as TOML and as text."""
    done = run(
        *(command, "--print-config", *flags),
        directory=directory,
        env=clean_environment(**variables),
        program=program or cli(),
    )
    assert done.returncode == 0, done.stderr
    return tomllib.loads(done.stdout), done.stdout


# ── the broker ───────────────────────────────────────────────────────────────────────────────────────


def test_the_log_says_once_where_a_queue_is_that_was_asked_for_in_another_region(broker):
    one = broker("--in-memory")
    sqs.client(one.url, region="eu-central-1").create_queue(QueueName="far")
    for _ in range(3):
        with sqs.refused("AWS.SimpleQueueService.NonExistentQueue"):
            one.sqs.get_queue_url(QueueName="far")
    told = "a caller asks in one region for a queue that exists in another"
    wait.until(lambda: told in one.process.output(), "the log says where the queue is")
    [line] = [line for line in one.process.output().splitlines() if told in line]
    assert "eu-central-1" in line and "far" in line


def test_it_serves_an_sdk_and_declares_nothing_by_itself(broker):
    one = broker("--in-memory")
    assert one.names() == []
    url = one.sqs.create_queue(QueueName="mine")["QueueUrl"]
    one.sqs.send_message(QueueUrl=url, MessageBody="hello")
    [message] = one.sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"


def test_queue_urls_begin_with_the_public_url_and_bear_the_account_that_are_named(broker):
    one = broker("--in-memory", "--account", "123456789012", "--broker-public-url", "https://queues.example.org/")
    url = one.sqs.create_queue(QueueName="mine")["QueueUrl"]
    assert url == "https://queues.example.org/123456789012/mine"
    one.sqs.send_message(QueueUrl=url, MessageBody="hello")
    [message] = one.sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"


def test_sigterm_ends_it_with_0_and_what_it_kept_is_there_again(broker, tmp_path):
    first = broker()
    url = first.sqs.create_queue(QueueName="kept")["QueueUrl"]
    first.sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert first.process.stop() == 0
    second = broker()
    assert second.names() == ["kept"]
    [message] = second.sqs.receive_message(QueueUrl=f"{second.url}/{sqs.ACCOUNT}/kept")["Messages"]
    assert message["Body"] == "hello"
    assert (tmp_path / "longshore-data" / "broker").is_dir()


def test_in_memory_it_writes_nothing(broker, tmp_path):
    one = broker("--in-memory")
    one.sqs.create_queue(QueueName="gone")
    assert one.process.stop() == 0
    assert not (tmp_path / "longshore-data").exists()
    assert broker("--in-memory").names() == []


def test_it_creates_the_queues_that_a_file_declares(broker, tmp_path):
    (tmp_path / "queues.toml").write_text(DECLARED)
    one = broker("--in-memory", "--queues", "queues.toml")
    assert one.names() == ["CliFailed", "CliWork"]
    url = f"{one.url}/{sqs.ACCOUNT}/CliWork"
    found = one.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["VisibilityTimeout"] == "45"
    assert sqs.arn("CliFailed") in found["RedrivePolicy"]
    assert one.sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"system": "cli"}


def test_a_directory_is_one_brokers_at_a_time_also_an_applications(broker, tmp_path):
    broker("--data", "d")
    for program in [cli(), binary()]:
        done = run("broker", "--data", "d", "--broker-listen", ANYWHERE, directory=tmp_path, program=program)
        assert done.returncode == 3, (program, done.stderr)
        assert "d/broker" in done.stderr


def test_an_applications_broker_serves_what_it_kept(broker, tmp_path):
    first = broker("--data", "d")
    first.sqs.create_queue(QueueName="kept")
    assert first.process.stop() == 0
    second = Broker(tmp_path, "--data", "d", program=binary())
    assert "kept" in second.names()
    assert second.process.stop() == 0


def test_beyond_this_host_it_is_refused_unless_everyone_may_use_it(broker, tmp_path):
    done = longshore(tmp_path, "broker", "--in-memory", "--broker-listen", "0.0.0.0:0")
    assert done.returncode == 2
    assert "--allow-anonymous" in done.stderr


def test_health_asks_it_how_it_is(broker, tmp_path):
    one = broker("--in-memory")
    address = one.url.replace("http://localhost", "127.0.0.1")
    done = longshore(tmp_path, "health", "--broker-listen", address)
    assert (done.returncode, '"broker"' in done.stdout) == (0, True), done.stdout
    assert http.get(f"{one.url}/health").status == 200
    assert one.process.stop() == 0
    assert longshore(tmp_path, "health", "--broker-listen", address).returncode == 1


def test_verify_says_that_what_it_kept_is_whole(broker, tmp_path):
    one = broker()
    one.sqs.create_queue(QueueName="kept")
    assert one.process.stop() == 0
    assert longshore(tmp_path, "verify").returncode == 0
    assert longshore(tmp_path, "verify", "--data", "elsewhere").returncode == 3


def bodies(one, queue):
    """What a queue holds, in flight or not: those that were received are waited for."""
    url = one.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    found = []
    while any(sqs.counts(one.sqs, url)):
        found += [message["Body"] for message in sqs.drain(one.sqs, url, WaitTimeSeconds=1)]
    return found


def test_a_backup_of_a_broker_at_work_serves_all_that_was_acknowledged_before(broker, tmp_path):
    one = broker()
    attributes = {"VisibilityTimeout": "2"}
    url = one.sqs.create_queue(QueueName="Kept", Attributes=attributes)["QueueUrl"]
    with Messages(one.url, url) as load:
        wait.until(lambda: load.acknowledged >= 200, "the load is being served", 60)
        sent, deleted = set(load.sent), set(load.deleted)
        done = longshore(tmp_path, "backup", "--to", "copy")
        assert done.returncode == 0, done.stderr
    assert "message bodies" in done.stdout and "rotted" not in done.stdout
    assert one.process.stop() == 0
    assert longshore(tmp_path, "verify", "--data", "copy").returncode == 0
    found = set(bodies(broker("--data", "copy"), "Kept"))
    assert sent - load.touched <= found, "what was acknowledged and never deleted is in the copy"
    assert not deleted & found, "what was deleted before is not"


def test_a_backup_wants_a_place_of_its_own(broker, tmp_path):
    one = broker()
    one.sqs.create_queue(QueueName="Kept")
    assert longshore(tmp_path, "backup", "--to", "copy").returncode == 0
    again = longshore(tmp_path, "backup", "--to", "copy")
    assert (again.returncode, "is not empty" in again.stderr) == (3, True)
    nowhere = longshore(tmp_path, "backup", "--data", "nowhere", "--to", "other")
    assert (nowhere.returncode, "nowhere" in nowhere.stderr) == (3, True)
    assert not (tmp_path / "other").exists(), "nothing is made for a copy of nothing"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["broker", "--nothing"],
        ["broker", "--task-queue", "T"],
        ["broker", "--grace", "soon"],
        ["broker", "--queues", "no/such.toml"],
        ["broker", "--config", "no/such.toml"],
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_ends_with_2_and_a_sentence(tmp_path, arguments):
    done = longshore(tmp_path, *arguments)
    assert done.returncode == 2
    assert done.stderr.strip() and "panicked" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_flag_wins_over_its_variable_that_over_the_file_and_the_file_over_the_default(tmp_path):
    (tmp_path / "c.toml").write_text('grace = "3s"\n')
    file, variable = ("--config", "c.toml"), {"LONGSHORE_GRACE": "2s"}
    tried = [
        settings(tmp_path),
        settings(tmp_path, *file),
        settings(tmp_path, LONGSHORE_CONFIG="c.toml"),
        settings(tmp_path, *file, **variable),
        settings(tmp_path, *file, "--grace", "1s", **variable),
    ]
    assert [values["grace"] for values, _ in tried] == ["25s", "3s", "3s", "2s", "1s"]
    sources = [re.search(r"^grace = .*# (.*)$", text, re.MULTILINE)[1] for _, text in tried]
    of_file = "file c.toml:1"
    assert sources == ["default", of_file, of_file, "environment LONGSHORE_GRACE", "flag"]


def test_the_broker_does_what_the_file_says_and_its_queues_may_be_in_it(broker, tmp_path):
    text = f'broker_listen = "{ANYWHERE}"\nin_memory = true\n{DECLARED}'
    (tmp_path / "c.toml").write_text(text)
    one = broker("--config", "c.toml")
    assert one.names() == ["CliFailed", "CliWork"]
    assert "in memory" in one.process.output()
    # A variable turns off what the file turns on.
    values, _ = settings(tmp_path, "--config", "c.toml", LONGSHORE_IN_MEMORY="false")
    assert values["in_memory"] is False


def test_paths_in_a_file_begin_where_it_is(broker, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    (place / "c.toml").write_text(f'broker_listen = "{ANYWHERE}"\nqueues = "q.toml"\ndata = "kept"\n')
    (place / "q.toml").write_text(DECLARED)
    one = broker("--config", "place/c.toml")
    assert one.names() == ["CliFailed", "CliWork"]
    assert (place / "kept" / "broker").is_dir()


def test_what_is_printed_says_the_same_when_it_is_the_file(tmp_path):
    (tmp_path / "c.toml").write_text(f"strict = true\n{DECLARED}")
    flags = ["--config", "c.toml", "--region", "eu-west-1", "--broker-listen", ANYWHERE]
    first, text = settings(tmp_path, *flags, LONGSHORE_IN_MEMORY="yes")
    assert first["strict"] and first["in_memory"] and first["region"] == "eu-west-1"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "printed.toml").write_text(text)
    second, _ = settings(elsewhere, "--config", "printed.toml")
    assert second == first
    assert Path(first["data"]).is_absolute()


def test_a_printed_configuration_with_queues_of_its_own_file_starts_the_same_broker(broker, tmp_path):
    (tmp_path / "c.toml").write_text(DECLARED)
    _, text = settings(tmp_path, "--config", "c.toml", "--in-memory", "--broker-listen", ANYWHERE)
    (tmp_path / "printed.toml").write_text(text)
    assert broker("--config", "printed.toml").names() == ["CliFailed", "CliWork"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("strict = true\nbrokr_listen = 'x'\n", r"c\.toml:2: brokr_listen .*did you mean broker_listen\?"),
        ("strict = 'perhaps'\n", r"c\.toml:1: strict is true or false"),
        ("\ngrace = 'soon'\n", r"c\.toml:2: invalid value 'soon' for '--grace"),
        ("workers = 3\n", r"c\.toml:1: workers is not a setting"),
        ("[data]\n", r"c\.toml:1: data is a string"),
        ("strict =\n", r"c\.toml.*\n?.*line 1"),
        ("[queues.A]\nvisibility = 3\n", r"(?s)c\.toml.*line 2.*visibility"),
    ],
    ids=lambda value: value.strip().split("\n")[-1] if "\n" in value else "",
)
def test_a_file_that_makes_no_sense_ends_with_2_and_names_the_line(tmp_path, text, said):
    (tmp_path / "c.toml").write_text(text)
    done = longshore(tmp_path, "broker", "--config", "c.toml", "--broker-listen", ANYWHERE)
    assert done.returncode == 2
    assert re.search(said, done.stderr), done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["c.toml"]


def test_a_variable_that_no_flag_has_is_warned_of_and_its_value_is_not_told(broker):
    one = broker("--in-memory", "--broker-listen", ANYWHERE, LONGSHORE_STRICTT="s3cr3t")
    said = one.process.output()
    assert "LONGSHORE_STRICTT" in said and "did you mean LONGSHORE_STRICT?" in said
    assert "s3cr3t" not in said


def test_an_applications_roles_share_one_file(tmp_path):
    text = 'work_time = "0s"\nworkers = 3\nbroker_listen = "127.0.0.1:9999"\n'
    (tmp_path / "c.toml").write_text(text)

    def of(command):
        return settings(tmp_path, "--config", "c.toml", program=binary(), command=command)[0]

    assert (of("up")["workers"], of("worker")["workers"]) == (3, 3)
    assert of("app")["work_time"] == "0s"
    assert of("broker")["broker_listen"] == "127.0.0.1:9999"
    assert "workers" not in of("broker")


def test_every_setting_of_every_role_says_the_same_when_it_is_printed_and_used(tmp_path):
    for command in ["up", "app", "worker", "broker"]:
        first, text = settings(tmp_path, program=binary(), command=command)
        (tmp_path / "printed.toml").write_text(text)
        second, _ = settings(tmp_path, "--config", "printed.toml", program=binary(), command=command)
        assert first == second, command
