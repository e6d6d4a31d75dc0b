"""Bytes of the broker's directory are wrong: what is whole lives, and what is not is named."""

import json

import pytest

from harness import http, sqs
from harness.process import run

BODIES = [f"the content of message {number}" for number in range(10)]
ROTTEN = BODIES[3]


@pytest.fixture
def stopped(apart):
    """A broker that was stopped in order, with ten messages in a queue; its URL, and their ids."""
    system = apart()
    system.start_broker()
    url = system.sqs.create_queue(QueueName="Jobs")["QueueUrl"]
    ids = [system.sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"] for body in BODIES]
    assert system.broker.stop() == 0
    return system, url, dict(zip(BODIES, ids, strict=True))


def flip(system, text):
    """Flips a bit of each place in the log that holds the text; answers the file's name."""
    for path in sorted((system.data / "broker").glob("segment-*")):
        content = bytearray(path.read_bytes())
        place = content.find(text.encode())
        if place >= 0:
            content[place] ^= 1
            path.write_bytes(content)
            return path.name
    raise AssertionError(f"no segment holds {text}")


def health(system):
    answer = http.get(system.broker_url + "/health")
    assert answer.status == 200
    return answer.json()


def test_c4_a_rotten_content_costs_one_message_and_its_neighbours_live(stopped):
    system, url, ids = stopped
    file = flip(system, ROTTEN)
    verified = run("verify", "--data", system.data)
    assert verified.returncode == 1
    assert f"message {ids[ROTTEN]} of arn:aws:sqs:us-east-1:000000000000:Jobs: " in verified.stdout
    assert file in verified.stdout
    for _ in range(2):
        system.start_broker()
        page = health(system)
        assert (page["status"], page["quarantined"]) == ("degraded", 1)
        received = sqs.receive(system.sqs, url, VisibilityTimeout=0)
        assert sorted(message["Body"] for message in received) == sorted(set(BODIES) - {ROTTEN})
        said = system.broker.output()
        assert said.count(ids[ROTTEN]) == 1, "it is named once"
        assert file in said
        assert system.broker.stop() == 0
    system.start_broker()
    assert len(sqs.drain(system.sqs, url)) == 9
    assert health(system)["quarantined"] == 1, "it is still there"
    system.sqs.purge_queue(QueueUrl=url)
    page = health(system)
    assert (page["status"], page["quarantined"]) == ("ok", 0)


def test_what_a_broker_does_not_start_with_is_salvaged(stopped, tmp_path):
    system, _, ids = stopped
    flip(system, ROTTEN)
    file = flip(system, "Jobs")
    refused = run("broker", "--data", system.data)
    assert refused.returncode == 3
    assert file in refused.stderr
    before = {path: path.read_bytes() for path in (system.data / "broker").iterdir()}
    to = tmp_path / "salvaged.jsonl"
    salvaged = run("salvage", "--data", system.data, "--to", to)
    assert salvaged.returncode == 1, "something is missing"
    assert "messages written: 9\n" in salvaged.stdout
    assert "which cannot be read: 1\n" in salvaged.stdout
    assert "cannot be read" in salvaged.stdout.splitlines()[-1]
    lines = [json.loads(line) for line in to.read_text().splitlines()]
    written = {line["message"]: line.get("body") for line in lines if "message" in line}
    assert written == {ids[body]: None if body == ROTTEN else body for body in BODIES}
    assert {path: path.read_bytes() for path in (system.data / "broker").iterdir()} == before


def test_of_a_whole_broker_everything_is_salvaged(stopped, tmp_path):
    system, _, _ = stopped
    salvaged = run("salvage", "--data", system.data, "--to", tmp_path / "salvaged.jsonl")
    assert salvaged.returncode == 0
    assert "nothing is missing" in salvaged.stdout
    again = run("salvage", "--data", system.data, "--to", tmp_path / "salvaged.jsonl")
    assert again.returncode == 3, "no file is replaced"
