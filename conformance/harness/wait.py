"""Waiting for a condition, with a deadline and a sentence that says what was awaited.

Tests never sleep for a guessed time. They wait until something is so, and fail when it is not so in time.
"""

import time

PAUSE = 0.02


class NotInTime(AssertionError):
    """A condition did not come true before its deadline."""


def until(condition, what, timeout=20.0, pause=PAUSE):
    """Returns the first truthy value of `condition()`.

    `what` names the awaited state, for the failure. An exception of `condition` passes through.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise NotInTime(f"not within {timeout} s: {what} (last seen: {value!r})")
        time.sleep(pause)


def stays(condition, what, seconds, pause=0.1):
    """Checks again and again, for `seconds`, that `condition()` holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"no longer so: {what}"
        time.sleep(pause)
