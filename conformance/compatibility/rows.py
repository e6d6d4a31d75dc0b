"""The promises: scenarios that were recorded against SQS, edge cases that brokers like to get wrong, and each operation
on each protocol.

A row's id is what tests and mutants call it: `S` and `E` with the number of the scenario or edge case, `F` and a number for
what neither list has, or `Operation/Protocol`.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """A promise: what it is called, what holds, and why it differs from SQS if it is known to."""

    id: str
    title: str
    difference: str = ""


SCENARIOS = [
    Row("S1", "A queue's address without an action, by GET or POST, is a 404 `UnknownOperationException`, in JSON too"),
    Row("S2", "JSON that names queue B, posted to the address of queue A, goes to B"),
    Row("S3", "A bare queue name is accepted where a queue URL is expected"),
    Row("S4", "Creating again: the same URL without attributes or with equal ones; one that differs is named"),
    Row("S5", "Creating again after a send does not compare counts and times"),
    Row("S6", "A deleted queue's name is blocked for 60 seconds", "only with `--strict`: tests create and delete all the time"),
    Row("S7", "A body of 1 048 576 bytes is accepted, one byte more is not"),
    Row("S8", "Names, types and values of message attributes count towards the maximum size"),
    Row("S9", "A batch entry above the queue's own maximum fails alone"),
    Row("S10", "Two entries that are too long together fail the whole batch"),
    Row("S11", "Batch entry ids: bad characters, too long, empty, not distinct"),
    Row("S12", "A receive of 11 messages, a wait of 21 or of -1 seconds is refused, each with its text"),
    Row("S13", "A waiting receive returns at once with the messages that there are"),
    Row("S14", "A waiting receive on an empty queue blocks for its time and has no `Messages`"),
    Row("S15", "The queue's own wait holds where the call names none"),
    Row("S16", "Visibility 0: the same message twice, counted, with another handle"),
    Row("S17", "A handle still deletes after its visibility ended"),
    Row("S18", "An older handle still makes a message available again"),
    Row("S19", "A message that comes back is received before a younger one"),
    Row("S20", "Visibility 0 makes a message available at once, and is not remembered"),
    Row("S21", "Received too often: it is in the dead-letter queue with its id, count, source and attributes"),
    Row("S22", "A chain of dead-letter queues delivers once in each"),
    Row("S23", "A FIFO message is dead-lettered and its group goes on, with content-based deduplication too"),
    Row("S24", "FIFO: interleaved groups come in the order that SQS gives them"),
    Row("S25", "FIFO: a further send to a locked group does not unlock it"),
    Row("S26", "FIFO: deleting all that is in flight unlocks the group, deleting a part does not"),
    Row("S27", "FIFO: hiding one message of a batch blocks the ones behind it and not those before it"),
    Row("S28", "FIFO: a delete after the visibility ended is refused: the handle has expired"),
    Row("S29", "FIFO: a duplicate of a deleted message is accepted, gets its id, and is not delivered"),
    Row("S30", "FIFO: a deduplication scope that is changed later changes nothing for deduplication"),
    Row("S31", "FIFO: a delay of one message is refused, 0 leaves the queue's own in force"),
    Row("S32", "FIFO: counts follow receives and deletes"),
    Row("S33", "A message group on a standard queue is echoed, and its form is checked"),
    Row("S34", "Message attributes are filtered by name, prefix and wildcard, with the digest of what is returned"),
    Row("S35", "Both lists of system attribute names in one request are united"),
    Row("S36", "A trace header comes as an attribute, or as an HTTP header, and is no part of the digest"),
    Row("S37", "A purge takes available, delayed and in-flight messages", "the second one within 60 seconds is refused only with `--strict`"),
    Row("S38", "FIFO: after a purge a deduplication id is new again"),
    Row("S39", "Kinds of encryption replace one another when they are set and cleared"),
    Row("S40", "Tags: case, empty values, overwriting, removing what is not there"),
    Row("S41", "Permissions: the policy text, duplicates, unknown labels, the last one removed"),
    Row("S42", "After its retention a message is gone, in flight too, and its handle still deletes"),
    Row("S43", "A body with carriage returns, markup and emoji comes back byte for byte, on both protocols"),
    Row("S44", "A body with a forbidden character is refused; in a batch only its entry"),
    Row("S45", "Move tasks: default and explicit destination, rate, cancel, destination deleted, second start"),
    Row("S46", "Reading attributes: none named, one that is not set, one that there is not"),
    Row("S47", "A queue that does not exist: one text for JSON, another for Query, both 400"),
    Row("S48", "A visibility beyond 12 hours after the receive is refused"),
]

EDGE_CASES = [
    Row("E1", "`x-amzn-query-error` is there, exactly `code;Sender`"),
    Row("E2", "A JSON error has its `__type` with the namespace, and its message in the body"),
    Row("E3", "The text of a missing queue differs by protocol"),
    Row("E4", "Statuses: 404 for handles, addresses and resources, 403 for limits and purges"),
    Row("E5", "Empty lists and maps are left out"),
    Row("E6", "`queueUrls` and `tags` begin with a small letter where SQS has it so"),
    Row("E7", "Attribute values are strings, booleans in lower case"),
    Row("E8", "A carriage return survives XML"),
    Row("E9", "Flattened names of the Query protocol: `Tag.N.Key`, `TagKey.N`, `AttributeName.N`, …"),
    Row("E10", "Queue URLs of any host, and bare names, are understood"),
    Row("E11", "An address without an action is a 404"),
    Row("E12", "Creating again compares with the current attributes, and only those that were sent"),
    Row("E13", "`FifoQueue=false` on a standard queue is an unknown attribute"),
    Row("E14", "The default and largest message size is 1 048 576"),
    Row("E15", "A batch's total is measured by one mebibyte, its entries by the queue's maximum"),
    Row("E16", "A batch entry that is too long has a text of its own"),
    Row("E17", "FIFO: a send without a group is `MissingParameter`, in a batch the whole request is refused"),
    Row("E18", "An empty body in a batch fails its entry"),
    Row("E19", "Sizes count bytes of UTF-8, with attribute names and types, without the trace header"),
    Row("E20", "Digests of attributes: custom types, binary values, sorted names"),
    Row("E21", "The digest on receive is of the attributes that are returned"),
    Row("E22", "`All`, `.*`, `*` and prefixes mean what SQS means by them; odd names raise no error"),
    Row("E23", "System attributes come only when asked for, by either list"),
    Row("E24", "A long poll ends with the first message: by send, end of visibility, delay, visibility 0, unlocked group"),
    Row("E25", "An explicit wait of 0 wins over the queue's wait"),
    Row("E26", "A receive with visibility 0 counts, and leaves the message available"),
    Row("E27", "Visibility is counted from now, for this lease only, and bounded from the receive"),
    Row("E28", "An old handle deletes on a standard queue, and has expired on a FIFO queue"),
    Row("E29", "A second delete succeeds"),
    Row("E30", "A message moves to its dead-letter queue at the receive after the last allowed one"),
    Row("E31", "The receive count that is told goes on after the move, the one that moves begins anew"),
    Row("E32", "The message id stays on a dead-letter move and is new on a redrive"),
    Row("E33", "FIFO: one receive takes as many as it can of the first group"),
    Row("E34", "FIFO: a new send or a part's delete leaves a group locked, the last delete unlocks it at once"),
    Row("E35", "FIFO: a hidden message blocks those behind it, and not those before it"),
    Row("E36", "FIFO: deduplication outlives delete and restart, keeps the id, and its five minutes do not slide"),
    Row("E37", "FIFO: deduplication keeps the scope that the queue was created with"),
    Row("E38", "FIFO: `DelaySeconds=0` is accepted and leaves the queue's delay in force"),
    Row("E39", "A purge takes what is in flight and delayed, and the deduplication window"),
    Row("E40", "Move tasks: the handle only while running, no destination that was defaulted, one result, milliseconds"),
]

FURTHER = [
    Row("F1", "Fair queues: a message of a quiet group does not wait behind the backlog of a noisy one"),
    Row("F2", "Required signatures: a wrong secret, an unknown key, a changed body or a wrong clock is refused"),
    Row("F3", "A policy opens a queue to another account, and what it denies stays denied"),
    Row("F4", "The same name in another region or account is another queue"),
    Row("F5", "A system attribute name that there is not is passed over, so that newer SDKs work"),
    Row("F6", "FIFO: sequence numbers grow, have 20 digits, and begin with no zero"),
    Row("F7", "A queue can name itself as its dead-letter queue", "what is received too often stays and is delivered again; what AWS does then is not recorded"),
    Row("F8", "A JSON error has its shape in `x-amzn-ErrorType`"),
    Row("F9", "A tag or an attribute of `null` is refused, and nothing is stored"),
    Row("F10", "The very same permission again is no error, and changes nothing"),
]

OPERATIONS = [
    "AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "CreateQueue",
    "DeleteMessage", "DeleteMessageBatch", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl",
    "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags", "ListQueues", "PurgeQueue",
    "ReceiveMessage", "RemovePermission", "SendMessage", "SendMessageBatch", "SetQueueAttributes",
    "StartMessageMoveTask", "TagQueue", "UntagQueue",
]  # fmt: skip

PROTOCOLS = ["JSON", "Query"]

ROWS = [
    *SCENARIOS,
    *EDGE_CASES,
    *FURTHER,
    *(Row(f"{operation}/{protocol}", operation) for operation in OPERATIONS for protocol in PROTOCOLS),
]

IDS = {row.id for row in ROWS}
