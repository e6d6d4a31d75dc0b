"""Podman and podman-compose, set up so that they work without systemd and without an image registry."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.process import REPOSITORY, binary

SETTINGS = Path(__file__).resolve().parents[1] / "containers"
BASE = "localhost/longshore-conformance-base"
IMAGE = "localhost/longshore-conformance"

_COMPOSE = Path(sys.executable).parent / "podman-compose"


def why_not():
    """Why containers cannot be tried here, or None."""
    if os.geteuid() != 0:
        return "not root: podman would need its own set-up for this user"
    for command in ["podman", "runc", "iptables", "debootstrap", "curl"]:
        if not shutil.which(command):
            return f"{command} is not installed and could not be"
    return None


def environment(**extra):
    return {
        **os.environ,
        "CONTAINERS_CONF": str(SETTINGS / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(SETTINGS / "storage.conf"),
        **extra,
    }


def call(*argv, timeout=300, check=True, env=None):
    """Runs a command with podman's settings; a failure shows what it printed."""
    done = subprocess.run(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=REPOSITORY,
        env=env or environment(),
        check=False,
    )
    assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def podman(*arguments, **options):
    return call("podman", *arguments, **options)


def build_image(directory):
    """Builds the runtime stage of the Dockerfile around the program under test."""
    if podman("image", "exists", BASE, check=False).returncode != 0:
        tar = call(SETTINGS / "base-image", timeout=900).stdout.strip()
        podman("import", "--quiet", tar, BASE)
    out = Path(directory) / "out"
    out.mkdir(parents=True)
    shutil.copy(binary(), out / "fibonacci")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", out)
    if shutil.which("strip"):
        # A debug build is ten times the size, and vfs copies it for each container.
        call("strip", out / "fibonacci")
    podman(
        *("build", "--quiet", "--layers=false", "--format", "docker", "--tag", IMAGE),
        *("--build-arg", f"RUNTIME_IMAGE={BASE}", "--build-context", f"build={directory}"),
        ".",
    )


class Compose:
    """One project of podman-compose, from the repository's own files."""

    def __init__(self, project, files=("compose.yaml",), **variables):
        self.project = project
        self._env = environment(
            COMPOSE_FILE=":".join(files), COMPOSE_PROJECT_NAME=project, LONGSHORE_IMAGE=IMAGE, **variables
        )

    def __call__(self, *arguments, **options):
        return call(_COMPOSE, *arguments, env=self._env, **options)

    def containers(self):
        """The project's containers, running or not, as podman describes them."""
        label = f"label=io.podman.compose.project={self.project}"
        ids = podman("ps", "--all", "--quiet", "--filter", label).stdout.split()
        return json.loads(podman("inspect", *ids).stdout) if ids else []

    def of(self, service):
        """The containers of one service."""
        key = "com.docker.compose.service"
        return [c for c in self.containers() if c["Config"]["Labels"].get(key) == service]
