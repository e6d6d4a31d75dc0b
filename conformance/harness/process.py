"""One child process: its output in a file, its end by signal to its own pid, its log shown when a test fails.

# Invariants

- A process is only ever signalled through the handle that started it, never by name.
- Whatever is started is registered in `STARTED`, so that nothing survives the test run.
"""

import contextlib
import os
import signal
import socket
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

STARTED = []

# The environment that a program under test sees. Nothing of the developer's own AWS set-up may leak in.
_OWN_PREFIXES = ("AWS_", "LONGSHORE_", "RUST_LOG", "BOTO")
_DUMMY_AWS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    # A developer's habit that no user has: messages must be clear without it.
    "RUST_BACKTRACE": "0",
}


def binary():
    """The program under test: `LONGSHORE_BIN`, else the debug build of this checkout."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    path = Path(os.environ.get("LONGSHORE_BIN", target / "debug" / "fibonacci"))
    assert path.is_file(), f"{path} does not exist: build it, or set LONGSHORE_BIN"
    return str(path.resolve())


def cli():
    """The broker on its own: `LONGSHORE_CLI`, else `longshore` beside the program under test."""
    path = Path(os.environ.get("LONGSHORE_CLI", Path(binary()).with_name("longshore")))
    assert path.is_file(), f"{path} does not exist: cargo build --package longshore-cli, or set LONGSHORE_CLI"
    return str(path.resolve())


def clean_environment(**extra):
    """This process's environment without AWS and Longshore settings, with dummy credentials."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OWN_PREFIXES)}
    return {**kept, **_DUMMY_AWS, **extra}


_given_ports = set()


def free_port():
    """A port of the loopback address that nobody listens on, never the same one twice."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in _given_ports:
            _given_ports.add(port)
            return port


class Process:
    """A running child. Its stdout and stderr go to `<directory>/<name>.log`."""

    def __init__(self, name, argv, directory, env=None):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log = Path(directory) / f"{name}-{len(STARTED)}.log"
        with self.log.open("wb") as log, self._output(log) as sink:
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=env or clean_environment(),
            )
        STARTED.append(self)

    def _output(self, log):
        """What its stdout and stderr are, until it has started."""
        return contextlib.nullcontext(log)

    @property
    def pid(self):
        return self._child.pid

    @property
    def exit_code(self):
        """None while it runs; negative when a signal ended it."""
        return self._child.poll()

    def running(self):
        return self.exit_code is None

    def output(self):
        return self.log.read_text(errors="replace")

    def ask_to_stop(self):
        """SIGTERM, without waiting for what comes of it."""
        if self.running():
            self._child.send_signal(signal.SIGTERM)

    def wait(self, timeout=40):
        """Its exit code, once it ended by itself."""
        return self._child.wait(timeout)

    def stop(self, timeout=40):
        """SIGTERM, then its exit code."""
        self.ask_to_stop()
        return self.wait(timeout)

    def kill(self):
        """SIGKILL: it gets no chance to tidy up."""
        if self.running():
            self._child.kill()
        self._child.wait(20)

    def must_run(self):
        """Fails at once, with the log, if the process ended by itself."""
        assert self.running(), f"{self.name} ended with {self.exit_code}:\n{self.output()[-3000:]}"
        return True


class Unread(Process):
    """A child whose stdout and stderr are a pipe that nobody reads any more. Its log stays empty."""

    def _output(self, log):
        reader, writer = os.pipe()
        os.close(reader)
        return open(writer, "wb")


def run(*arguments, directory=None, env=None, timeout=30, program=None):
    """Runs the program under test, or another, to its end: a `CompletedProcess` with text output."""
    return subprocess.run(
        [program or binary(), *(str(a) for a in arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=directory,
        env=env or clean_environment(),
        check=False,
    )
