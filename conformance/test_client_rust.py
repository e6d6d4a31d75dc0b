"""The AWS SDK for Rust: every operation, with the variants and codes of its errors."""

import re

import pytest

from harness import clients
from harness.sdk_cases import cases

LOCK = (clients.FOLDER / "rust" / "Cargo.lock").read_text()
CLIENT = "AWS SDK for Rust, " + " ".join(re.search(r'name = "(aws-sdk-sqs)"\nversion = "([0-9.]+)"', LOCK).groups())

# The first run downloads and builds; the program itself has a deadline of its own.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def report(broker):
    clients.require("cargo")
    target = clients.cache() / "rust-target"
    commands = [["cargo", "build", "--locked"], ["cp", target / "debug" / "conformance-client", "client"]]
    place = clients.built("rust", commands, env={"CARGO_TARGET_DIR": target})
    return clients.run([place / "client", broker.broker_url], timeout=120)


@pytest.mark.parametrize("case", cases())
def test_sdk_for_rust(report, case):
    report.check(case)
