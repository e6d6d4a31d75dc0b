"""A broker that requires signatures: who gets in, whose queues they are, and what policies open (§10, §7.2)."""

import datetime
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compatibility.proves import proves
from harness import http, signature, sqs, wait
from harness.process import Process, binary, clean_environment, free_port
from harness.query import OldClient, get, texts
from harness.sqs import new_name, refused
from harness.system import System

CLIENT = sqs.CLIENT

AWS = Path(sys.executable).parent / "aws"
# The key that every client of these tests uses when nothing else is said: of the broker's own account.
OWN = ("test", "test")
ANN = ("ann", "the secret of ann")
TWO = ("222222222222", "the secret of 2")
KEYS = """
[[access_key]]
id = "test"
secret = "test"

[[access_key]]
id = "ann"
secret = "the secret of ann"
account = "111111111111"
user = "ann"

[[access_key]]
id = "222222222222"
secret = "the secret of 2"
"""
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


def flags(directory):
    keys = Path(directory) / "access-keys.toml"
    keys.write_text(KEYS)
    keys.chmod(0o600)
    return ["--require-signatures", "--access-keys", keys]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    directory = tmp_path_factory.mktemp("guarded")
    system = System(directory, broker_flags=[*flags(directory), "--in-memory"])
    system.start_broker()
    yield system
    system.kill()


def client(system, key=OWN):
    return sqs.client(system.broker_url, key=key)


def named(account, name):
    return f"http://elsewhere/{account}/{name}"


def assert_refused(answer, code, message=None):
    assert answer.status == 403, answer.text
    assert answer.headers["x-amzn-query-error"] == f"{code};Sender"
    if message is not None:
        assert answer.json()["message"] == message


# ── who gets in ──────────────────────────────────────────────────────────────────────────────────────────


def test_boto3_gets_in_over_json_and_over_query(guarded):
    own, old = client(guarded), OldClient(guarded.broker_url)
    url = own.create_queue(QueueName=new_name("signed"))["QueueUrl"]
    old.send_message(QueueUrl=url, MessageBody="a b+c%é\r\n&=")
    (message,) = own.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert message["Body"] == "a b+c%é\r\n&="
    old.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    old.close()


def test_the_aws_command_line_gets_in_and_not_with_another_secret(guarded):
    def run(secret):
        argv = [str(AWS), "--endpoint-url", guarded.broker_url, "sqs", "create-queue", "--queue-name", "from-the-cli"]
        env = clean_environment(AWS_SECRET_ACCESS_KEY=secret)
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, env=env, check=False)

    done = run("test")
    assert done.returncode == 0, done.stderr
    wrong = run("guessed")
    assert wrong.returncode != 0 and "SignatureDoesNotMatch" in wrong.stderr


def test_a_presigned_url_works_until_it_expires(guarded):
    name = new_name("presigned")
    client(guarded).create_queue(QueueName=name)
    asked = f"{guarded.broker_url}/?Action=GetQueueUrl&QueueName={name}"
    answer = http.get(signature.presigned(asked, OWN, 60))
    assert texts(answer, "QueueUrl") == [guarded.queue(name)]
    url = signature.presigned(asked, OWN, 1)
    wait.until(lambda: http.get(url).status == 403, "the URL expires", 20)
    (message,) = texts(http.get(url), "Message")
    assert message.startswith("Signature expired: ") and message.endswith(" - 1 s.)")
    changed = http.get(signature.presigned(asked, OWN, 60).replace("GetQueueUrl", "DeleteQueue"))
    assert (changed.status, texts(changed, "Code")) == (403, ["SignatureDoesNotMatch"])


@proves("F2")
def test_an_unsigned_request_is_denied_access_in_both_protocols(guarded):
    text = f"Access to the resource {guarded.broker_url}/ is denied."
    answer = sqs.json_call(guarded.broker_url, "ListQueues", {})
    assert_refused(answer, "AccessDenied", text)
    assert answer.json()["__type"].endswith("#MissingAuthenticationTokenException")
    answer = get(guarded.broker_url, {"Action": "ListQueues"})
    assert (answer.status, texts(answer, "Code"), texts(answer, "Message")) == (403, ["AccessDenied"], [text])
    assert http.get(guarded.broker_url + "/health").status == 200


@proves("F2")
def test_a_wrong_secret_and_an_unknown_key_are_told_apart(guarded):
    with refused("SignatureDoesNotMatch", MISMATCH, 403):
        client(guarded, ("test", "guessed")).list_queues()
    with refused("InvalidClientTokenId", "The security token included in the request is invalid.", 403):
        client(guarded, ("nobody", "test")).list_queues()
    old = OldClient(guarded.broker_url, AWS_SECRET_ACCESS_KEY="guessed")
    with refused("SignatureDoesNotMatch", MISMATCH, 403):
        old.list_queues()
    old.close()


@proves("F2")
def test_a_body_that_was_changed_on_the_way_is_refused(guarded):
    name = new_name("tampered")
    body = json.dumps({"QueueName": name})
    answer = signature.json_call(guarded.broker_url, "CreateQueue", body, OWN, sent=body.replace(name, "x" * len(name)))
    assert_refused(answer, "SignatureDoesNotMatch", MISMATCH)
    assert signature.json_call(guarded.broker_url, "CreateQueue", body, OWN).status == 200


@pytest.mark.parametrize(("minutes", "says"), [(-16, "Signature expired: "), (16, "Signature not yet current: ")])
def test_a_clock_that_is_wrong_by_more_than_15_minutes_is_refused(guarded, minutes, says):
    now = datetime.datetime.now(datetime.UTC)
    answer = signature.json_call(guarded.broker_url, "ListQueues", "{}", OWN, now + datetime.timedelta(minutes=minutes))
    assert_refused(answer, "SignatureDoesNotMatch")
    assert answer.json()["message"].startswith(says)
    near = now + datetime.timedelta(minutes=minutes - minutes // 8)
    assert signature.json_call(guarded.broker_url, "ListQueues", "{}", OWN, near).status == 200


def test_older_and_other_signatures_are_refused(guarded):
    version_2 = {"Action": "ListQueues", "AWSAccessKeyId": "test", "SignatureVersion": "2", "Signature": "x"}
    other = {"Authorization": "AWS4-ECDSA-P256-SHA256 Credential=test/20261123/sqs/aws4_request"}
    for answer in [
        get(guarded.broker_url, version_2),
        get(guarded.broker_url, {"Action": "ListQueues"}, headers=other),
    ]:
        assert (answer.status, texts(answer, "Code")) == (403, ["IncompleteSignature"])


# ── whose queues ─────────────────────────────────────────────────────────────────────────────────────────


@proves("F4")
def test_accounts_are_apart(guarded):
    name = new_name("apart")
    for key, account in [(OWN, sqs.ACCOUNT), (ANN, "111111111111"), (TWO, "222222222222")]:
        url = client(guarded, key).create_queue(QueueName=name)["QueueUrl"]
        assert url == f"{guarded.broker_url}/{account}/{name}"
        assert client(guarded, key).list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    who = "arn:aws:iam::111111111111:user/ann"
    text = (
        f"User: {who} is not authorized to perform: sqs:sendmessage on resource: "
        f"arn:aws:sqs:us-east-1:222222222222:{name} because no identity-based policy allows the sqs:sendmessage action"
    )
    with refused("AccessDenied", text, 403):
        client(guarded, ANN).send_message(QueueUrl=named("222222222222", name), MessageBody="x")
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        client(guarded, ANN).send_message(QueueUrl=named("222222222222", "none"), MessageBody="x")


def test_the_sender_is_the_user_or_the_account(guarded):
    for key, sender in [(ANN, "AIDA"), (TWO, "222222222222"), (OWN, sqs.ACCOUNT)]:
        of_key = client(guarded, key)
        url = of_key.create_queue(QueueName=new_name("sender"))["QueueUrl"]
        of_key.send_message(QueueUrl=url, MessageBody="x")
        (message,) = of_key.receive_message(QueueUrl=url, AttributeNames=["SenderId"])["Messages"]
        assert message["Attributes"]["SenderId"].startswith(sender)


@proves("F3")
def test_a_permission_opens_a_queue_to_an_account_until_it_is_removed(guarded):
    ann, two = client(guarded, ANN), client(guarded, TWO)
    name = new_name("permitted")
    url = ann.create_queue(QueueName=name)["QueueUrl"]
    ann.add_permission(
        QueueUrl=url, Label="partners", AWSAccountIds=["222222222222"], Actions=["SendMessage", "GetQueueUrl"]
    )
    assert two.get_queue_url(QueueName=name, QueueOwnerAWSAccountId="111111111111")["QueueUrl"] == url
    two.send_message(QueueUrl=url, MessageBody="x")
    sent = two.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "y"}])
    assert len(sent["Successful"]) == 1
    for denied in [two.receive_message, two.purge_queue, two.delete_queue, two.list_queue_tags]:
        with refused("AccessDenied", status=403):
            denied(QueueUrl=url)
    ann.remove_permission(QueueUrl=url, Label="partners")
    with refused("AccessDenied", status=403):
        two.send_message(QueueUrl=url, MessageBody="x")
    assert len(ann.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]) == 2


@proves("F3")
def test_a_statement_that_denies_wins_and_everybody_means_who_has_signed(guarded):
    ann, two = client(guarded, ANN), client(guarded, TWO)
    url = ann.create_queue(QueueName=new_name("denied"))["QueueUrl"]

    def statement(effect, action):
        return {"Effect": effect, "Principal": "*", "Action": f"sqs:{action}", "Resource": "*"}

    def allow(*statements):
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        ann.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})

    allow(statement("Allow", "*"))
    two.send_message(QueueUrl=url, MessageBody="x")
    assert_refused(sqs.json_call(guarded.broker_url, "ReceiveMessage", {"QueueUrl": url}), "AccessDenied")
    allow(statement("Allow", "*"), statement("Deny", "SendMessage"))
    for key in [ANN, TWO]:
        with refused("AccessDenied", status=403) as caught:
            client(guarded, key).send_message(QueueUrl=url, MessageBody="x")
        assert "with an explicit deny in a resource-based policy" in str(caught.value)
    assert len(two.receive_message(QueueUrl=url)["Messages"]) == 1


# ── the roles ────────────────────────────────────────────────────────────────────────────────────────────


def test_app_and_worker_sign_and_so_work_with_a_broker_that_requires_it(apart, tmp_path):
    system = apart(broker_flags=flags(tmp_path)).start_apart(workers=1)
    assert system.outcome(system.submit(8))["value"] == 13


def test_what_is_in_the_process_needs_no_signature(apart, tmp_path):
    system = apart(broker_flags=flags(tmp_path)).start_up()
    assert system.outcome(system.submit(8))["value"] == 13
    assert sqs.json_call(system.broker_url, "ListQueues", {}).status == 403
    assert system.sqs.list_queues()["QueueUrls"]


def test_a_broker_that_requires_signatures_listens_beyond_this_host(apart, tmp_path):
    system = apart()
    listen = ["--broker-listen", f"0.0.0.0:{system.broker_port}"]
    argv = [binary(), "broker", *listen, "--data", system.data, *flags(tmp_path)]
    system.broker = Process("broker", argv, system.directory)
    system.await_broker()
    assert system.sqs.list_queues()["QueueUrls"]


def test_required_signatures_without_a_key_are_wrong_usage(tmp_path):
    listen = ["--broker-listen", f"127.0.0.1:{free_port()}", "--in-memory", "--require-signatures"]
    done = subprocess.run(
        [binary(), "broker", *listen],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, env=clean_environment(), check=False,
    )
    assert done.returncode == 2
    assert "--access-keys" in done.stderr and "[[access_key]]" in done.stderr


def test_the_log_shows_no_secret(guarded):
    log = guarded.broker.output() + os.linesep
    assert "the secret of" not in log and "Signature=" not in log
