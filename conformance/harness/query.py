"""The Query protocol, which botocore spoke until 2023: an old client in a Python of its own, and raw forms.

`conformance/run` installs the old botocore and names its Python in `LONGSHORE_QUERY_PYTHON`.
"""

import base64
import functools
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError

from harness import http
from harness.process import clean_environment

CHILD = Path(__file__).with_name("query_child.py")
REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements-query.txt"
# The old client by its name and version, for the `CLIENT` of a module of tests that speaks through it.
OLD_CLIENT = REQUIREMENTS.read_text().split()[0].replace("==", " ") + " (Query)"
NAMESPACE = "{http://queue.amazonaws.com/doc/2012-11-05/}"


def old_python():
    """The Python that has the old botocore; skips where there is none."""
    python = os.environ.get("LONGSHORE_QUERY_PYTHON")
    if not python:
        pytest.skip("LONGSHORE_QUERY_PYTHON names no Python with an old botocore: use conformance/run")
    return python


def _packed(value):
    return {"base64": base64.b64encode(value).decode()}


def _unpacked(value):
    return base64.b64decode(value["base64"]) if set(value) == {"base64"} else value


class OldClient:
    """A boto3 client of the Query days: called, answered and refused like the one of this process."""

    def __init__(self, endpoint, **environment):
        self._child = subprocess.Popen(
            # Isolated, or the modules beside the script would take the place of Python's own `http`.
            [old_python(), "-I", str(CHILD), endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(**environment),
        )
        self.protocol = self._read()

    def __getattr__(self, operation):
        return functools.partial(self._call, operation)

    def _call(self, operation, **arguments):
        print(json.dumps([operation, arguments], default=_packed), file=self._child.stdin, flush=True)
        answer = self._read()
        if "error" in answer:
            raise ClientError(answer["error"], operation)
        return answer["reply"]

    def _read(self):
        line = self._child.stdout.readline()
        assert line, f"the old client ended with {self._child.wait(20)}"
        return json.loads(line, object_hook=_unpacked)

    def close(self):
        self._child.stdin.close()
        self._child.wait(20)
        self._child.stdout.close()


def form(endpoint, parameters, path="/", headers=None):
    """One POST of a form, unsigned."""
    sent = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})}
    return http.request("POST", endpoint + path, headers=sent, body=urlencode(parameters))


def get(endpoint, parameters, path="/", headers=None):
    """One GET with the same in its URL."""
    return http.get(f"{endpoint}{path}?{urlencode(parameters)}", headers=headers)


def xml(answer):
    """The root element of an answer."""
    assert answer.media_type == "text/xml", answer.headers
    return ElementTree.fromstring(answer.body)


def texts(answer, name):
    """The texts of all elements of that name."""
    return [element.text for element in xml(answer).iter(NAMESPACE + name)]
