"""A program's clock, set wrong."""

from pathlib import Path

import pytest


def clock_off_by(shift):
    """A command within which a program's time of day is wrong; how long something takes is no clock's setting.

    The library is named, because the command `faketime` stays the parent of what it starts, which would outlive it.
    """
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("faketime is not installed, so no clock can be set wrong (Debian's package faketime)")
    return ["env", f"LD_PRELOAD={found[0]}", f"FAKETIME={shift}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
