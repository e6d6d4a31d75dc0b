"""`proves`: which rows a test shows, and the part of pytest that selects by rows and notes what came of them.

A module that has such tests says in `CLIENT` which client they speak through.
"""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from compatibility.rows import IDS


def proves(*rows):
    """Marks a test that shows these rows."""
    unknown = set(rows) - IDS
    assert not unknown, f"there are no such rows: {sorted(unknown)}"
    return pytest.mark.proves(*rows)


def rows_of(item):
    """The rows that a collected test shows."""
    return {row for mark in item.iter_markers("proves") for row in mark.args}


class Notes:
    """A pytest plugin: what became of the tests that show something, written as JSON when the run ends.

    `{"<row>": {"<test>": {"client": …, "outcome": "passed" | "failed" | "skipped" | "collected"}}}`
    """

    def __init__(self, path, only_rows):
        self._path = Path(path) if path else None
        self._only_rows = only_rows
        self._shown = {}
        self._outcomes = {}
        self._clients = {}

    def pytest_collection_modifyitems(self, config, items):
        if self._only_rows:
            kept = [item for item in items if rows_of(item) & self._only_rows]
            config.hook.pytest_deselected(items=[item for item in items if item not in kept])
            items[:] = kept
        for item in items:
            if rows := rows_of(item):
                self._shown[item.nodeid] = rows
                self._clients[item.nodeid] = client_of(item)

    def pytest_runtest_logreport(self, report):
        worse = report.failed or (report.skipped and self._outcomes.get(report.nodeid) != "failed")
        if worse or (report.when == "call" and report.nodeid not in self._outcomes):
            self._outcomes[report.nodeid] = report.outcome

    def pytest_sessionfinish(self):
        if self._path is None:
            return
        notes = defaultdict(dict)
        for test, rows in self._shown.items():
            for row in rows:
                outcome = self._outcomes.get(test, "collected")
                notes[row][test] = {"client": self._clients[test], "outcome": outcome}
        self._path.write_text(json.dumps(notes, indent=1, sort_keys=True))


def client_of(item):
    """What the module of a test says it speaks through."""
    client = getattr(item.module, "CLIENT", None)
    assert client, f"{item.module.__name__} has tests that prove rows, and no CLIENT"
    return client
