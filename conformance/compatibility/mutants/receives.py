"""Mutants of receives: bounds, waits, what is told of a message."""

import time

from compatibility.mutants import mutant


@mutant("clamps what is out of bounds", "S12")
def clamps(exchange):
    if exchange.action == "ReceiveMessage" and exchange.protocol == "JSON":
        members = exchange.members
        members["MaxNumberOfMessages"] = max(1, min(10, members.get("MaxNumberOfMessages", 1)))
        if "WaitTimeSeconds" in members:
            members["WaitTimeSeconds"] = max(0, min(20, members["WaitTimeSeconds"]))
    return exchange.forward()


@mutant("waits its whole time before it looks", "S13", "E24")
def looks_late(exchange):
    if exchange.action == "ReceiveMessage":
        time.sleep(max(0, int(exchange.members.get("WaitTimeSeconds", 0))))
    return exchange.forward()


@mutant("never waits", "S14", "S15", "E24")
def never_waits(exchange):
    if exchange.action == "ReceiveMessage":
        exchange.members["WaitTimeSeconds"] = 0
    return exchange.forward()


@mutant("lets the queue's wait win over an explicit 0", "E25")
def zero_is_nothing(exchange):
    if exchange.members.get("WaitTimeSeconds") == 0:
        del exchange.members["WaitTimeSeconds"]
    return exchange.forward()


@mutant("gives the youngest message first", "S19")
def youngest_first(exchange):
    if exchange.action != "ReceiveMessage" or exchange.protocol != "JSON":
        return exchange.forward()
    wanted = exchange.members.get("MaxNumberOfMessages", 1)
    exchange.members["MaxNumberOfMessages"] = 10
    answer = exchange.forward()

    def last(body):
        if "Messages" in body:
            body["Messages"] = body["Messages"][::-1][:wanted]

    answer.edit(last)
    return answer


@mutant("knows no message attribute filters", "S34", "E22")
def no_attribute_filters(exchange):
    exchange.members.pop("MessageAttributeNames", None)
    return exchange.forward()


@mutant("gives the digest of all attributes, whichever are returned", "S34", "E21")
def digest_of_everything(exchange):
    def digest(body):
        for message in body.get("Messages", []):
            message["MD5OfMessageAttributes"] = "0" * 32

    answer = exchange.forward()
    answer.edit(digest)
    return answer


@mutant("knows one of the two lists of system attribute names", "S35", "E23")
def one_list_of_names(exchange):
    if exchange.action == "ReceiveMessage":
        exchange.members.pop("MessageSystemAttributeNames", None)
    return exchange.forward()


@mutant("tells system attributes unasked", "E23")
def tells_unasked(exchange):
    if exchange.action == "ReceiveMessage" and exchange.protocol == "JSON":
        exchange.members.setdefault("AttributeNames", ["All"])
    return exchange.forward()


@mutant("refuses a system attribute that it does not know", "F5")
def refuses_the_future(exchange):
    names = [*exchange.members.get("MessageSystemAttributeNames", []), *exchange.members.get("AttributeNames", [])]
    if exchange.action == "ReceiveMessage" and "not-a-real-name" in names:
        return exchange.refuse("InvalidAttributeName", "Unknown Attribute not-a-real-name.")
    return exchange.forward()
