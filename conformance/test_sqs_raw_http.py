"""The JSON protocol byte by byte: what no SDK sends, and the headers and types that SDKs read for the user."""

import contextlib
import json
import re
import select
import socket

import pytest

from compatibility.proves import proves
from harness import http, sqs
from harness.sqs import ACCOUNT, json_call, new_name

CLIENT = "plain HTTP"

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
GENERIC = "com.amazon.coral.service#"
MODELLED = "com.amazonaws.sqs#"


@pytest.fixture(scope="module")
def endpoint(broker):
    return broker.broker_url


def assert_error(answer, status, kind, query_error, message=None):
    """An error as the JSON protocol spells it: status, `__type`, `x-amzn-query-error`, text."""
    assert answer.status == status, (answer.status, answer.text)
    assert answer.media_type == "application/x-amz-json-1.0"
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert answer.headers["x-amzn-query-error"] == query_error
    error = answer.json()
    assert error["__type"] == kind
    if message is not None:
        assert error["message"] == message


# ── success ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_success_has_the_media_type_and_a_request_id_of_its_own(endpoint):
    seen = set()
    for _ in range(2):
        answer = json_call(endpoint, "ListQueues", {"QueueNamePrefix": new_name("none")})
        assert answer.status == 200
        assert answer.media_type == "application/x-amz-json-1.0"
        assert answer.json() == {}
        seen.add(answer.headers["x-amzn-requestid"])
    assert len(seen) == 2 and all(UUID.fullmatch(one) for one in seen)


def test_an_operation_without_output_answers_an_empty_object(endpoint, queue):
    answer = json_call(endpoint, "PurgeQueue", {"QueueUrl": queue})
    assert (answer.status, answer.json()) == (200, {})


@proves("E5")
def test_nothing_is_said_as_nothing(endpoint, queue):
    assert json_call(endpoint, "ReceiveMessage", {"QueueUrl": queue}).json() == {}
    assert json_call(endpoint, "ListQueueTags", {"QueueUrl": queue}).json() == {}
    assert json_call(endpoint, "GetQueueAttributes", {"QueueUrl": queue}).json() == {}


@proves("E7")
def test_attribute_values_are_strings(endpoint, queue):
    asked = {"QueueUrl": queue, "AttributeNames": ["All"]}
    attributes = json_call(endpoint, "GetQueueAttributes", asked).json()["Attributes"]
    assert all(isinstance(value, str) for value in attributes.values())


@pytest.mark.parametrize("media_type", ["application/x-amz-json-1.0; charset=utf-8", "application/x-amz-json-1.1"])
def test_media_type_parameters_and_version_1_1_are_accepted(endpoint, media_type):
    answer = json_call(endpoint, "ListQueues", {}, headers={"Content-Type": media_type})
    assert answer.status == 200


def test_unknown_members_and_nulls_are_as_good_as_absent(endpoint, queue):
    asked = {"QueueUrl": queue, "Strange": {"a": [1]}, "MaxNumberOfMessages": None}
    assert json_call(endpoint, "ReceiveMessage", asked).status == 200


def test_an_empty_request_body_is_an_empty_object(endpoint):
    assert json_call(endpoint, "ListQueues", "").status == 200


@proves("S2")
def test_json_posted_to_the_path_of_another_queue_goes_to_the_named_queue(endpoint, aws, make_queue):
    one, other = make_queue(), make_queue()
    path = f"/{ACCOUNT}/{other.rsplit('/', 1)[1]}"
    asked = {"QueueUrl": one, "MessageBody": "x"}
    assert json_call(endpoint, "SendMessage", asked, path=path).status == 200
    assert sqs.counts(aws, one) == (1, 0, 0)
    assert sqs.counts(aws, other) == (0, 0, 0)


def test_an_escaped_body_is_decoded_before_it_is_digested(endpoint, queue):
    asked = '{"QueueUrl":%s,"MessageBody":"\\u0074est"}' % json.dumps(queue)
    answer = json_call(endpoint, "SendMessage", asked)
    assert answer.json()["MD5OfMessageBody"] == "098f6bcd4621d373cade4e832627b4f6"


def test_a_client_that_expects_100_continue_gets_it(broker, queue):
    body = json.dumps({"QueueUrl": queue, "MessageBody": "x"}).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{broker.broker_port}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", broker.broker_port), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200")


def test_the_public_url_is_the_host_that_the_client_used(broker):
    port = broker.broker_port
    name = new_name()
    asked = {"QueueName": name}
    answer = json_call(f"http://localhost:{port}", "CreateQueue", asked)
    assert answer.json()["QueueUrl"] == f"http://localhost:{port}/{ACCOUNT}/{name}"
    broker.sqs.delete_queue(QueueUrl=answer.json()["QueueUrl"])


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────


@proves("E1", "E2")
def test_a_modelled_error(endpoint):
    missing = f"{endpoint}/{ACCOUNT}/{new_name('missing')}"
    assert_error(
        json_call(endpoint, "ReceiveMessage", {"QueueUrl": missing}),
        400,
        MODELLED + "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue;Sender",
        "The specified queue does not exist.",
    )


@proves("E1", "E4")
def test_a_modelled_error_with_a_status_of_its_own(endpoint, queue):
    assert_error(
        json_call(endpoint, "DeleteMessage", {"QueueUrl": queue, "ReceiptHandle": "garbage"}),
        404,
        MODELLED + "ReceiptHandleIsInvalid",
        "ReceiptHandleIsInvalid;Sender",
        'The input receipt handle "garbage" is not a valid receipt handle.',
    )


@proves("E4")
def test_an_error_of_the_purge_window_is_a_403(strict_broker):
    aws = strict_broker.sqs
    url = aws.create_queue(QueueName=new_name())["QueueUrl"]
    asked = {"QueueUrl": url}
    assert json_call(strict_broker.broker_url, "PurgeQueue", asked).status == 200
    assert_error(
        json_call(strict_broker.broker_url, "PurgeQueue", asked),
        403,
        MODELLED + "PurgeQueueInProgress",
        "AWS.SimpleQueueService.PurgeQueueInProgress;Sender",
    )


def test_an_error_that_the_model_does_not_have(endpoint, queue):
    assert_error(
        json_call(endpoint, "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 11}),
        400,
        GENERIC + "InvalidParameterValueException",
        "InvalidParameterValue;Sender",
    )


@pytest.mark.parametrize(
    ("action", "body", "parameter"),
    [
        ("SendMessage", {"MessageBody": "x"}, "QueueUrl"),
        ("SendMessage", {"QueueUrl": "QUEUE"}, "MessageBody"),
        ("DeleteMessage", {"QueueUrl": "QUEUE"}, "ReceiptHandle"),
        ("ChangeMessageVisibility", {"QueueUrl": "QUEUE", "ReceiptHandle": "HANDLE"}, "VisibilityTimeout"),
    ],
)
def test_a_missing_parameter_is_named(endpoint, aws, queue, action, body, parameter):
    aws.send_message(QueueUrl=queue, MessageBody="x")
    handle = sqs.receive(aws, queue)[0]["ReceiptHandle"]
    given = {"QUEUE": queue, "HANDLE": handle}
    assert_error(
        json_call(endpoint, action, {k: given.get(v, v) for k, v in body.items()}),
        400,
        GENERIC + "MissingRequiredParameterException",
        "MissingParameter;Sender",
        f"The request must contain the parameter {parameter}.",
    )


@pytest.mark.parametrize("action", ["FooBar", "sendmessage", ""])
def test_an_unknown_operation_is_refused(endpoint, action):
    answer = json_call(endpoint, action, {})
    kind = GENERIC + "UnknownOperationException"
    assert_error(answer, 400, kind, "InvalidAction;Sender")


def test_json_without_a_target_is_an_unknown_operation(endpoint):
    answer = json_call(endpoint, None, {})
    assert_error(answer, 400, GENERIC + "UnknownOperationException", "InvalidAction;Sender")


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("MessageBody", 5, "NUMBER_VALUE can not be converted to a String"),
        ("MessageBody", True, "TRUE_VALUE can not be converted to a String"),
        ("MessageBody", False, "FALSE_VALUE can not be converted to a String"),
        ("MessageBody", {"a": 1}, "Start of structure or map found where not expected."),
        ("MessageBody", ["a"], "Start of list found where not expected"),
        ("DelaySeconds", "5", "STRING_VALUE can not be converted to an Integer"),
    ],
)
def test_a_member_of_the_wrong_json_type_is_a_serialization_error(endpoint, queue, member, value, message):
    asked = {"QueueUrl": queue, "MessageBody": "x", member: value}
    assert_error(
        json_call(endpoint, "SendMessage", asked),
        400,
        GENERIC + "SerializationException",
        "MalformedInput;Sender",
        message,
    )


@pytest.mark.parametrize(
    "body", ["{", "[]", "nonsense", b"\xff\xfe", '{"QueueUrl":"\\x"}', '{"QueueUrl":"x"} trailing']
)
def test_what_is_not_a_json_object_is_a_serialization_error(endpoint, body):
    answer = json_call(endpoint, "SendMessage", body)
    assert_error(answer, 400, GENERIC + "SerializationException", "MalformedInput;Sender")


@proves("S44")
def test_half_of_a_surrogate_pair_is_a_forbidden_character(endpoint, aws, queue):
    asked = '{"QueueUrl":%s,"MessageBody":"before\\ud800after"}' % json.dumps(queue)
    answer = json_call(endpoint, "SendMessage", asked)
    assert_error(answer, 400, MODELLED + "InvalidMessageContents", "InvalidMessageContents;Sender")
    entries = '[{"Id":"good","MessageBody":"x"},{"Id":"bad","MessageBody":"\\ud800"}]'
    asked = '{"QueueUrl":%s,"Entries":%s}' % (json.dumps(queue), entries)
    reply = json_call(endpoint, "SendMessageBatch", asked).json()
    assert [entry["Id"] for entry in reply["Successful"]] == ["good"]
    assert [entry["Code"] for entry in reply["Failed"]] == ["InvalidMessageContents"]
    assert sqs.counts(aws, queue) == (1, 0, 0)


def test_an_integral_float_is_an_integer(endpoint, queue):
    asked = '{"QueueUrl":%s,"MaxNumberOfMessages":10.0}' % json.dumps(queue)
    assert json_call(endpoint, "ReceiveMessage", asked).status == 200


# ── safety ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_from_a_web_page_is_refused(endpoint, aws, queue):
    # A page that a developer happens to visit must not reach a broker that checks no signatures.
    asked = {"QueueUrl": queue, "MessageBody": "x"}
    answer = json_call(endpoint, "SendMessage", asked, headers={"Origin": "http://evil.invalid"})
    assert answer.status == 403, answer.text
    assert sqs.counts(aws, queue) == (0, 0, 0)


def test_an_oversize_body_is_refused_and_the_broker_goes_on(broker, aws, queue):
    # More than any legal request can be, even with every byte escaped.
    declared = 64 << 20
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{broker.broker_port}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n"
        f"Content-Length: {declared}\r\n\r\n"
    )
    part = b"x" * (1 << 20)
    sent = 0
    with socket.create_connection(("127.0.0.1", broker.broker_port), timeout=20) as connection:
        connection.sendall(head.encode())
        # A server that has heard enough answers, and closes while the client may still be writing.
        with contextlib.suppress(ConnectionError):
            while sent < declared and not select.select([connection], [], [], 0)[0]:
                connection.sendall(part)
                sent += len(part)
            assert connection.recv(1024).split(b" ")[1] in (b"400", b"413")
    assert sent < declared, "it took the whole of it"
    aws.send_message(QueueUrl=queue, MessageBody="still here")


def test_a_legal_batch_is_accepted_although_escaping_makes_it_six_times_as_long(endpoint, aws, queue):
    escaped = "\\u0041" * 1_048_576
    asked = '{"QueueUrl":%s,"MessageBody":"%s"}' % (json.dumps(queue), escaped)
    assert json_call(endpoint, "SendMessage", asked).status == 200
    assert sqs.receive(aws, queue)[0]["Body"] == "A" * 1_048_576


def test_what_is_not_http_does_not_hurt(broker, aws, queue):
    with socket.create_connection(("127.0.0.1", broker.broker_port), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
        connection.recv(1024)
    aws.send_message(QueueUrl=queue, MessageBody="still here")


def test_a_client_that_leaves_while_it_waits_takes_no_message_along(broker, aws, queue):
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20}).encode()
    head = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{broker.broker_port}\r\n"
        "Content-Type: application/x-amz-json-1.0\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for _ in range(5):
        connection = socket.create_connection(("127.0.0.1", broker.broker_port), timeout=10)
        connection.sendall(head.encode() + body)
        # An answer to a second client shows that the broker had time to read the first one's request.
        http.get(broker.broker_url)
        connection.close()
    http.get(broker.broker_url)
    aws.send_message(QueueUrl=queue, MessageBody="x")
    assert [m["Body"] for m in sqs.receive(aws, queue, WaitTimeSeconds=5)] == ["x"]


# ── what SDKs of one language or another rely on ─────────────────────────────────────────────────────────


@proves("F8")
def test_an_error_has_its_shape_in_a_header(endpoint, queue):
    shapes = {
        "GetQueueUrl": ({"QueueName": new_name("none")}, "QueueDoesNotExist"),
        "SendMessage": ({"QueueUrl": queue}, "MissingRequiredParameterException"),
        "DeleteMessage": ({"QueueUrl": queue, "ReceiptHandle": "garbage"}, "ReceiptHandleIsInvalid"),
    }
    for action, (members, shape) in shapes.items():
        assert json_call(endpoint, action, members).headers["x-amzn-errortype"] == shape


@proves("F9")
def test_a_tag_or_an_attribute_of_null_is_refused_and_nothing_is_stored(endpoint, queue):
    for action, members in [
        ("TagQueue", {"Tags": {"k": None, "r": "v"}}),
        ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "5", "VisibilityTimeout": None}}),
    ]:
        answer = json_call(endpoint, action, {"QueueUrl": queue, **members})
        kind, code = GENERIC + "InvalidParameterValueException", "InvalidParameterValue;Sender"
        assert_error(answer, 400, kind, code, "the parameter 'value' may not be null")
    assert json_call(endpoint, "ListQueueTags", {"QueueUrl": queue}).json() == {}
    names = {"QueueUrl": queue, "AttributeNames": ["DelaySeconds"]}
    assert json_call(endpoint, "GetQueueAttributes", names).json() == {"Attributes": {"DelaySeconds": "0"}}
