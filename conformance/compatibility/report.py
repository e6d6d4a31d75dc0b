"""`docs/sqs-compatibility.md`: each row with the tests and clients that show it, and the mutants that these tests notice."""

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from compatibility import mutants, rows

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE.parent / "docs" / "sqs-compatibility.md"

HEAD = """# Compatibility with Amazon SQS

<!-- Made by `conformance/run compatibility`; `conformance/run all` fails when it is not what the tests say. -->

Each row is a promise, shown by tests that run with every change: black-box programs of [conformance](../conformance), each
through the client that is named. A test that nothing can fail shows nothing: so each row is also tried against *mutants*,
brokers that break it (a proxy in front of ours makes them), and the run fails unless some test of the row does.
The windows of minutes (deduplication, retention, the 60-second rules) are tried a second time with a clock that the
test moves, in `crates/broker/tests/it/windows.rs`.
"""


def collected():
    """The tests of each row, without running them."""
    with tempfile.TemporaryDirectory() as directory:
        notes = Path(directory) / "notes.json"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--collect-only"],
            cwd=HERE, env={**os.environ, "LONGSHORE_NOTES": str(notes)}, stdout=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        return json.loads(notes.read_text())


def page(notes):
    """The page, from the notes of a run or of a collection."""
    parts = [
        HEAD,
        summary(notes),
        table("Scenarios", "recorded against SQS itself", rows.SCENARIOS, notes),
        table("Edge cases", "which brokers like to get wrong", rows.EDGE_CASES, notes),
        table("Further promises", "of SQS that neither list has", rows.FURTHER, notes),
        operations(notes),
        users(),
        differences(),
    ]
    return "\n".join(parts)


def summary(notes):
    tests = {test for row in notes.values() for test in row}
    clients = sorted({test["client"] for row in notes.values() for test in row.values()})
    listed = "\n".join(f"- {client}" for client in clients)
    return f"{len(rows.ROWS)} rows, {len(tests)} tests, {len(mutants.load())} mutants; clients:\n\n{listed}\n"


def table(title, which, wanted, notes):
    lines = [f"## {title}", "", f"{title} {which}.", "", "| | what holds | shown by | fails with a broker that |", "|---|---|---|---|"]
    lines += [f"| {row.id} | {row.title}{mark(row)} | {shown(notes, row.id)} | {broken(row.id)} |" for row in wanted]
    return "\n".join(lines) + "\n"


def mark(row):
    return " (see Known differences)" if row.difference else ""


def shown(notes, row):
    """The tests of a row, by the client they speak through."""
    by_client = {}
    for test, note in sorted(notes.get(row, {}).items()):
        by_client.setdefault(brief(note["client"]), {}).setdefault(f"`{title(test)}`")
    return "; ".join(f"{client}: {', '.join(tests)}" for client, tests in sorted(by_client.items()))


def title(test):
    """What a test is called: by its function, or by its case if its program does many."""
    module, _, name = test.partition("::")
    function, _, case = name.rstrip("]").partition("[")
    return case if case and module.startswith(("test_client_", "test_users_")) else function


def brief(client):
    """A client without its version, which the list at the top has."""
    return re.sub(r",? (sqs |aws-sdk-sqs )?\d[\d.]*", "", client)


def broken(row):
    return "; ".join(mutant.wrong for mutant in mutants.load().values() if row in mutant.rows)


def operations(notes):
    lines = ["## Operations", "", "Each operation on each protocol, by the clients that carried it out. Each cell is also tried with a broker that"]
    lines += ["answers the operation on that protocol and does nothing.", "", "| operation | JSON | Query |", "|---|---|---|"]
    for operation in rows.OPERATIONS:
        cells = [clients(notes, f"{operation}/{protocol}") for protocol in rows.PROTOCOLS]
        lines.append(f"| {operation} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def clients(notes, row):
    return ", ".join(sorted({brief(note["client"]) for note in notes.get(row, {}).values()}))


def users():
    """The programs that use SQS and are run whole: what each is, and what it does."""
    lines = ["## Programs run whole", "", "Each does a real workload on the broker and finishes it.", "", "| program | what it does |", "|---|---|"]
    for path in sorted(HERE.glob("test_users_*.py")):
        module = importlib.import_module(path.stem)
        lines.append(f"| {module.CLIENT} | {module.__doc__.strip().splitlines()[0]} |")
    return "\n".join(lines) + "\n"


def differences():
    lines = ["## Known differences", ""]
    lines += [f"- {row.id}: {row.difference}." for row in rows.ROWS if row.difference]
    lines += ["", "What holds of the broker as a whole, and not on AWS, is in"]
    lines += ["[ARCHITECTURE.md](../ARCHITECTURE.md#limits-we-chose): no rates, one disk, how a group becomes noisy."]
    return "\n".join(lines) + "\n"


def write():
    PAGE.write_text(page(collected()))
    print(f"wrote {PAGE}")


def faults(path):
    """What is wrong with the rows after a whole run, whose notes are at `path`: a line each."""
    notes = json.loads(Path(path).read_text())
    for row in rows.ROWS:
        outcomes = {test["outcome"] for test in notes.get(row.id, {}).values()}
        if "passed" not in outcomes or "failed" in outcomes:
            yield f"{row.id} is not shown: {', '.join(sorted(outcomes)) or 'no test proves it'}"
        if not broken(row.id):
            yield f"{row.id} has no mutant: nothing shows that its tests can fail"
    if not PAGE.exists() or PAGE.read_text() != page(notes):
        yield f"{PAGE.name} is not what the tests say: run `conformance/run compatibility` and commit what it writes"
