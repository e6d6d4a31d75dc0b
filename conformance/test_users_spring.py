"""An application on Spring Cloud AWS (`clients/spring`): listeners, acknowledgements, redelivery, FIFO, the template.

It sends itself some hundred messages, looks at what its listeners made of them, and ends by itself.
"""

import pytest

from harness import clients

VERSIONS = [clients.pinned("spring", f"spring-{part}-dependencies") for part in ("cloud-aws", "boot")]
CLIENT = "Spring Cloud AWS {}, Spring Boot {}".format(*VERSIONS)

# The first run installs; the program has a timeout of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

CASES = [
    "the_template_sends_everything",
    "a_listener_is_stopped_gracefully_and_started_again",
    "every_message_is_handled_and_acknowledged",
    "headers_travel_as_message_attributes",
    "a_batch_is_acknowledged_in_part",
    "a_failed_message_comes_again",
    "a_poisonous_message_ends_in_the_dead_letter_queue",
    "a_fifo_listener_keeps_the_order_of_groups",
    "a_failure_holds_back_the_rest_of_its_group",
    "the_template_creates_a_queue_that_is_missing",
    "the_template_fails_on_a_missing_queue_if_so_told",
    "the_template_receives_and_acknowledges",
    "the_application_stops_with_its_listeners_waiting",
]


@pytest.fixture(scope="module")
def report(broker):
    place = clients.maven("spring")
    program = clients.java(place, "conformance.Application")
    return clients.run([*program, broker.broker_url], timeout=150, directory=place)


@pytest.mark.parametrize("case", CASES)
def test_spring_listeners(report, case):
    report.check(case)
