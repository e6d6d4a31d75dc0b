"""Puts the mutant that `LONGSHORE_MUTANT` names in front of every broker that a test starts."""

import os

from compatibility import mutants, proxy
from harness.process import free_port

_hidden_ports = {}


def listen_port(port):
    """Where a broker must listen that clients shall reach on `port`: there itself, or behind a mutant.

    A broker that is started again on the same port gets the same hidden one.
    """
    name = os.environ.get("LONGSHORE_MUTANT")
    if not name:
        return port
    if port not in _hidden_ports:
        _hidden_ports[port] = free_port()
        proxy.listen(port, _hidden_ports[port], mutants.load()[name].instance())
    return _hidden_ports[port]
