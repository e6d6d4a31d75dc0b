"""Brokers that are wrong in one way each, so that the tests of a row can be seen to fail.

A mutant is a function from an `Exchange` to an `Answer`: it may change the request before it forwards it, change the
answer, or answer by itself. One that needs a memory is a class whose instances are called. Each names the rows that it
breaks; the modules beside this one hold them by what they get wrong.
"""

import importlib
import inspect
from typing import NamedTuple

_MODULES = ["protocol", "queues", "sends", "receives", "leases", "fifo", "dead_letters", "access", "forgetful"]
MUTANTS = {}


class Mutant(NamedTuple):
    """What it is called, what it does wrong, which rows that breaks, and how a new one is made."""

    name: str
    wrong: str
    rows: tuple
    make: object

    def instance(self):
        """A mutant with a memory of its own."""
        return self.make() if inspect.isclass(self.make) else self.make


def mutant(wrong, *rows, name=None):
    """Registers a mutant: what it does wrong, and the rows that it breaks."""

    def register(make):
        called = name or make.__name__.lower().replace("_", "-")
        assert called not in MUTANTS, f"there are two mutants {called}"
        MUTANTS[called] = Mutant(called, wrong, rows, make)
        return make

    return register


def load():
    """All the mutants, by name."""
    for module in _MODULES:
        importlib.import_module(f"compatibility.mutants.{module}")
    return MUTANTS
