"""Mutants of leases: visibility, handles, deletes."""

import time

from compatibility.mutants import mutant


@mutant("takes a visibility of 0 for none given", "S16", "E26")
def zero_visibility_is_none(exchange):
    if exchange.action == "ReceiveMessage" and exchange.members.get("VisibilityTimeout") == 0:
        del exchange.members["VisibilityTimeout"]
    return exchange.forward()


@mutant("gives the same handle again, and counts nothing", "S16")
def one_handle(exchange):
    def forget(body):
        for message in body.get("Messages", []):
            message["ReceiptHandle"] = message["MessageId"]
            message.get("Attributes", {}).pop("ApproximateReceiveCount", None)

    answer = exchange.forward()
    answer.edit(forget)
    return answer


@mutant("refuses a handle whose visibility has ended", "S17", "E28")
class Handles_End:
    def __init__(self):
        self._ends = {}

    def __call__(self, exchange):
        handle = exchange.members.get("ReceiptHandle")
        if exchange.action == "DeleteMessage" and time.monotonic() > self._ends.get(handle, float("inf")):
            return exchange.refuse("ReceiptHandleIsInvalid", "The receipt handle has expired.", 404)
        answer = exchange.forward()
        if exchange.action == "ReceiveMessage":
            answer.edit(lambda body: self._remember(exchange, body))
        if exchange.action == "ChangeMessageVisibility":
            self._ends[handle] = time.monotonic() + exchange.members["VisibilityTimeout"]
        return answer

    def _remember(self, exchange, body):
        for message in body.get("Messages", []):
            self._ends[message["ReceiptHandle"]] = time.monotonic() + exchange.members.get("VisibilityTimeout", 30)


@mutant("lets the newest handle alone change the visibility", "S18")
class Newest_Handle_Only:
    def __init__(self):
        self._message_of = {}
        self._newest = {}

    def __call__(self, exchange):
        handle = exchange.members.get("ReceiptHandle")
        if exchange.action == "ChangeMessageVisibility" and self._newest.get(self._message_of.get(handle), handle) != handle:
            return exchange.succeed()
        answer = exchange.forward()
        answer.edit(self._remember)
        return answer

    def _remember(self, body):
        for message in body.get("Messages", []):
            self._message_of[message["ReceiptHandle"]] = message["MessageId"]
            self._newest[message["MessageId"]] = message["ReceiptHandle"]


@mutant("takes its time to give a message back", "S20", "E24")
def gives_back_late(exchange):
    if exchange.action == "ChangeMessageVisibility" and exchange.members.get("VisibilityTimeout") == 0:
        exchange.members["VisibilityTimeout"] = 20
    return exchange.forward()


@mutant("adds a new visibility to the old one", "E27")
def adds_up(exchange):
    if exchange.action == "ChangeMessageVisibility" and exchange.protocol == "JSON":
        exchange.members["VisibilityTimeout"] += 30
    return exchange.forward()


@mutant("lets a lease last for ever", "S48", "E27")
def leases_without_end(exchange):
    answer = exchange.forward()
    if exchange.action == "ChangeMessageVisibility" and answer.status == 400:
        return exchange.succeed()
    return answer


@mutant("refuses a second delete", "E29")
class Deletes_Once:
    def __init__(self):
        self._deleted = set()

    def __call__(self, exchange):
        handle = exchange.members.get("ReceiptHandle")
        if exchange.action == "DeleteMessage":
            if handle in self._deleted:
                return exchange.refuse("ReceiptHandleIsInvalid", "The message is gone.", 404)
            self._deleted.add(handle)
        return exchange.forward()
