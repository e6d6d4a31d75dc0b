"""Runs the tests of each row against the mutants that break it: some test must fail, or the row's tests show nothing.

A mutant is one run of pytest with `LONGSHORE_MUTANT`, over the tests of its rows alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from compatibility import mutants

HERE = Path(__file__).resolve().parents[1]
RUN_TIMEOUT = 300


def survived(mutant):
    """The rows of which no test failed against the mutant."""
    with tempfile.TemporaryDirectory(prefix="longshore-mutant-") as directory:
        notes = Path(directory) / "notes.json"
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--tb=no", "--durations=0", "-m", "not containers"]
        argv += [f"--basetemp={directory}/t", "--rows", ",".join(mutant.rows), *(["-x"] if len(mutant.rows) == 1 else [])]
        environment = {**os.environ, "LONGSHORE_MUTANT": mutant.name, "LONGSHORE_NOTES": str(notes)}
        run = subprocess.run(
            argv, cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_TIMEOUT, check=False
        )
        if not notes.exists():
            raise RuntimeError(f"the run against {mutant.name} did not end well:\n{run.stdout[-2000:]}")
        seen = json.loads(notes.read_text())
    return [row for row in mutant.rows if not any(test["outcome"] == "failed" for test in seen.get(row, {}).values())]


def kill(names):
    """Runs these mutants, two at a time, and says of each whether it was noticed. True if all were."""
    started = time.monotonic()
    chosen = [mutant for name, mutant in mutants.load().items() if not names or name in names]
    alive = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for mutant, rows in zip(chosen, pool.map(survived, chosen), strict=True):
            alive += bool(rows)
            said = f"NOT NOTICED by {', '.join(rows)}" if rows else f"noticed by {', '.join(mutant.rows)}"
            print(f"{mutant.name}: {said}", flush=True)
    print(f"{len(chosen)} mutants, {alive} of them not noticed, in {time.monotonic() - started:.0f} s")
    return alive == 0
