"""The Query protocol byte by byte: addresses that are queues, GETs, JSON on request, and what web pages may not."""

import pytest

from compatibility.proves import proves
from harness import http, sqs
from harness.query import form, get, texts, xml
from harness.sqs import ACCOUNT, new_name

CLIENT = "plain HTTP"


@pytest.fixture(scope="module")
def endpoint(broker):
    return broker.broker_url


@pytest.fixture
def path(queue):
    return f"/{ACCOUNT}/{queue.rsplit('/', 1)[1]}"


def assert_error(answer, status, code, message):
    assert answer.status == status, (answer.status, answer.text)
    assert (texts(answer, "Type"), texts(answer, "Code")) == (["Sender"], [code])
    assert texts(answer, "Message") == [message]
    assert "<Detail/>" in answer.text
    assert texts(answer, "RequestId") == [answer.headers["x-amzn-requestid"]]


@proves("S1", "E11")
@pytest.mark.parametrize("accept", [None, "application/json"])
def test_a_queue_url_without_an_action_is_an_unknown_operation(endpoint, path, accept):
    headers = {"Accept": accept} if accept else {}
    for answer in (http.get(endpoint + path, headers), form(endpoint, {}, path, headers)):
        assert (answer.status, answer.text) == (404, "<UnknownOperationException/>")
        xml(answer)


@pytest.mark.parametrize("send", [form, get])
def test_an_action_that_there_is_not_is_refused_everywhere(endpoint, path, send):
    message = "The action FooBar is not valid for this endpoint."
    for at in ("/", path):
        assert_error(send(endpoint, {"Action": "FooBar"}, at), 400, "InvalidAction", message)


@pytest.mark.parametrize("action", ["CreateQueue", "ListQueues"])
def test_an_action_on_no_queue_is_refused_at_a_queue_url(endpoint, path, action):
    message = f"The action {action} is not valid for this endpoint."
    answer = get(endpoint, {"Action": action, "QueueName": new_name()}, path)
    assert_error(answer, 400, "InvalidAction", message)


def test_actions_work_by_get_on_a_queue_url(endpoint, aws, queue, path, make_queue):
    sent = get(endpoint, {"Action": "SendMessage", "MessageBody": "a b+c"}, path)
    assert sent.status == 200 and texts(sent, "MessageId")
    received = get(endpoint, {"Action": "ReceiveMessage", "AttributeName": ""}, path)
    assert texts(received, "Body") == ["a b+c"]
    other = make_queue()
    found = get(endpoint, {"Action": "GetQueueUrl", "QueueName": other.rsplit("/", 1)[1]}, path)
    assert texts(found, "QueueUrl") == [other]
    assert get(endpoint, {"Action": "DeleteQueue"}, path).status == 200
    message = "The specified queue does not exist for this wsdl version."
    gone = get(endpoint, {"Action": "ReceiveMessage"}, path)
    assert_error(gone, 400, "AWS.SimpleQueueService.NonExistentQueue", message)


def test_the_queue_url_parameter_wins_over_the_path(endpoint, aws, queue, path, make_queue):
    other = make_queue()
    asked = {"Action": "SendMessage", "MessageBody": "x", "QueueUrl": other}
    assert form(endpoint, asked, path).status == 200
    assert (sqs.counts(aws, queue), sqs.counts(aws, other)) == ((0, 0, 0), (1, 0, 0))


def test_a_parameter_that_is_missing_is_named(endpoint, path):
    message = "The request must contain the parameter MessageBody."
    assert_error(form(endpoint, {"Action": "SendMessage"}, path), 400, "MissingParameter", message)


@proves("E5")
def test_an_empty_receive_has_an_empty_result(endpoint, path):
    answer = form(endpoint, {"Action": "ReceiveMessage"}, path)
    assert "<ReceiveMessageResult/>" in answer.text


def test_who_accepts_json_gets_it(endpoint, queue, path):
    accept = {"Accept": "application/json"}
    asked = {"Action": "GetQueueAttributes", "AttributeName.1": "DelaySeconds"}
    answer = get(endpoint, asked, path, accept)
    assert answer.media_type == "application/json"
    response = answer.json()["GetQueueAttributesResponse"]
    assert response["GetQueueAttributesResult"] == {"Attributes": [{"Name": "DelaySeconds", "Value": "0"}]}
    assert response["ResponseMetadata"]["RequestId"] == answer.headers["x-amzn-requestid"]
    refused = get(endpoint, {"Action": "FooBar"}, path, accept)
    error = refused.json()["Error"]
    assert (refused.status, error["Code"], error["Type"]) == (400, "InvalidAction", "Sender")


def test_too_many_parameters_are_refused(endpoint, path):
    asked = [("Action", "UntagQueue"), *((f"TagKey.{n}", "x") for n in range(5000))]
    message = "A request can have at most 5000 parameters."
    assert_error(form(endpoint, asked, path), 400, "MalformedInput", message)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "pages.example"}],
    ids=["a script", "an image", "a name that was made to resolve to this host"],
)
def test_a_get_of_a_web_page_is_refused(endpoint, aws, queue, path, headers):
    answer = get(endpoint, {"Action": "SendMessage", "MessageBody": "x"}, path, headers)
    assert answer.status == 403, answer.text
    assert sqs.counts(aws, queue) == (0, 0, 0)


def test_a_form_of_a_web_page_is_refused(endpoint, aws, queue, path):
    headers = {"Origin": "http://pages.example"}
    answer = form(endpoint, {"Action": "SendMessage", "MessageBody": "x"}, path, headers)
    assert answer.status == 403, answer.text
    assert sqs.counts(aws, queue) == (0, 0, 0)
