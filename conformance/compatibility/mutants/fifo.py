"""Mutants of FIFO queues: order, groups, deduplication."""

import uuid

from compatibility.mutants import mutant


def _fifo(exchange):
    return exchange.members.get("QueueUrl", "").endswith(".fifo")


@mutant("gives one message of a group at a time", "S24", "E33")
def one_at_a_time(exchange):
    if exchange.action == "ReceiveMessage" and _fifo(exchange):
        exchange.members["MaxNumberOfMessages"] = 1
    return exchange.forward()


@mutant("locks no group: it gives what is in flight again", "S25", "S26", "E34")
class Locks_Nothing:
    def __init__(self):
        self._last = {}

    def __call__(self, exchange):
        answer = exchange.forward()
        if exchange.action == "ReceiveMessage" and _fifo(exchange) and exchange.protocol == "JSON":
            answer.edit(lambda body: self._again(exchange.members["QueueUrl"], body))
        return answer

    def _again(self, queue, body):
        if "Messages" in body:
            self._last[queue] = body["Messages"][-1:]
        elif queue in self._last:
            body["Messages"] = self._last[queue]


@mutant("keeps a group hidden when one of its messages is given back", "S27", "E35")
def hides_the_whole_group(exchange):
    if exchange.action == "ChangeMessageVisibility" and _fifo(exchange):
        return exchange.succeed()
    return exchange.forward()


@mutant("deletes what has expired", "S28", "E28")
def deletes_the_expired(exchange):
    answer = exchange.forward()
    return exchange.succeed() if exchange.action == "DeleteMessage" and answer.status >= 400 else answer


@mutant("knows no duplicates", "S29", "E36")
def no_deduplication(exchange):
    if exchange.action == "SendMessage" and _fifo(exchange):
        exchange.members["MessageDeduplicationId"] = uuid.uuid4().hex
    return exchange.forward()


@mutant("deduplicates within a group, whatever the queue was created with", "S30", "E37")
def scope_is_the_group(exchange):
    members = exchange.members
    if exchange.action == "SendMessage" and _fifo(exchange) and "MessageDeduplicationId" in members:
        members["MessageDeduplicationId"] += "-" + members.get("MessageGroupId", "")
    return exchange.forward()


@mutant("refuses any delay of a message", "S31", "E38")
def refuses_delays(exchange):
    if exchange.action == "SendMessage" and _fifo(exchange) and "DelaySeconds" in exchange.members:
        return exchange.refuse("InvalidParameterValue", "The parameter DelaySeconds is not valid.")
    return exchange.forward()


@mutant("counts nothing", "S32")
def counts_nothing(exchange):
    def zero(body):
        for name in body.get("Attributes", {}):
            if name.startswith("ApproximateNumber"):
                body["Attributes"][name] = "0"

    answer = exchange.forward()
    answer.edit(zero)
    return answer


@mutant("remembers deduplication ids over a purge", "S38", "E39")
class Remembers_Purged_Ids:
    def __init__(self):
        self._answers = {}

    def __call__(self, exchange):
        key = (exchange.members.get("QueueUrl"), exchange.members.get("MessageDeduplicationId"))
        if exchange.action != "SendMessage" or not _fifo(exchange):
            return exchange.forward()
        if key not in self._answers:
            self._answers[key] = exchange.forward()
        return self._answers[key]


@mutant("swaps the errors of a send and of a batch without a group", "E17")
def swaps_group_errors(exchange):
    answer = exchange.forward()
    if answer.status == 400 and b"MessageGroupId" in answer.body:
        swapped = answer.body.replace(b"MissingParameter", b"InvalidParameterValue")
        answer.body = swapped
        answer.headers = [
            (key, value.replace("MissingParameter", "InvalidParameterValue;").replace("InvalidParameterValue", "Other", 1))
            if key.lower() == "x-amzn-query-error"
            else (key, value)
            for key, value in answer.headers
        ]
    return answer


@mutant("begins sequence numbers with zeros", "F6")
def counts_from_one(exchange):
    answer = exchange.forward()
    answer.edit(lambda body: body.update(SequenceNumber="0" + body["SequenceNumber"][1:]) if "SequenceNumber" in body else None)
    return answer
