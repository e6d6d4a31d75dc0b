"""Keeps requests as clients sent them, one file for each client, protocol and action: seeds for `verification/fuzz`.

Nothing of the machine is kept: a client's own words about itself are left out, and its port.
"""

import re
from pathlib import Path

_ABOUT_ITSELF = {"user-agent", "x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request"}
_PORT = re.compile(rb"(127\.0\.0\.1|localhost)(:|%3A)\d+")
# A long body says no more than a short one to a fuzzer, and makes it slow.
_BYTES_MAX = 4096


class Recorder:
    """Passes every exchange on, and keeps the first of its kind."""

    def __init__(self, directory):
        self._directory = Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)

    def __call__(self, exchange):
        path = self._directory / f"{self._client(exchange)}-{exchange.protocol}-{exchange.action or 'none'}".lower()
        request = _PORT.sub(rb"\1", exchange.bytes(leaving_out=_ABOUT_ITSELF))
        if not path.exists() and len(request) <= _BYTES_MAX and re.fullmatch(r"\w*", exchange.action):
            path.write_bytes(request)
        return exchange.forward()

    def _client(self, exchange):
        agent = exchange.header("user-agent").lower()
        known = ["aws-cli", "boto3", "botocore", "aws-sdk-go", "aws-sdk-java", "aws-sdk-js", "aws-sdk-rust", "celery"]
        return next((name for name in known if name in agent), "other")
