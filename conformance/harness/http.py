"""A plain HTTP client: no retries, no redirects, no opinion. One request, one answer."""

import http.client
import json
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Answer:
    """What came back: the status, the headers with lower-case names, the body."""

    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    @property
    def media_type(self):
        return self.headers.get("content-type", "").split(";")[0].strip()


def request(method, url, headers=None, body=None, timeout=30):
    """Sends one request on a connection of its own. Raises `OSError` when there is nobody to answer."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        connection.request(method, target, body=body, headers=headers or {})
        reply = connection.getresponse()
        answer = Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
    finally:
        connection.close()
    return answer


def get(url, headers=None, timeout=30):
    return request("GET", url, headers=headers, timeout=timeout)


def answers(url):
    """Whether anybody answers HTTP at `url`, whatever the answer is."""
    try:
        return get(url, timeout=5)
    except (OSError, http.client.HTTPException):
        return None


def assert_problem(answer, status):
    """A problem+json answer (RFC 9457) with this status; returns its members."""
    assert answer.status == status, (answer.status, answer.text)
    assert answer.media_type == "application/problem+json", answer.headers
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    return problem
