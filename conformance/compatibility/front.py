"""Puts the mutant that `LONGSHORE_MUTANT` names, or a recorder, in front of every broker that a test starts."""

import os

from compatibility import mutants, proxy
from compatibility.recorder import Recorder
from harness.process import free_port

_hidden_ports = {}


def listen_port(port):
    """Where a broker must listen that clients shall reach on `port`: there itself, or behind what is between.

    A broker that is started again on the same port gets the same hidden one.
    """
    between = _between()
    if between is None:
        return port
    if port not in _hidden_ports:
        _hidden_ports[port] = free_port()
        proxy.listen(port, _hidden_ports[port], between)
    return _hidden_ports[port]


def _between():
    """What every exchange passes through, if anything."""
    if directory := os.environ.get("LONGSHORE_RECORD"):
        return Recorder(directory)
    if name := os.environ.get("LONGSHORE_MUTANT"):
        return mutants.load()[name].instance()
    return None
