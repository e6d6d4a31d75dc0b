"""A page in a real browser tries to use a broker on the same machine: it can neither read nor change anything.

What the page tries is the same in each test, and is tried on a server that lets everybody in first: so it is known that the browser sends it.
"""

import contextlib
import html
import http.server
import shutil
import subprocess
import threading
from urllib.parse import quote

import pytest

from harness import sqs
from harness.system import System

BROWSER = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no chromium: Debian has it, in the package of that name"),
]

# Every way in which a page of somebody else's can have its visitor's browser send something.
PAGE = """<!doctype html><title>tried</title><body><pre id=seen></pre><script>
const at = (query) => TARGET + '/?' + query;
const create = (name) => 'Action=CreateQueue&QueueName=' + name;
const json = {'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.ListQueues'};
const form = (method, name) => {
  const frame = Object.assign(document.createElement('iframe'), {name});
  const form = Object.assign(document.createElement('form'), {method, action: TARGET + '/', target: name});
  for (const [key, value] of [['Action', 'CreateQueue'], ['QueueName', name]])
    form.append(Object.assign(document.createElement('input'), {name: key, value}));
  document.body.append(frame, form);
  form.submit();
};
const tag = (kind, name) => document.body.append(Object.assign(document.createElement(kind), {src: at(create(name))}));
const tries = [
  () => fetch(at('Action=ListQueues')),
  () => fetch(at(create('fetched')), {mode: 'no-cors'}),
  () => fetch(TARGET + '/', {method: 'POST', mode: 'no-cors', body: new URLSearchParams(create('posted'))}),
  () => fetch(TARGET + '/', {method: 'POST', mode: 'no-cors', body: create('plain')}),
  () => fetch(TARGET + '/', {method: 'POST', headers: json, body: '{}'}),
  () => fetch(TARGET + '/health'),
  async () => navigator.sendBeacon(TARGET + '/', new URLSearchParams(create('beacon'))),
  async () => tag('img', 'image'),
  async () => tag('script', 'script'),
  async () => tag('iframe', 'frame'),
  async () => form('get', 'got'),
  async () => form('post', 'formed'),
];
(async () => {
  for (const one of tries) {
    const said = await one().then((answer) => answer && answer.text && answer.text(), () => '').catch(() => '');
    document.getElementById('seen').textContent += said || '';
  }
})();
</script>"""


class Server(http.server.ThreadingHTTPServer):
    """Answers everybody with the same text, and remembers what was asked."""

    def __init__(self, page):
        self.asked = []
        seen = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("content-length") or 0)
                seen.append((self.command, self.path, self.rfile.read(length).decode()))
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("access-control-allow-origin", "*")
                self.send_header("access-control-allow-headers", "*")
                self.end_headers()
                self.wfile.write(page.encode())

            do_GET = do_POST = do_OPTIONS = answer

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


def visit(url, profile):
    """What the page at `url` has become ten seconds of its own time after a visit. Every name is this machine's."""
    argv = [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    argv += [f"--user-data-dir={profile}", "--host-resolver-rules=MAP * 127.0.0.1", "--virtual-time-budget=10000"]
    done = subprocess.run([*argv, "--dump-dom", url], capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    return html.unescape(done.stdout)


def attack(target, tmp_path):
    with contextlib.closing(Server(PAGE.replace("TARGET", repr(target)))) as evil:
        return visit(f"http://evil.example:{evil.port}/", tmp_path / "profile")


@pytest.fixture(params=["127.0.0.1", "0.0.0.0"])
def system(request, tmp_path):
    """A broker on loopback, and one as in a container, which this machine reaches by its own names too."""
    beyond = ["--allow-anonymous"] if request.param == "0.0.0.0" else []
    made = System(tmp_path / "broker", broker_host=request.param, broker_flags=["--in-memory", *beyond])
    made.start_broker()
    made.sqs.create_queue(QueueName="jobs")
    yield made
    made.kill()


def queues(system):
    """Those that nobody declared."""
    names = [url.rsplit("/", 1)[1] for url in system.sqs.list_queues()["QueueUrls"]]
    return [name for name in names if not name.startswith("Fibonacci")]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_c6_a_page_of_somebody_else_reaches_nothing(system, tmp_path, host):
    with contextlib.closing(Server("in")) as open_to_all:
        attack(f"http://{host}:{open_to_all.port}", tmp_path / "open")
        asked = " ".join(f"{path} {body}" for _, path, body in open_to_all.asked)
    for name in ["fetched", "posted", "plain", "beacon", "image", "script", "frame", "got", "formed"]:
        assert f"QueueName={name}" in asked, f"the browser does not even send {name}"
    seen = attack(f"http://{host}:{system.broker_port}", tmp_path / "broker")
    assert queues(system) == ["jobs"]
    assert "jobs" not in seen.split("<script>")[0], seen


def test_c6_a_name_that_leads_here_by_dns_rebinding_reaches_nothing(system, tmp_path):
    page = visit(f"http://rebound.example:{system.broker_port}/?Action=ListQueues", tmp_path / "one")
    assert "the name in Host" in page and "jobs" not in page
    visit(f"http://rebound.example:{system.broker_port}/?Action=CreateQueue&QueueName=stolen", tmp_path / "two")
    assert queues(system) == ["jobs"]


def test_c7_whoever_types_the_address_of_the_broker_sees_its_answer(system, tmp_path):
    url = f"http://localhost:{system.broker_port}/?Action=GetQueueUrl&QueueName={quote('jobs')}"
    assert f"/{sqs.ACCOUNT}/jobs" in visit(url, tmp_path / "profile")
