"""Mutants that answer an operation, on one protocol, and do nothing: one for each."""

from compatibility.mutants import mutant
from compatibility.rows import OPERATIONS, PROTOCOLS


def _forgets(operation, protocol):
    def forgets(exchange):
        if (exchange.action, exchange.protocol) == (operation, protocol):
            return exchange.succeed()
        return exchange.forward()

    return forgets


for _operation in OPERATIONS:
    for _protocol in PROTOCOLS:
        _row = f"{_operation}/{_protocol}"
        mutant("answers it, and does nothing", _row, name=f"forgets-{_operation}-{_protocol}".lower())(
            _forgets(_operation, _protocol)
        )
