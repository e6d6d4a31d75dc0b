"""Mutants of sends: sizes, batches, characters, digests."""

import hashlib

from compatibility.mutants import mutant

_OLD_MAXIMUM = 262_144


def accepted(exchange):
    """What a broker says that took the message."""
    body = str(exchange.members.get("MessageBody", ""))
    return exchange.succeed(MessageId="0" * 8, MD5OfMessageBody=hashlib.md5(body.encode(errors="replace")).hexdigest())


def _takes_every_entry(exchange):
    entries = exchange.members.get("Entries", [])
    return exchange.succeed(Successful=[{"Id": entry["Id"], "MessageId": "0", "MD5OfMessageBody": "0"} for entry in entries])


@mutant("has the largest message of 2024", "S7", "E14")
def old_maximum(exchange):
    answer = exchange.forward()
    if len(str(exchange.members.get("MessageBody", ""))) > _OLD_MAXIMUM:
        return exchange.refuse("InvalidParameterValue", "One or more parameters are invalid.")
    answer.body = answer.body.replace(b"1048576", str(_OLD_MAXIMUM).encode())
    return answer


@mutant("measures bodies only", "S8", "E19")
def measures_bodies_only(exchange):
    answer = exchange.forward()
    too_long = b"shorter than" in answer.body
    if exchange.action == "SendMessage" and too_long and "MessageAttributes" in exchange.members:
        return accepted(exchange)
    return answer


@mutant("measures a batch by the queue's own maximum", "S9", "E16")
def batch_by_queue_maximum(exchange):
    answer = exchange.forward()
    if exchange.action == "SendMessageBatch" and b"cannot be validated" in answer.body:
        return exchange.refuse("BatchRequestTooLong", "The batch is longer than the queue's maximum.")
    return answer


@mutant("does not measure batches", "S10", "E15")
def batches_of_any_size(exchange):
    answer = exchange.forward()
    return _takes_every_entry(exchange) if answer.status >= 400 and b"BatchRequestTooLong" in answer.body else answer


@mutant("takes any id for the entry of a batch", "S11")
def any_entry_id(exchange):
    answer = exchange.forward()
    wrong = b"InvalidBatchEntryId" in answer.body or b"BatchEntryIdsNotDistinct" in answer.body
    return _takes_every_entry(exchange) if answer.status >= 400 and wrong else answer


@mutant("refuses a whole batch for one empty body", "E18")
def empty_entry_refuses_all(exchange):
    answer = exchange.forward()
    if exchange.action == "SendMessageBatch" and b"EmptyValue" in answer.body:
        return exchange.refuse("MissingParameter", "The request must contain the parameter MessageBody.")
    return answer


@mutant("replaces forbidden characters", "S44")
def replaces_characters(exchange):
    answer = exchange.forward()
    if exchange.action == "SendMessage" and b"InvalidMessageContents" in answer.body:
        return accepted(exchange)
    if exchange.action == "SendMessageBatch" and b"Invalid" in answer.body and b'"Failed"' in answer.body:
        return _takes_every_entry(exchange)
    return answer


@mutant("digests attributes by the first part of their type", "E20")
def short_types(exchange):
    def forget(body):
        if "MD5OfMessageAttributes" in body and "." in str(exchange.members.get("MessageAttributes")):
            body["MD5OfMessageAttributes"] = "0" * 32

    answer = exchange.forward()
    answer.edit(forget)
    return answer


@mutant("knows no message groups on standard queues", "S33", "F1")
def no_groups(exchange):
    if not exchange.members.get("QueueUrl", "").endswith(".fifo"):
        for sent in [exchange.members, *exchange.members.get("Entries", [])]:
            sent.pop("MessageGroupId", None)
    return exchange.forward()


@mutant("knows no trace header", "S36")
def no_trace_header(exchange):
    exchange.members.pop("MessageSystemAttributes", None)
    exchange.drop_header("x-amzn-trace-id")
    return exchange.forward()
