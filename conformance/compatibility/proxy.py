"""A proxy in front of a broker, through which a mutant sees every exchange and may change it.

Each connection has a thread here and one to the broker. The `Host` of the client is handed on, so that queue URLs lead
through the proxy too.
"""

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

_HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}


class Answer:
    """What the client will get."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode()

    @text.setter
    def text(self, text):
        self.body = text.encode()

    def edit(self, change):
        """Lets `change` alter the JSON object of the answer in place; does nothing to XML."""
        if self.body[:1] == b"{":
            value = json.loads(self.body)
            change(value)
            self.body = json.dumps(value).encode()

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def drop_header(self, name):
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name.lower()]


class Exchange:
    """A request on its way: what it asks for, in the words of its protocol, and how to pass it on.

    `members` is the JSON object of the request, or the parameters of its form; changing it changes the request.
    """

    def __init__(self, method, target, headers, body, upstream):
        self.method = method
        self.target = target
        self.headers = headers
        self.upstream = upstream
        media_type = self.header("content-type").split(";")[0]
        self.protocol = "JSON" if media_type.startswith("application/x-amz-json") else "Query"
        self._body = body
        self.members = self._read()
        self._as_read = json.dumps(self.members)
        if self.protocol == "JSON":
            self.action = self.header("x-amz-target").rpartition(".")[2]
        else:
            self.action = self.members.get("Action", "")

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name), "")

    def drop_header(self, name):
        self.headers = [(key, value) for key, value in self.headers if key.lower() != name]

    def bytes(self, leaving_out=frozenset()):
        """The request as it came, but for these headers."""
        kept = [f"{key}: {value}\r\n" for key, value in self.headers if key.lower() not in leaving_out]
        head = f"{self.method} {self.target} HTTP/1.1\r\n{''.join(kept)}\r\n"
        return head.encode("latin-1") + self._body

    def _read(self):
        try:
            if self.protocol == "JSON":
                value = json.loads(self._body or b"{}")
                return value if isinstance(value, dict) else {}
            text = self._body.decode() if self.method == "POST" else urlsplit(self.target).query
            return dict(parse_qsl(text, keep_blank_values=True))
        except ValueError:
            return {}

    def _write(self):
        """The request's target and body with the members as they are now."""
        if json.dumps(self.members) == self._as_read:
            return self.target, self._body
        if self.protocol == "JSON":
            return self.target, json.dumps(self.members).encode()
        form = urlencode(self.members)
        return (self.target, form.encode()) if self.method == "POST" else (f"{urlsplit(self.target).path}?{form}", b"")

    def forward(self):
        """The broker's answer to the request as it is now."""
        target, body = self._write()
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=60)
        try:
            connection.putrequest(self.method, target, skip_host=True, skip_accept_encoding=True)
            for key, value in self.headers:
                if key.lower() not in {*_HOP_BY_HOP, "expect"}:
                    connection.putheader(key, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            reply = connection.getresponse()
            headers = [(k, v) for k, v in reply.getheaders() if k.lower() not in _HOP_BY_HOP]
            return Answer(reply.status, headers, reply.read())
        finally:
            connection.close()

    def succeed(self, **members):
        """What a broker would say that has done it; it has not."""
        if self.protocol == "JSON":
            return Answer(200, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(members).encode())
        body = f"""<?xml version="1.0"?><{self.action}Response xmlns="http://queue.amazonaws.com/doc/2012-11-05/">
            <{self.action}Result/><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{self.action}Response>"""
        return Answer(200, [("Content-Type", "text/xml")], body.encode())

    def refuse(self, code, message, status=400):
        """An error in the words of the JSON protocol."""
        headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-query-error", f"{code};Sender")]
        body = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
        return Answer(status, headers, json.dumps(body).encode())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _exchange(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        exchange = Exchange(self.command, self.path, self.headers.items(), body, self.server.upstream)
        try:
            answer = self.server.mutate(exchange)
        except OSError:
            # The broker is gone, and so is this connection: what a client would see without a proxy.
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for key, value in answer.headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = _exchange

    def log_message(self, *_):
        pass


def listen(port, upstream, mutate):
    """Serves `mutate` on the port, with a broker on `upstream` behind it, for as long as this process lives."""
    server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
    server.daemon_threads = True
    server.upstream = upstream
    server.mutate = mutate
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
