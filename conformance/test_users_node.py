"""sqs-consumer and sqs-producer, run whole: batches, heartbeats, handlers that fail, graceful stops."""

import json

import pytest

from compatibility.proves import proves
from harness import clients

PACKAGES = json.loads((clients.FOLDER / "javascript" / "package-lock.json").read_text())["packages"]
CLIENT = " with ".join(
    f"{name} {PACKAGES[f'node_modules/{name}']['version']}" for name in ("sqs-consumer", "sqs-producer")
)


def showing(name, *rows):
    return pytest.param(name, marks=proves(*rows))


CASES = [
    showing("a_thousand_messages_are_produced_and_consumed", "SendMessageBatch/JSON", "DeleteMessageBatch/JSON"),
    showing("a_heartbeat_keeps_what_takes_long", "ChangeMessageVisibilityBatch/JSON", "E27"),
    showing("what_a_handler_throws_at_ends_as_a_dead_letter", "ChangeMessageVisibility/JSON", "S20", "E30"),
    "what_a_batch_handler_leaves_out_comes_again",
    "a_stopped_consumer_finishes_what_it_has",
    "an_aborted_poll_takes_no_message",
    "a_fifo_group_is_consumed_in_order",
    showing("a_producer_is_told_which_messages_failed", "S44"),
    "a_consumer_is_told_that_its_queue_is_gone",
]

# The first run installs; the program itself has a deadline of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def report(broker):
    return clients.run(["node", clients.node_packages() / "users.mjs", broker.broker_url], timeout=90)


@pytest.mark.parametrize("case", CASES)
def test_sqs_consumer_and_producer(report, case):
    report.check(case)
