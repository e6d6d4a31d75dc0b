"""Declarations of the reference system's queues that are not those of production, for drills."""

from harness.system import STATUS_DEAD_LETTERS, STATUS_QUEUE, TASK_DEAD_LETTERS, TASK_QUEUE

_PAIR = """\
[queues.{name}]
receive_message_wait_time = "20s"
visibility_timeout = "{lease}"
dead_letter = {{ queue = "{dead}", max_receive_count = {receives} }}

[queues.{dead}]
"""


def short_leases(directory, lease, receives=5):
    """A file for `--queues` by which tasks and replies are leased for `lease`, `receives` times at most; its path."""
    pairs = [(TASK_QUEUE, TASK_DEAD_LETTERS), (STATUS_QUEUE, STATUS_DEAD_LETTERS)]
    text = "\n".join(_PAIR.format(name=name, dead=dead, lease=lease, receives=receives) for name, dead in pairs)
    path = directory / f"queues-{lease}.toml"
    path.write_text(text)
    return path
