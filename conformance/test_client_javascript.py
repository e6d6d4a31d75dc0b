"""The AWS SDK for JavaScript v3: every operation, its own exceptions, and the digests that it checks."""

import json

import pytest

from harness import clients
from harness.sdk_cases import cases

LOCK = json.loads((clients.FOLDER / "javascript" / "package-lock.json").read_text())
CLIENT = f"AWS SDK for JavaScript v3 {LOCK['packages']['node_modules/@aws-sdk/client-sqs']['version']}"

CASES = cases("the_url_of_a_queue_is_where_it_is_called", "the_sdk_would_notice_a_wrong_digest")

# The first run installs; the program itself has a deadline of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def report(broker):
    place = clients.node_packages()
    return clients.run(["node", place / "sdk.mjs", broker.broker_url], timeout=120)


@pytest.mark.parametrize("case", CASES)
def test_sdk_for_javascript(report, case):
    report.check(case)
