"""What somebody who runs a broker sees of it: numbers for Prometheus, and a line for each request."""

import json
from collections import defaultdict

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from harness import http, sqs, wait
from harness.process import Process, binary, clean_environment, free_port
from harness.sqs import receive
from harness.system import System

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def scrape(url):
    """The samples at `url`: a list of labels and values for each name."""
    answer = http.get(url)
    assert (answer.status, answer.headers["content-type"]) == (200, MEDIA_TYPE), answer.text
    found = defaultdict(list)
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation, family.name
        for sample in family.samples:
            found[sample.name].append((sample.labels, sample.value))
    return found


def total(samples, **labels):
    """The sum of the samples that have these labels."""
    return sum(value for of, value in samples if labels.items() <= of.items())


class Watched(System):
    """A broker whose metrics are served, and whose log says all that it can say."""

    def start(self, *flags, rust_log="trace"):
        self.metrics_url = f"http://127.0.0.1:{free_port()}/metrics"
        listen = self.metrics_url.removeprefix("http://").removesuffix("/metrics")
        argv = [binary(), "broker", "--data", self.data, "--broker-listen", f"127.0.0.1:{self.broker_port}"]
        argv += ["--metrics-listen", listen, "--log-format", "json", *flags]
        environment = clean_environment(RUST_LOG=rust_log) if rust_log else clean_environment()
        self.broker = Process("watched", argv, self.directory, environment)
        self.await_broker()
        return self

    def scrape(self):
        """The samples: a dictionary of labels and values for each name."""
        return scrape(self.metrics_url)

    def of_queue(self, queue):
        """What a scrape says of one queue, by name."""
        of_queue = {}
        for name, samples in self.scrape().items():
            values = [value for labels, value in samples if labels.get("queue") == queue and "le" not in labels]
            if values:
                (of_queue[name],) = values
        return of_queue

    def lines(self):
        """The lines of the log that are about requests."""
        parsed = (json.loads(line) for line in self.broker.output().splitlines() if line.startswith("{"))
        return [line for line in parsed if line["target"] == "longshore_broker::request"]

    def line_of(self, request_id):
        """The line of a request, once it is written: the reply may be read before."""

        def written():
            return [line for line in self.lines() if line["request_id"] == request_id]

        (line,) = wait.until(written, f"a line of the request {request_id}")
        return line


@pytest.fixture
def watched(tmp_path):
    system = Watched(tmp_path)
    yield system
    system.kill()


def test_a_scrape_says_what_boto3_did(watched):
    watched.start(rust_log=None)
    aws = watched.sqs
    queue = aws.create_queue(QueueName="jobs")["QueueUrl"]
    for _ in range(3):
        aws.send_message(QueueUrl=queue, MessageBody="four")
    aws.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    assert receive(aws, queue, MaxNumberOfMessages=1)
    handle = receive(aws, queue, MaxNumberOfMessages=1)[0]["ReceiptHandle"]
    for _ in range(2):
        aws.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    empty = aws.create_queue(QueueName="empty")["QueueUrl"]
    assert receive(aws, empty, WaitTimeSeconds=0) == []
    jobs = watched.of_queue("jobs")
    age = jobs.pop("aws_sqs_approximate_age_of_oldest_message_seconds")
    assert 0 <= age < 60
    assert jobs.pop("aws_sqs_approximate_age_of_oldest_message_in_quiet_groups_seconds") == pytest.approx(age)
    assert jobs == {
        "aws_sqs_approximate_number_of_messages_visible": 1,
        "aws_sqs_approximate_number_of_messages_not_visible": 1,
        "aws_sqs_approximate_number_of_messages_delayed": 1,
        "aws_sqs_approximate_number_of_noisy_groups": 0,
        "aws_sqs_approximate_number_of_messages_visible_in_quiet_groups": 1,
        "aws_sqs_approximate_number_of_messages_not_visible_in_quiet_groups": 1,
        "aws_sqs_approximate_number_of_messages_delayed_in_quiet_groups": 1,
        "aws_sqs_number_of_messages_sent_total": 4,
        "aws_sqs_number_of_messages_received_total": 2,
        "aws_sqs_number_of_messages_deleted_total": 2,
        "aws_sqs_number_of_empty_receives_total": 0,
        "aws_sqs_sent_message_size_bytes_count": 4,
        "aws_sqs_sent_message_size_bytes_sum": 3 * 4 + 5,
        "longshore_waiting_receives": 0,
    }
    assert watched.of_queue("empty")["aws_sqs_number_of_empty_receives_total"] == 1
    scraped = watched.scrape()
    requests = {
        (labels["action"], labels["protocol"], labels["code"]): value
        for labels, value in scraped["longshore_requests_total"]
    }
    assert requests[("SendMessage", "json", "OK")] == 4
    assert requests[("DeleteMessage", "json", "OK")] == 2
    assert scraped["longshore_store_failed"] == [({}, 0)]
    assert scraped["longshore_log_sync_duration_seconds_count"][0][1] > 0
    aws.delete_queue(QueueUrl=queue)
    assert watched.of_queue("jobs") == {}


def test_a_fifo_queue_counts_groups_and_duplicates(watched):
    watched.start(rust_log=None)
    aws = watched.sqs
    queue = aws.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body, group in [("1", "a"), ("2", "b"), ("1", "a")]:
        aws.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body)
    assert len(receive(aws, queue, MaxNumberOfMessages=1)) == 1
    orders = watched.of_queue("orders.fifo")
    assert orders["aws_sqs_number_of_messages_sent_total"] == 2
    assert orders["aws_sqs_number_of_deduplicated_sent_messages_total"] == 1
    assert orders["aws_sqs_approximate_number_of_groups_with_inflight_messages"] == 1


def test_metrics_are_nowhere_unless_asked_for_and_then_named_at_the_start(watched, broker):
    watched.start(rust_log=None)
    place = watched.metrics_url.removeprefix("http://127.0.0.1")
    # The broker answers a moment before it says where.
    wait.until(lambda: f"http://localhost{place}" in watched.broker.output(), "the address of the metrics")
    for url in [watched.broker_url, broker.broker_url]:
        assert http.get(f"{url}/metrics").media_type != MEDIA_TYPE.split(";")[0]


def test_up_serves_the_metrics_of_its_broker(tmp_path):
    port = free_port()
    system = System(tmp_path, broker_flags=["--metrics-listen", f"127.0.0.1:{port}"])
    try:
        system.start_up()
        page = http.get(f"http://127.0.0.1:{port}/metrics")
        families = {family.name for family in text_string_to_metric_families(page.text)}
        assert "aws_sqs_number_of_messages_sent" in families
        assert system.app.stop() == 0
    finally:
        system.kill()


def test_a_line_says_of_each_request_what_it_was_and_bears_the_id_of_its_reply(watched):
    watched.start("--log-requests", rust_log="info")
    aws = watched.sqs
    made = aws.create_queue(QueueName="jobs")
    sent = aws.send_message(QueueUrl=made["QueueUrl"], MessageBody="hello")
    line = watched.line_of(sent["ResponseMetadata"]["RequestId"])
    expected = {"action": "SendMessage", "queue": "jobs", "protocol": "json", "status": 200, "level": "DEBUG"}
    assert expected.items() <= line.items()
    assert line["took_us"] > 0
    assert "code" not in line
    refused = sqs.json_call(watched.broker_url, "GetQueueUrl", {"QueueName": "none"})
    line = watched.line_of(refused.headers["x-amzn-requestid"])
    code = "AWS.SimpleQueueService.NonExistentQueue"
    expected = {"action": "GetQueueUrl", "queue": "none", "status": 400, "code": code}
    assert expected.items() <= line.items()
    queried = http.get(f"{watched.broker_url}/?Action=ListQueues")
    line = watched.line_of(queried.headers["x-amzn-requestid"])
    assert {"action": "ListQueues", "protocol": "query", "status": 200}.items() <= line.items()
    assert "queue" not in line


def test_requests_are_not_logged_unless_asked_for(watched):
    watched.start(rust_log=None)
    watched.sqs.create_queue(QueueName="jobs")
    assert watched.broker.stop() == 0
    assert watched.lines() == []


# Each is sent in a place of its own; none may be seen in a log.
SECRETS = {
    place: f"Canary{number:04}{place}"
    for number, place in enumerate(
        ["body", "string", "binary", "trace", "malformed", "form", "handle", "key", "signature", "tag", "group"]
    )
}


def test_no_log_at_any_level_bears_what_a_message_or_a_signature_bears(watched):
    watched.start("--log-requests", rust_log="trace")
    aws, url = watched.sqs, watched.broker_url
    queue = aws.create_queue(QueueName="jobs", tags={"owner": SECRETS["tag"]})["QueueUrl"]
    attributes = {
        "text": {"DataType": "String", "StringValue": SECRETS["string"]},
        "bytes": {"DataType": "Binary", "BinaryValue": SECRETS["binary"].encode()},
    }
    aws.send_message(
        QueueUrl=queue, MessageBody=SECRETS["body"], MessageAttributes=attributes, MessageGroupId=SECRETS["group"]
    )
    message = receive(aws, queue, MessageAttributeNames=["All"])[0]
    assert message["Body"] == SECRETS["body"]
    aws.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=60)
    aws.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    with sqs.refused("ReceiptHandleIsInvalid", status=404):
        aws.delete_message(QueueUrl=queue, ReceiptHandle=SECRETS["handle"])
    with sqs.refused("AWS.SimpleQueueService.NonExistentQueue"):
        aws.send_message(QueueUrl=f"{url}/{sqs.ACCOUNT}/none", MessageBody=SECRETS["body"])
    too_large = {"QueueUrl": queue, "MessageBody": SECRETS["body"] + "x" * 1_048_576}
    assert sqs.json_call(url, "SendMessage", too_large).status == 400
    signed = (
        f"AWS4-HMAC-SHA256 Credential={SECRETS['key']}/20261123/us-east-1/sqs/aws4_request, "
        f"SignedHeaders=host, Signature={SECRETS['signature']}"
    )
    malformed = '{"QueueUrl": "' + queue + '", "MessageBody": "' + SECRETS["malformed"] + '" oops'
    headers = {"Authorization": signed, "X-Amzn-Trace-Id": SECRETS["trace"]}
    for body in [malformed, {"QueueUrl": queue, "MessageBody": [SECRETS["malformed"]]}]:
        assert sqs.json_call(url, "SendMessage", body, headers).status == 400
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for action in ["SendMessage", "NoSuchAction", SECRETS["form"]]:
        body = f"Action={action}&QueueUrl=nowhere&MessageBody={SECRETS['form']}"
        assert http.request("POST", f"{url}/", form, body).status == 400
    path = f"/?Action=SendMessage&MessageBody={SECRETS['form']}&X-Amz-Signature={SECRETS['signature']}"
    assert http.get(url + path).status == 404
    page = http.get(watched.metrics_url).text
    assert watched.broker.stop() == 0
    log = watched.broker.output()
    assert len(watched.lines()) >= 14
    for place, secret in {**SECRETS, "receipt handle": message["ReceiptHandle"]}.items():
        assert secret not in log, place
        assert secret not in page, place


def test_app_and_worker_show_their_tasks_and_every_request_that_the_broker_was_asked(tmp_path):
    broker_metrics, app_port = f"127.0.0.1:{free_port()}", free_port()
    system = System(tmp_path, broker_flags=["--metrics-listen", broker_metrics], worker_flags=["--work-time", "0s"])
    system.app_flags = ["--app-health-listen", f"127.0.0.1:{app_port}", "--work-time", "0s"]
    try:
        system.start_apart(workers=1)
        accepted = [http.get(f"{system.app_url}/fibonacci?value={value}") for value in range(1, 21)]
        urls = [answer.json()["callbackUrl"] for answer in accepted]
        wait.until(lambda: all(http.get(url).json()["status"] == "COMPLETED" for url in urls), "all tasks are done")

        roles = [f"{system.workers[0].health_url}/metrics", f"http://127.0.0.1:{app_port}/metrics"]

        def deletes_are_done():
            deleted = [scrape(url)["longshore_sqs_entries_total"] for url in roles]
            return sum(total(entries, action="DeleteMessageBatch") for entries in deleted) >= 40

        wait.until(deletes_are_done, "what was done is deleted")
        worker, app = map(scrape, roles)
        assert total(worker["longshore_task_runs_total"], task="fibonacci", outcome="done") == 20
        assert total(worker["longshore_task_run_duration_seconds_count"], task="fibonacci") == 20
        assert total(worker["longshore_task_lateness_seconds_count"], task="fibonacci") == 20
        assert total(app["longshore_replies_total"], fate="kept") == 20
        for role in (worker, app):
            assert total(role["longshore_store_call_duration_seconds_count"], call="write") >= 1
            assert total(role["longshore_sqs_requests_total"], purpose="other") == 0

        asked = scrape(f"http://{broker_metrics}/metrics")["longshore_requests_total"]
        for action in ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"):
            metered = [total(role["longshore_sqs_requests_total"], action=action) for role in (worker, app)]
            assert sum(metered) == pytest.approx(total(asked, action=action)), action
        page = http.get(f"http://127.0.0.1:{app_port}/health").json()
        assert page["role"] == "app" and page["requests"]["byPurpose"]["task"]["entries"] == 20
    finally:
        system.kill()
