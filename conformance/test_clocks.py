"""The broker is started with a clock that is wrong, and then with the right one: no deadline moves, and nothing is lost."""

import time

import pytest

from harness import http, sqs, wait
from harness.clock import clock_off_by
from harness.sqs import new_name

DAY = 86_400
# What a test itself may take.
SLACK = 120


def sent_ago(message):
    """How long ago a received message says that it was sent, by the right clock."""
    return time.time() - int(message["Attributes"]["SentTimestamp"]) / 1000


def clock_of(system):
    return http.get(system.broker_url + "/health").json()["clock"]


@pytest.fixture
def ahead(apart):
    """A broker whose clock was an hour ahead when its queue was made and a message was sent, and is right now."""
    system = apart()
    system.start_broker(within=clock_off_by("+1h"))
    url = system.sqs.create_queue(QueueName=new_name())["QueueUrl"]
    system.sqs.send_message(QueueUrl=url, MessageBody="from the future")
    assert system.broker.stop() == 0
    system.start_broker()
    return system, url


def test_c1_after_a_start_an_hour_ahead_leases_delays_and_waits_end_in_time(ahead):
    system, url = ahead
    assert len(sqs.receive(system.sqs, url, VisibilityTimeout=1)) == 1
    wait.until(lambda: sqs.receive(system.sqs, url, VisibilityTimeout=600), "the lease of a second ended", 15)
    system.sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=1)
    wait.until(lambda: sqs.receive(system.sqs, url, VisibilityTimeout=600), "the delay of a second ended", 15)
    # botocore gives an answer that never comes up after a minute.
    assert sqs.receive(system.sqs, url, WaitTimeSeconds=1) == []


def test_c1_after_a_start_an_hour_ahead_timestamps_are_right_at_once_and_it_is_said(ahead):
    system, url = ahead
    system.sqs.send_message(QueueUrl=url, MessageBody="now")
    names = ["SentTimestamp", "ApproximateFirstReceiveTimestamp"]
    taken = sqs.drain(system.sqs, url, MessageSystemAttributeNames=names)
    now = next(message for message in taken if message["Body"] == "now")
    assert abs(sent_ago(now)) < SLACK
    first_received = time.time() - int(now["Attributes"]["ApproximateFirstReceiveTimestamp"]) / 1000
    assert abs(first_received) < SLACK
    before = next(message for message in taken if message["Body"] == "from the future")
    assert sent_ago(before) < SLACK - 3600, "what was shown stays so"
    assert -3600 - SLACK < clock_of(system)["offsetSeconds"] < SLACK - 3600
    wait.until(lambda: "the wall clock was set, or was wrong at an earlier start" in system.broker.output(), "it is said")


def test_c2_a_start_five_days_ahead_loses_no_message_and_leaves_no_timestamp_behind(apart):
    system = apart()
    system.start_broker()
    # A message of the default retention of four days.
    url = system.sqs.create_queue(QueueName=new_name())["QueueUrl"]
    system.sqs.send_message(QueueUrl=url, MessageBody="kept")
    assert system.broker.stop() == 0

    system.start_broker(within=clock_off_by("+5d"))
    assert sqs.counts(system.sqs, url) == (1, 0, 0)
    assert abs(clock_of(system)["unconfirmedSeconds"] - 5 * DAY) < SLACK
    wait.until(lambda: "the clock is so far ahead" in system.broker.output(), "it is said")
    assert system.broker.stop() == 0

    system.start_broker()
    assert clock_of(system)["unconfirmedSeconds"] == 0
    assert abs(clock_of(system)["offsetSeconds"]) < SLACK
    system.sqs.send_message(QueueUrl=url, MessageBody="new")
    taken = sqs.drain(system.sqs, url, MessageSystemAttributeNames=["SentTimestamp"])
    assert {message["Body"] for message in taken} == {"kept", "new"}
    assert all(abs(sent_ago(message)) < SLACK for message in taken)


def test_c2_a_stop_of_five_days_counts_once_the_clock_is_confirmed(apart):
    system = apart(broker_flags=["--clock-confirmed-after", "1s"])
    system.start_broker()
    url = system.sqs.create_queue(QueueName=new_name())["QueueUrl"]
    system.sqs.send_message(QueueUrl=url, MessageBody="old")
    # A stop is known by two clocks that are right, the one before it and the one after.
    wait.until(lambda: clock_of(system)["confirmed"], "the clock is confirmed")
    assert system.broker.stop() == 0
    system.start_broker(within=clock_off_by("+5d"))
    wait.until(lambda: sqs.counts(system.sqs, url) == (0, 0, 0), "the message expired", 30)
