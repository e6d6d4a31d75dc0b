"""What the jobs of somebody else's task framework did, as they noted it themselves, outside of the framework.

A note is one line of JSON in a file that several processes append to: `what` was done, for which `key`, by which `pid`,
and `at` what time, with whatever else the job has to say.
"""

import json

from harness import wait


class Notes:
    """The notes in one file, which need not exist yet."""

    def __init__(self, path):
        self.path = path

    def of(self, what, key=None):
        """The notes of one kind, oldest first; with `key`, only that one's."""
        if not self.path.exists():
            return []
        # The last line may be on its way; a line is whole once it has ended.
        lines = [json.loads(line) for line in self.path.read_text().split("\n")[:-1]]
        return [line for line in lines if line["what"] == what and key in (None, line["key"])]

    def wait_for(self, count, what, key=None, timeout=60):
        """The notes of one kind, once there are so many."""
        described = f"{count} notes of {what!r}" + (f" for {key!r}" if key else "")
        wait.until(lambda: len(self.of(what, key)) >= count, described, timeout)
        return self.of(what, key)

    def wait_for_all(self, what, keys, timeout=60):
        """Those of `keys` that were noted, as often and in the order as they were, once each of them was."""
        wanted = set(keys)

        def noted():
            return [note["key"] for note in self.of(what) if note["key"] in wanted]

        wait.until(lambda: set(noted()) == wanted, f"notes of {what!r} for all of {len(wanted)} keys", timeout)
        return noted()


def gaps(notes):
    """The seconds between each note and the next."""
    return [later["at"] - sooner["at"] for sooner, later in zip(notes, notes[1:], strict=False)]
