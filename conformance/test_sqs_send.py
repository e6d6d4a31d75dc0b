"""Sending through boto3: sizes, characters, message attributes, digests, batches, delays, groups, traces."""

import hashlib

import pytest
from botocore.awsrequest import AWSRequest

from compatibility.proves import proves
from harness import sqs, wait
from harness.sqs import counts, receive, refused

CLIENT = sqs.CLIENT

MIB = 1_048_576
CHARACTERS = (
    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | "
    "#xE000 to #xFFFD | #x10000 to #x10FFFF"
)
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


def text(value, kind="String"):
    return {"DataType": kind, "StringValue": value}


def binary(value, kind="Binary"):
    return {"DataType": kind, "BinaryValue": value}


def only(messages):
    assert len(messages) == 1, messages
    return messages[0]


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────


@proves("S7", "E14")
def test_a_body_of_one_mebibyte_is_accepted_and_one_byte_more_is_not(aws, queue):
    aws.send_message(QueueUrl=queue, MessageBody="a" * MIB)
    reason = f"One or more parameters are invalid. Reason: Message must be shorter than {MIB} bytes."
    with refused("InvalidParameterValue", reason):
        aws.send_message(QueueUrl=queue, MessageBody="a" * (MIB + 1))
    body = only(receive(aws, queue))["Body"]
    assert len(body) == MIB


@proves("E19")
def test_size_counts_bytes_of_utf8_and_not_characters(aws, make_queue):
    url = make_queue(MaximumMessageSize="1024")
    aws.send_message(QueueUrl=url, MessageBody="é" * 512)
    with refused("InvalidParameterValue"):
        aws.send_message(QueueUrl=url, MessageBody="é" * 512 + "a")


@proves("S8", "E19")
def test_size_counts_names_types_and_values_of_message_attributes(aws, make_queue):
    url = make_queue(MaximumMessageSize="1024")
    attributes = {"name": text("value", "String.custom"), "blob": binary(b"\x00" * 10)}
    rest = 1024 - len("name" + "String.custom" + "value") - len("blob" + "Binary") - 10
    aws.send_message(QueueUrl=url, MessageBody="a" * rest, MessageAttributes=attributes)
    reason = "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."
    with refused("InvalidParameterValue", reason):
        aws.send_message(QueueUrl=url, MessageBody="a" * (rest + 1), MessageAttributes=attributes)


@proves("E19")
def test_size_does_not_count_the_trace_header(aws, make_queue):
    url = make_queue(MaximumMessageSize="1024")
    system = {"AWSTraceHeader": text(TRACE)}
    aws.send_message(QueueUrl=url, MessageBody="a" * 1024, MessageSystemAttributes=system)


@proves("S9", "E16")
def test_a_batch_entry_over_the_queue_maximum_fails_alone(aws, make_queue):
    url = make_queue(MaximumMessageSize="1024")
    entries = [{"Id": "long", "MessageBody": "a" * 1025}, {"Id": "short", "MessageBody": "a" * 1024}]
    reply = aws.send_message_batch(QueueUrl=url, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["short"]
    reason = "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes."
    assert reply["Failed"] == [
        {"Id": "long", "SenderFault": True, "Code": "InvalidParameterValue", "Message": reason}
    ]


@proves("E15")
def test_a_batch_may_exceed_the_queue_maximum_in_total(aws, make_queue):
    url = make_queue(MaximumMessageSize="1024")
    entries = [{"Id": str(i), "MessageBody": "a" * 1024} for i in range(10)]
    assert len(aws.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == 10


@proves("S10", "E15")
def test_a_batch_over_one_mebibyte_is_refused_whole(aws, queue):
    half = MIB // 2
    entries = [{"Id": "a", "MessageBody": "a" * half}, {"Id": "b", "MessageBody": "b" * (half + 1)}]
    reason = f"Batch requests cannot be longer than {MIB} bytes. You have sent {MIB + 1} bytes."
    with refused("AWS.SimpleQueueService.BatchRequestTooLong", reason):
        aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(aws, queue) == (0, 0, 0)
    entries[1]["MessageBody"] = "b" * half
    assert len(aws.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 2


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────


@proves("S43", "SendMessage/JSON", "ReceiveMessage/JSON")
@pytest.mark.parametrize(
    "body",
    [
        "cr\rcrlf\r\nlf\n",
        "tab\tand \"quotes\" & <markup> 'x'",
        "emoji 🦀, umlaut ü, \ud7ff\ue000\ufffd\U00010000\U0010ffff",
        " \t\r\n ",
        '{"json": "as text"}',
    ],
)
def test_a_body_comes_back_byte_for_byte(aws, queue, body):
    sent = aws.send_message(QueueUrl=queue, MessageBody=body)
    digest = hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageBody"] == digest
    message = only(receive(aws, queue))
    assert message["Body"] == body
    assert message["MD5OfBody"] == digest
    assert message["MessageId"] == sent["MessageId"]


@proves("S44")
@pytest.mark.parametrize("character", ["\x00", "\x01", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_body_with_a_forbidden_character_is_refused(aws, queue, character):
    with refused("InvalidMessageContents", CHARACTERS):
        aws.send_message(QueueUrl=queue, MessageBody=f"before{character}after")
    assert counts(aws, queue) == (0, 0, 0)


@proves("S44")
def test_a_batch_entry_with_a_forbidden_character_fails_alone(aws, queue):
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": "\x01"}]
    reply = aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    failed = only(reply["Failed"])
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "InvalidMessageContents", True)


def test_an_empty_body_is_a_missing_parameter(aws, queue):
    with refused("MissingParameter", "The request must contain the parameter MessageBody."):
        aws.send_message(QueueUrl=queue, MessageBody="")


@proves("E18")
def test_a_batch_entry_with_an_empty_body_fails_alone(aws, queue):
    entries = [{"Id": "good", "MessageBody": "x"}, {"Id": "bad", "MessageBody": ""}]
    reply = aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    failed = only(reply["Failed"])
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == ("bad", "EmptyValue", True)


@pytest.mark.parametrize(
    ("body", "digest"),
    [
        ("message", "78e731027d8fd50ed642340b7c9a63b3"),
        ("test", "098f6bcd4621d373cade4e832627b4f6"),
        ("message-1", "3d6b824fd8c1520e9a047d21fee6fb1f"),
    ],
)
def test_the_digest_of_a_body_is_its_md5(aws, queue, body, digest):
    sent = aws.send_message(QueueUrl=queue, MessageBody=body)
    assert sent["MD5OfMessageBody"] == digest
    assert "MD5OfMessageAttributes" not in sent
    assert "SequenceNumber" not in sent


# ── message attributes ───────────────────────────────────────────────────────────────────────────────────

BINARY_TRACE = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"


@proves("E20")
@pytest.mark.parametrize(
    ("attributes", "digest"),
    [
        ({"k": text("x")}, "a45daa70926828a2f0a1db3418e6feb4"),
        ({"Foo": text("Bar")}, "ae7155c6026991b6d54b11589678bf9c"),
        ({"MyAttribute": text("foobar")}, "adb59cd4678ea5a855436b949cd07ab6"),
        ({"timestamp": text("1493147359900", "Number")}, "235c5c510d26fb653d073faed50ae77c"),
        (
            {"timestamp": text("1493147359900", "Number.java.lang.Long")},
            "2e2e4876d8e0bd6b8c2c8f556831c349",
        ),
        ({"somevalue": text("somevalue", "String.custom")}, "9e05cca738e70ff6c6041e82d5e77ef1"),
        ({"attr1": binary(BINARY_TRACE)}, "8cbe4db156db8a94db8b801b7addb984"),
        (
            {"General": text("Kenobi"), "Hello": text("There"), "Help.Me": text("Me")},
            "4c360f3fdafd970e05fae2f149d997f5",
        ),
        (
            {"mixed": binary(b"\x00\x01\xff", "Binary.png"), "n": text("3.14", "Number.float")},
            "ca1e0636639157479d7deb2c9fdfe906",
        ),
    ],
)
def test_message_attributes_come_back_as_sent_with_their_digest(aws, queue, attributes, digest):
    sent = aws.send_message(QueueUrl=queue, MessageBody="message", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == digest
    message = only(receive(aws, queue, MessageAttributeNames=["All"]))
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == digest


def test_ten_message_attributes_are_accepted_and_eleven_are_not(aws, queue):
    ten = {f"name{i}": text("x") for i in range(10)}
    aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=ten)
    with refused(
        "InvalidParameterValue", "Number of message attributes [11] exceeds the allowed maximum [10]."
    ):
        aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes={**ten, "more": text("x")})


@pytest.mark.parametrize("number", ["007", "-1.50", "1e10", "12345678901234567890123456789012345678"])
def test_a_number_is_kept_as_the_text_that_it_is(aws, queue, number):
    attributes = {"n": text(number, "Number")}
    aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    message = only(receive(aws, queue, MessageAttributeNames=["n"]))
    assert message["MessageAttributes"] == attributes


BAD_ATTRIBUTES = [
    ("name of 257", {"n" * 257: text("x")}, "Message (user) attribute name must be shorter than 256 bytes."),
    ("name with punctuation", {"x!": text("x")}, None),
    ("name with a space", {"a b": text("x")}, None),
    (
        "reserved name",
        {"AWS.x": text("x")},
        "You can't use message attribute names beginning with 'AWS.' or 'Amazon'. "
        "These strings are reserved for internal use.",
    ),
    ("reserved name in lower case", {"amazon.x": text("x")}, None),
    ("dot first", {".x": text("x")}, "Message (user) attribute name must not begin with character '.'."),
    ("dot last", {"x.": text("x")}, "Message (user) attribute name must not end with character '.'."),
    (
        "unknown type",
        {"x": text("x", "Strange")},
        "The type of message (user) attribute 'x' is invalid. You must use only the following supported "
        "type prefixes: Binary, Number, String.",
    ),
    (
        "type of 257",
        {"x": text("x", "String." + "t" * 250)},
        "Message (user) attribute type must be shorter than 256 bytes.",
    ),
    (
        "empty value",
        {"x": text("")},
        "Message (user) attribute 'x' must contain a non-empty value of type 'String'.",
    ),
    (
        "no value",
        {"x": {"DataType": "Number"}},
        "Message (user) attribute 'x' must contain a non-empty value of type 'Number'.",
    ),
    ("control character", {"x": text("a\x01b")}, None),
    (
        "not a number",
        {"x": text("seven", "Number")},
        "Can't cast the value of message (user) attribute 'x' to a number.",
    ),
]


@pytest.mark.parametrize(
    ("attributes", "message"), [case[1:] for case in BAD_ATTRIBUTES], ids=[case[0] for case in BAD_ATTRIBUTES]
)
def test_a_bad_message_attribute_is_refused(aws, queue, attributes, message):
    with refused("InvalidParameterValue", message):
        aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    assert counts(aws, queue) == (0, 0, 0)


def test_a_list_valued_message_attribute_is_not_supported(aws, queue):
    attributes = {"x": {"DataType": "String", "StringListValues": ["a"]}}
    reason = "Message attribute list values in SendMessage operation are not supported."
    with refused("AWS.SimpleQueueService.UnsupportedOperation", reason):
        aws.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)


def test_a_batch_entry_with_a_bad_attribute_fails_alone(aws, queue):
    entries = [
        {"Id": "good", "MessageBody": "x"},
        {"Id": "bad", "MessageBody": "x", "MessageAttributes": {"x": text("")}},
        {"Id": "late", "MessageBody": "x", "DelaySeconds": 901},
    ]
    reply = aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    assert [(f["Id"], f["Code"]) for f in reply["Failed"]] == [
        ("bad", "InvalidParameterValue"),
        ("late", "InvalidParameterValue"),
    ]


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────


@proves("SendMessageBatch/JSON")
def test_a_batch_keeps_the_order_of_its_entries_and_says_each_message_id(aws, queue):
    entries = [{"Id": f"id_{i}", "MessageBody": f"message-{i}"} for i in range(10)]
    reply = aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert "Failed" not in reply
    assert [entry["Id"] for entry in reply["Successful"]] == [entry["Id"] for entry in entries]
    received = receive(aws, queue)
    assert [m["Body"] for m in received] == [entry["MessageBody"] for entry in entries]
    assert [m["MessageId"] for m in received] == [entry["MessageId"] for entry in reply["Successful"]]


def test_an_empty_batch_is_refused(aws, queue):
    reason = "There should be at least one SendMessageBatchRequestEntry in the request."
    with refused("AWS.SimpleQueueService.EmptyBatchRequest", reason):
        aws.send_message_batch(QueueUrl=queue, Entries=[])


def test_a_batch_holds_at_most_ten_entries(aws, queue):
    entries = [{"Id": str(i), "MessageBody": "x"} for i in range(20)]
    reason = "Maximum number of entries per request are 10. You have sent 20."
    with refused("AWS.SimpleQueueService.TooManyEntriesInBatchRequest", reason):
        aws.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(aws, queue) == (0, 0, 0)


@proves("S11")
@pytest.mark.parametrize("entry_id", ["invalid:id", "x" * 100, ""])
def test_a_batch_entry_id_is_letters_digits_hyphens_and_underscores(unchecked, queue, entry_id):
    reason = (
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
        "It can be at most 80 letters long."
    )
    with refused("AWS.SimpleQueueService.InvalidBatchEntryId", reason):
        unchecked.send_message_batch(QueueUrl=queue, Entries=[{"Id": entry_id, "MessageBody": "x"}])


@proves("S11")
def test_the_entry_ids_of_a_batch_are_distinct(aws, queue):
    ids = ["id_1", "id_2", "id_3", "id_2", "id_1"]
    with refused("AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id id_2 repeated."):
        aws.send_message_batch(QueueUrl=queue, Entries=[{"Id": i, "MessageBody": "x"} for i in ids])


# ── delay ────────────────────────────────────────────────────────────────────────────────────────────────


@proves("E24")
def test_a_delayed_message_is_counted_as_delayed_and_wakes_a_waiting_receive_when_due(aws, queue):
    aws.send_message(QueueUrl=queue, MessageBody="late", DelaySeconds=1)
    assert counts(aws, queue) == (0, 0, 1)
    assert receive(aws, queue) == []
    assert only(receive(aws, queue, WaitTimeSeconds=10))["Body"] == "late"


def test_the_delay_of_a_message_wins_over_that_of_its_queue(aws, make_queue):
    url = make_queue(DelaySeconds="900")
    aws.send_message(QueueUrl=url, MessageBody="by the queue")
    aws.send_message(QueueUrl=url, MessageBody="at once", DelaySeconds=0)
    assert counts(aws, url) == (1, 0, 1)
    assert only(receive(aws, url))["Body"] == "at once"


@pytest.mark.parametrize("delay", [901, -1])
def test_a_delay_out_of_range_is_refused(unchecked, queue, delay):
    reason = (
        f"Value {delay} for parameter DelaySeconds is invalid. "
        "Reason: DelaySeconds must be >= 0 and <= 900."
    )
    with refused("InvalidParameterValue", reason):
        unchecked.send_message(QueueUrl=queue, MessageBody="x", DelaySeconds=delay)


# ── groups on a standard queue, and traces ───────────────────────────────────────────────────────────────


@proves("S33")
def test_a_message_group_id_on_a_standard_queue_is_echoed(aws, queue):
    sent = aws.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="tenant-1")
    assert "SequenceNumber" not in sent
    attributes = only(receive(aws, queue, MessageSystemAttributeNames=["All"]))["Attributes"]
    assert attributes["MessageGroupId"] == "tenant-1"
    assert "SequenceNumber" not in attributes


@proves("S33")
@pytest.mark.parametrize("group", ["x" * 129, "with space", ""])
def test_a_bad_message_group_id_is_refused_on_a_standard_queue_too(aws, queue, group):
    reason = (
        f"Value {group} for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
        "alphanumeric and punctuation characters. 1 to 128 in length."
    )
    with refused("InvalidParameterValue", reason):
        aws.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId=group)


def test_a_deduplication_id_is_not_for_standard_queues(aws, queue):
    reason = "The request include parameter MessageDeduplicationId which is not valid for this queue type"
    with refused("InvalidParameterValue", reason):
        aws.send_message(QueueUrl=queue, MessageBody="x", MessageDeduplicationId="d")


@proves("S36")
def test_a_trace_header_given_as_attribute_is_a_system_attribute_with_a_digest_of_its_own(aws, queue):
    system = {"AWSTraceHeader": text(TRACE)}
    sent = aws.send_message(
        QueueUrl=queue,
        MessageBody="x",
        MessageAttributes={"k": text("x")},
        MessageSystemAttributes=system,
    )
    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    assert sent["MD5OfMessageAttributes"] == "a45daa70926828a2f0a1db3418e6feb4"
    message = only(receive(aws, queue, MessageSystemAttributeNames=["AWSTraceHeader"]))
    assert message["Attributes"] == {"AWSTraceHeader": TRACE}
    assert "MessageAttributes" not in message


@proves("S36")
def test_a_trace_header_given_as_http_header_is_the_same_attribute(broker, queue):
    aws = sqs.client(broker.broker_url)

    def add_header(request: AWSRequest, **_):
        request.headers["X-Amzn-Trace-Id"] = TRACE

    aws.meta.events.register("before-sign.sqs.SendMessage", add_header)
    aws.send_message(QueueUrl=queue, MessageBody="x")
    message = only(receive(aws, queue, MessageSystemAttributeNames=["All"]))
    assert message["Attributes"]["AWSTraceHeader"] == TRACE


def test_no_other_system_attribute_can_be_sent(unchecked, queue):
    with refused("InvalidParameterValue", "Message system attribute name 'SenderId' is invalid."):
        unchecked.send_message(
            QueueUrl=queue, MessageBody="x", MessageSystemAttributes={"SenderId": text("me")}
        )


# ── retention ────────────────────────────────────────────────────────────────────────────────────────────


@proves("S42")
@pytest.mark.slow
def test_an_expired_message_is_gone_even_in_flight_and_its_handle_still_deletes(aws, make_queue):
    url = make_queue(MessageRetentionPeriod="60", VisibilityTimeout="600")
    aws.send_message(QueueUrl=url, MessageBody="in flight")
    taken = only(receive(aws, url))
    aws.send_message(QueueUrl=url, MessageBody="available")
    aws.send_message(QueueUrl=url, MessageBody="delayed", DelaySeconds=900)
    assert counts(aws, url) == (1, 1, 1)
    wait.until(lambda: counts(aws, url) == (0, 0, 0), "all three messages expired", 80, pause=1)
    assert receive(aws, url) == []
    aws.delete_message(QueueUrl=url, ReceiptHandle=taken["ReceiptHandle"])
