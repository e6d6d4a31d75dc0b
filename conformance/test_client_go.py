"""The AWS SDK for Go v2: every operation, its own error types, and the digests that it checks."""

import re

import pytest

from harness import clients
from harness.sdk_cases import cases

MODULES = (clients.FOLDER / "go" / "go.mod").read_text()
CLIENT = f"AWS SDK for Go v2, sqs {re.search(r'service/sqs v([0-9.]+)', MODULES)[1]}"

CASES = cases("the_sdk_would_notice_a_wrong_digest")

# The first run downloads and builds; the program itself has a deadline of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def report(broker):
    clients.require("go", at_least=(1, 24), ask=("version",))
    kept = clients.cache() / "go-downloads"
    environment = {"GOMODCACHE": kept / "modules", "GOCACHE": kept / "build", "GOFLAGS": "-modcacherw"}
    place = clients.built("go", [["go", "build", "-o", "client", "."]], env=environment)
    return clients.run([place / "client", broker.broker_url], timeout=120)


@pytest.mark.parametrize("case", CASES)
def test_sdk_for_go(report, case):
    report.check(case)
