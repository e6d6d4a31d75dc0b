"""Who gets in: hosts, origins, what browsers say of themselves, and where the broker listens, each with each.

The same table is asked of a broker on loopback and of one beyond it, as in its container; by GET and by POST; with and without
required signatures, where a signature decides and the host does not.
"""

import itertools
import socket

import pytest

from harness import http, signature
from harness.system import System

OWN_HOSTS = [
    "127.0.0.1",
    "[::1]:9324",
    "10.1.2.3",
    "localhost",
    "localhost.",
    "broker:9324",
    "sqs.localhost",
    "host.docker.internal",
    "queues.jobs.svc",
    "queues.jobs.svc.cluster.local:80",
    "localhost.localstack.cloud:4566",
    "sqs.us-east-1.localhost.localstack.cloud",
    "sqs.example.org",
    "a.corp.example",
    "public.example.net:8443",
]
STRANGE_HOSTS = [
    "evil.example",
    "evil.example:9324",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evillocalhost.localstack.cloud",
    "example.org",
    "corp.example",
    "[::1].evil.example",
    "",
    "a b",
]
PAGES = [{"Origin": "http://localhost"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-origin"}]
NO_PAGES = [{}, {"Sec-Fetch-Site": "none"}]
ALLOWED = ["--allowed-host", "sqs.example.org,*.corp.example", "--broker-public-url", "https://public.example.net:8443"]

JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
ASKED = [("GET", "/?Action=ListQueues", {}), ("POST", "/", JSON), ("GET", "/health", {})]


@pytest.fixture(scope="module", params=["127.0.0.1", "0.0.0.0"])
def system(request, tmp_path_factory):
    beyond = ["--allow-anonymous"] if request.param == "0.0.0.0" else []
    made = System(
        tmp_path_factory.mktemp("broker"),
        broker_host=request.param,
        broker_flags=["--in-memory", *ALLOWED, *beyond],
    )
    made.start_broker()
    yield made
    made.kill()


def status(system, method, path, headers):
    body = "{}" if method == "POST" else None
    return http.request(method, f"http://127.0.0.1:{system.broker_port}{path}", headers, body).status


def test_c6_c7_hosts_and_pages_each_with_each(system):
    for host, page, (method, path, headers) in itertools.product(OWN_HOSTS + STRANGE_HOSTS, NO_PAGES + PAGES, ASKED):
        got = status(system, method, path, {**headers, **page, "Host": host})
        gets_in = host in OWN_HOSTS and page in NO_PAGES
        assert (got == 200) == gets_in and got in (200, 400, 403), (host, page, method, path, got)


def test_q9_a_request_names_one_host(system):
    def answered(head):
        with socket.create_connection(("127.0.0.1", system.broker_port), timeout=10) as connection:
            connection.sendall(head.encode() + b"Connection: close\r\n\r\n")
            answer = b""
            while part := connection.recv(65536):
                answer += part
        return int(answer.split()[1])

    target = "/?Action=ListQueues"
    assert answered(f"GET {target} HTTP/1.1\r\n") == 400
    assert answered(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n") == 400
    assert answered(f"GET http://localhost{target} HTTP/1.1\r\nHost: evil.example\r\n") == 200
    assert answered(f"GET http://evil.example{target} HTTP/1.1\r\nHost: localhost\r\n") == 403


def test_c6_where_signatures_are_required_they_decide_and_the_host_does_not(tmp_path):
    keys = tmp_path / "keys.toml"
    keys.write_text('[[access_key]]\nid = "ann"\nsecret = "the secret of ann"\n')
    keys.chmod(0o600)
    flags = ["--in-memory", "--require-signatures", "--access-keys", keys]
    system = System(tmp_path / "broker", broker_host="0.0.0.0", broker_flags=flags)
    system.start_broker()
    for host in ["evil.example", "localhost"]:
        headers = signature.signed("POST", f"http://{host}/", JSON, "{}", ("ann", "the secret of ann"))
        assert status(system, "POST", "/", headers) == 200, host
        assert status(system, "POST", "/", {**JSON, "Host": host}) == 403, host
        assert status(system, "POST", "/", {**headers, "origin": "http://localhost"}) == 403, host
    health = http.get(f"http://127.0.0.1:{system.broker_port}/health", {"Host": "evil.example"})
    assert health.json() == {"role": "broker", "status": "ok"}, "c14"
    system.kill()
