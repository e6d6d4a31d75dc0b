"""Programs on other people's SDKs: built once into the cache, run against the broker, judged case by case.

A folder of `conformance/clients/` is a program with its manifest and lock file. `built` copies it into the cache, under
a name that contains the digest of its files, and runs the commands there that install and build it: a changed file makes
a new copy, an unchanged one needs neither network nor time. `run` starts the program; it prints one JSON object a line,
`{"case": "…", "ok": true, "detail": "…"}`, which becomes a `Report` that tests ask by the name of a case.

# Invariants

- Nothing is written into the clone.
- A copy is used only once it is complete, and two test runs never build one at the same time.
- A missing tool is a skip that says so; an installation that fails is a failure.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.process import clean_environment

FOLDER = Path(__file__).resolve().parents[1] / "clients"

# Left out of the digest and of the copy: what a developer's own builds in the clone leave behind.
_LEAVINGS = shutil.ignore_patterns("node_modules", "target", "__pycache__", "*.pyc")
# Copies that no run has used for so long are of a past state of the clone.
_KEPT_SECONDS = 7 * 24 * 3600


def cache():
    """Where programs and their downloads are kept: `clients` in LONGSHORE_CACHE, as `conformance/run` sets it."""
    fallback = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "longshore"
    folder = Path(os.environ.get("LONGSHORE_CACHE", fallback)) / "clients"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def require(tool, at_least=(), ask=("--version",)):
    """Skips the tests unless the command `tool` is there, and of this version: `require("node", at_least=(20,))`.

    `ask` are the words that make it print its version, of which the first number counts.
    """
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    if at_least:
        told = subprocess.run([tool, *ask], capture_output=True, text=True, timeout=60, check=True)
        version = re.search(r"\d+(\.\d+)*", told.stdout + told.stderr).group()
        if tuple(map(int, version.split("."))) < tuple(at_least):
            pytest.skip(f"{tool} is {version}, and {'.'.join(map(str, at_least))} is needed")


def built(name, commands, inputs=None, env=None, timeout=900):
    """The directory in the cache where `conformance/clients/<name>` was copied, and the commands ended well.

    The commands run there one after the other, with `env` added to their environment. `inputs` names the files that are
    copied and whose content decides whether there is anything to do (default: the whole folder): a program that is run
    from the clone lists its requirements alone. Raises `AssertionError` with the output of a command that fails.

    With a mutant it skips: a whole program for each of them would take longer than all the rest.
    """
    if os.environ.get("LONGSHORE_MUTANT"):
        pytest.skip("mutants are for the tests that are quick")
    source = FOLDER / name
    files = [source / file for file in inputs] if inputs else _files(source)
    place = cache() / f"{name}-{_digest(source, files, commands)}"
    complete = place / ".complete"
    with _locked(cache() / f"{name}.lock"):
        if not complete.exists():
            shutil.rmtree(place, ignore_errors=True)
            for file in files:
                target = place / file.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
            for command in commands:
                _install(command, place, env or {}, timeout)
        complete.touch()
        _forget_old(name)
    return place


def _files(source):
    found = []
    for folder, folders, names in os.walk(source):
        ignored = _LEAVINGS(folder, folders + names)
        folders[:] = [each for each in folders if each not in ignored]
        found += [Path(folder) / each for each in names if each not in ignored]
    return sorted(found)


def _digest(source, files, commands):
    digest = hashlib.sha256(repr(commands).encode())
    for file in files:
        digest.update(str(file.relative_to(source)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@contextlib.contextmanager
def _locked(path):
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(command, place, env, timeout):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=place,
        env=clean_environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}"


def _forget_old(name):
    for marker in cache().glob(f"{name}-*/.complete"):
        if time.time() - marker.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(marker.parent, ignore_errors=True)


class Report:
    """What a program said of each of its cases, and how it ended."""

    def __init__(self, output, errors, ended):
        self.cases = {}
        self._end = f"the program {ended}; the end of its output:\n{output[-1500:]}\n{errors[-2500:]}"
        for line in output.splitlines():
            if line.startswith("{"):
                told = json.loads(line)
                self.cases[told["case"]] = told

    def check(self, case):
        """Fails unless the program said that this case holds."""
        assert case in self.cases, f"nothing is said of {case!r}: {self._end}"
        assert self.cases[case]["ok"] is True, self.cases[case].get("detail")


def run(argv, timeout=120, directory=None, env=None):
    """Runs a program to its end, or kills it after `timeout` seconds: a `Report` of what it said until then.

    Its environment has dummy credentials and no address to ask for others; `env` is added.
    """
    child = subprocess.Popen(
        [str(word) for word in argv],
        cwd=directory,
        env=clean_environment(**(env or {})),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            output, errors = child.communicate(timeout=timeout)
            ended = f"ended with {child.returncode}"
        except subprocess.TimeoutExpired:
            child.kill()
            output, errors = child.communicate()
            ended = f"was killed after {timeout} s"
    return Report(output, errors, ended)


def node_packages():
    """The programs for Node, installed; skips without Node."""
    require("node", at_least=(20,))
    require("npm")
    quiet = ["--no-fund", "--no-audit", "--loglevel=error"]
    install = ["npm", "ci", "--prefer-offline", "--ignore-scripts", *quiet]
    return built("javascript", [install], env={"npm_config_cache": cache() / "npm"})


def pinned(name, artifact):
    """The version of a dependency in the folder's `pom.xml` or `requirements.txt`."""
    for file, pattern in [
        ("pom.xml", rf"<artifactId>{artifact}</artifactId>\s*<version>(.+?)</version>"),
        ("requirements.txt", rf"(?m)^{artifact}==(.+)$"),
    ]:
        path = FOLDER / name / file
        if path.exists():
            return re.search(pattern, path.read_text())[1]
    raise ValueError(f"{name} has neither of the files that pin versions")


def maven(name):
    """The copy of a Maven project whose `target` holds `program.jar` and, in `lib`, all that it needs.

    The downloads of every project are kept together, so that a changed program is built without the network.
    """
    require("java", at_least=(17,))
    require("javac", at_least=(17,))
    require("mvn")
    package = f"mvn -q -B -Dmaven.repo.local={shlex.quote(str(cache() / 'maven'))} package"
    return built(name, [["sh", "-c", f"{package} -o 2>offline.log >&2 || {package}"]])


def java(place, main):
    """The words that start the class `main` of what `maven` built."""
    return ["java", "-cp", f"{place}/target/program.jar:{place}/target/lib/*", main]


def virtualenv(name):
    """The Python of an environment that has just what the folder's `requirements.txt` pins."""
    make = [sys.executable, "-m", "venv", "venv"]
    pip = ["venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    place = built(name, [make, [*pip, "--requirement", "requirements.txt"]], inputs=["requirements.txt"])
    return place / "venv/bin/python"
