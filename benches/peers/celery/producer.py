"""The application's side: reads orders from stdin, and answers on stdout (`longshore/src/order.rs` has the words).

Its clients are threads, as a web server has them; greenlets of gevent took a half more processor time.
"""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jobs

RESULT_MAX_SECONDS = 60
# As many as there can be clients.
pool = ThreadPoolExecutor(256)


class Numbers:
    """The numbers of an order's tasks, handed out to its clients until the time is over."""

    def __init__(self, first, count, milliseconds):
        self.lock = threading.Lock()
        self.next, self.end = first, first + count
        self.until = time.monotonic() + milliseconds / 1000

    def __iter__(self):
        return self

    def __next__(self):
        with self.lock:
            if self.next >= self.end or time.monotonic() > self.until:
                raise StopIteration
            self.next += 1
            return self.next - 1


def ask(number, since):
    """The microseconds from `since` to the task's result."""
    found = jobs.answered.delay(number, jobs.POSITION).get(timeout=RESULT_MAX_SECONDS)
    if found != {"position": jobs.POSITION, "value": jobs.VALUE}:
        raise ValueError(f"the result of task {number} is wrong: {found}")
    return microseconds(since)


def microseconds(since):
    return round((time.monotonic() - since) * 1e6)


def request(numbers):
    return [ask(number, time.monotonic()) for number in numbers]


def send(numbers):
    # Celery has no call that enqueues several tasks at once.
    return [jobs.unanswered.delay(number, jobs.POSITION) for number in numbers]


def later(number, at):
    time.sleep(max(0, at - time.monotonic()))
    return [ask(number, at)]


def carry_out(line):
    kind, *numbers = line.split()
    first, count, rate, milliseconds = map(int, numbers)
    begun = time.monotonic()
    if kind == "paced":
        clients = [pool.submit(later, first + place, begun + place / rate) for place in range(count)]
    else:
        act = {"request": request, "send": send}[kind]
        shared = Numbers(first, count, milliseconds)
        clients = [pool.submit(act, shared) for _ in range(rate)]
    done = [each for client in clients for each in client.result()]
    times = [] if kind == "send" else done
    return " ".join(map(str, ["ok", len(done), microseconds(begun), *times]))


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            answer = carry_out(line)
        except Exception as failure:
            answer = f"failed {failure!r}"
        print(answer.replace("\n", " "), flush=True)


main()
