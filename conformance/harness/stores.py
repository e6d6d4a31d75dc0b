"""Servers that keep task records for several hosts, each a child process with a directory and a port of its own.

A server that cannot be had makes its test skip, and say so.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from harness import wait
from harness.process import Process, clean_environment, free_port

START_TIMEOUT = 60
# Where Debian has the server's programs, which are not in anybody's PATH.
_POSTGRES_FOLDERS = "/usr/lib/postgresql"


class Server:
    """A server that can be killed and started again on what it kept."""

    killable = True

    def __init__(self, directory):
        self.directory = Path(directory)
        self.port = free_port()
        self.process = None

    def argv(self):
        """The command that starts it."""
        raise NotImplementedError

    def answers(self):
        """Whether it takes requests."""
        raise NotImplementedError

    def start(self):
        """Starts it, and waits until it takes requests.

        After a kill it may refuse to start for a moment, while what was left of it ends.
        """

        def up():
            if self.process is None or not self.process.running():
                self.process = Process(type(self).__name__.lower(), self.argv(), self.directory, self.environment())
            return self.answers()

        wait.until(up, f"{type(self).__name__} answers at port {self.port}", START_TIMEOUT, pause=0.1)
        return self

    def environment(self):
        return clean_environment()

    def kill(self):
        if self.process is not None:
            self.process.kill()

    def remove(self):
        """Ends it, and removes what it kept outside the test's directory."""
        self.kill()


class Redis(Server):
    """Debian's Redis with the settings that its store asks for, at an address of this host."""

    def __init__(self, directory, host="127.0.0.1"):
        super().__init__(directory)
        self.host = host
        if not shutil.which("redis-server"):
            pytest.skip("redis-server is not installed (Debian's package redis-server)")

    @property
    def url(self):
        return f"redis://{self.host}:{self.port}/"

    def argv(self):
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        where = ["--bind", self.host, "--protected-mode", "no", "--port", self.port, "--dir", self.directory]
        return ["redis-server", *where, *durable, "--save", ""]

    def answers(self):
        try:
            with socket.create_connection((self.host, self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


class Postgres(Server):
    """Debian's PostgreSQL. As root it runs as the user `postgres`, because it refuses to be root."""

    def __init__(self, directory):
        super().__init__(directory)
        self._programs = self._find_programs()
        self._as_user = []
        # That user sees nothing of the test's own directory.
        self._data = Path(tempfile.mkdtemp(prefix="longshore-postgres-"))
        if os.getuid() == 0:
            self._as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._data, "postgres", "postgres")
        initdb = [self._programs / "initdb", "-D", self._data / "db", "-U", "postgres", "--auth=trust", "--no-sync"]
        subprocess.run([*self._as_user, *initdb], check=True, capture_output=True, cwd="/")

    def _find_programs(self):
        found = shutil.which("initdb")
        folders = sorted(Path(_POSTGRES_FOLDERS).glob("*/bin")) if not found else [Path(found).resolve().parent]
        if not folders:
            pytest.skip("PostgreSQL's server is not installed (Debian's package postgresql)")
        return folders[-1]

    @property
    def url(self):
        return f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def argv(self):
        where = ["-D", self._data / "db", "-p", self.port, "-k", self._data, "-c", "listen_addresses=127.0.0.1"]
        return [*self._as_user, self._programs / "postgres", *where]

    def answers(self):
        asked = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    def remove(self):
        super().remove()
        shutil.rmtree(self._data, ignore_errors=True)


class DynamoDB:
    """A server that runs already, and is never killed: a table of its own on the one that `LONGSHORE_TEST_DYNAMODB` names.

    The variable is the URL of a store, as in the tests in Rust.
    """

    killable = False

    def __init__(self, directory):
        named = os.environ.get("LONGSHORE_TEST_DYNAMODB")
        if not named:
            pytest.skip("LONGSHORE_TEST_DYNAMODB names no server")
        self._parameters = urlsplit(named).query
        self._table = f"tasks-{uuid4()}"

    @property
    def url(self):
        return f"dynamodb://{self._table}?{self._parameters}"

    def start(self):
        return self

    def remove(self):
        pass


SERVERS = {"Redis": Redis, "PostgreSQL": Postgres, "DynamoDB": DynamoDB}


def flags(server):
    """The flags of a role that keeps its task records there."""
    return ["--store", server.url]
