"""`python -m compatibility write | check NOTES | kill [MUTANT…]`: see `conformance/run`."""

import sys

from compatibility import kill, report


def main(command, *words):
    if command == "write":
        report.write()
        return 0
    if command == "check":
        faults = list(report.faults(*words))
        print("\n".join(faults) or "every row is shown by a test")
        return len(faults) > 0
    if command == "kill":
        return not kill.kill(words)
    sys.exit(__doc__)


sys.exit(main(*sys.argv[1:]))
