"""Two hosts on one machine: a network namespace each, and a cable between them that can be pulled out.

Nothing outside of the two reaches them, and neither sees anything of this machine's network. They share its disk and its clock.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
from uuid import uuid4

import pytest

_ADDRESSES = ["192.0.2.1", "192.0.2.2"]
_LINK = "cable"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Host:
    """A host, and the address by which the other one knows it."""

    def __init__(self, name, address):
        self.name, self.address = name, address

    @contextlib.contextmanager
    def here(self):
        """In the block, this thread is on the host: what it starts runs there, and its loopback address is the host's."""
        with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{self.name}") as its:
            _enter(its)
            try:
                yield
            finally:
                _enter(own)


def _enter(namespace):
    if _libc.setns(namespace.fileno(), _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "the network namespace cannot be entered")


class Cable:
    """What connects the two hosts."""

    def __init__(self, host):
        self._host = host

    def pull_out(self):
        """From now on nothing gets from one host to the other. No connection is told so."""
        _ip("-n", self._host.name, "link", "set", _LINK, "down")

    def plug_in(self):
        _ip("-n", self._host.name, "link", "set", _LINK, "up")


@contextlib.contextmanager
def two_hosts():
    """Two hosts and the cable between them, until the end of the block. Skips where they cannot be made."""
    if not shutil.which("ip"):
        pytest.skip("the command ip is not installed (Debian's package iproute2)")
    stem = f"longshore-{uuid4().hex[:8]}"
    hosts = [Host(f"{stem}-{n}", address) for n, address in enumerate(_ADDRESSES)]
    with contextlib.ExitStack() as removed:
        try:
            for host in hosts:
                _ip("netns", "add", host.name)
                removed.callback(_ip, "netns", "delete", host.name)
            _connect(*hosts)
        except subprocess.CalledProcessError as failure:
            pytest.skip(f"no hosts can be made: {failure.stderr.strip()}")
        yield *hosts, Cable(hosts[0])


def _connect(first, second):
    _ip("link", "add", _LINK, "netns", first.name, "type", "veth", "peer", "name", _LINK, "netns", second.name)
    for host in [first, second]:
        _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", _LINK)
        for link in ["lo", _LINK]:
            _ip("-n", host.name, "link", "set", link, "up")


def _ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
