"""Access policies through boto3: permissions that are added and removed, and what a policy may be."""

import json

import pytest

from compatibility.proves import proves
from harness import sqs
from harness.sqs import arn, new_name, refused

CLIENT = sqs.CLIENT

ONE, TWO = "111111111111", "222222222222"
GRANTABLE = [
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
]
OWNER_ONLY = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
]


def arn_of(url):
    return arn(url.rsplit("/", 1)[1])


def add(aws, url, label="partners", accounts=(ONE,), actions=("ReceiveMessage",)):
    return aws.add_permission(QueueUrl=url, Label=label, AWSAccountIds=list(accounts), Actions=list(actions))


def policy_text(aws, url):
    reply = aws.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
    return reply.get("Attributes", {}).get("Policy")


def policy_of(aws, url):
    text = policy_text(aws, url)
    return text and json.loads(text)


def statement(**members):
    """A statement that lets one account send, with these members instead or as well."""
    whole = {"Effect": "Allow", "Principal": {"AWS": ONE}, "Action": "sqs:SendMessage", "Resource": "*"}
    return {**whole, **members}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


# ── adding and removing ──────────────────────────────────────────────────────────────────────────────────


@proves("S41", "AddPermission/JSON", "RemovePermission/JSON")
def test_a_permission_is_added_as_a_statement_and_removed_by_its_label(aws, queue):
    reply = add(aws, queue)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    queue_arn = arn_of(queue)
    expected = {
        "Version": "2008-10-17",
        "Id": f"{queue_arn}/SQSDefaultPolicy",
        "Statement": [
            {
                "Sid": "partners",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ONE}:root"},
                "Action": "SQS:ReceiveMessage",
                "Resource": queue_arn,
            }
        ],
    }
    assert policy_text(aws, queue) == json.dumps(expected, separators=(",", ":"))

    add(aws, queue, "both", [ONE, TWO], ["SendMessage", "*"])
    expected["Statement"].append(
        {
            "Sid": "both",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{ONE}:root", f"arn:aws:iam::{TWO}:root"]},
            "Action": ["SQS:SendMessage", "SQS:*"],
            "Resource": queue_arn,
        }
    )
    assert policy_text(aws, queue) == json.dumps(expected, separators=(",", ":"))

    aws.remove_permission(QueueUrl=queue, Label="partners")
    assert [found["Sid"] for found in policy_of(aws, queue)["Statement"]] == ["both"]
    aws.remove_permission(QueueUrl=queue, Label="both")
    assert policy_text(aws, queue) is None


@proves("S41", "AddPermission/JSON")
def test_a_label_is_used_once(aws, queue):
    add(aws, queue)
    before = policy_text(aws, queue)
    with refused("InvalidParameterValue", "Value partners for parameter Label is invalid. Reason: Already exists."):
        add(aws, queue, "partners", [TWO], ["SendMessage"])
    assert policy_text(aws, queue) == before


@proves("F10")
def test_the_same_permission_again_changes_nothing(aws, queue):
    add(aws, queue, accounts=[ONE, TWO])
    before = policy_text(aws, queue)
    add(aws, queue, accounts=[TWO, ONE])
    assert policy_text(aws, queue) == before


@proves("S41", "RemovePermission/JSON")
def test_an_unknown_label_is_refused_with_and_without_a_policy(aws, queue):
    text = "Value none for parameter Label is invalid. Reason: can't find label"
    with refused("InvalidParameterValue", f"{text}."):
        aws.remove_permission(QueueUrl=queue, Label="none")
    add(aws, queue)
    with refused("InvalidParameterValue", f"{text} on existing policy."):
        aws.remove_permission(QueueUrl=queue, Label="none")
    aws.remove_permission(QueueUrl=queue, Label="partners")
    with refused("InvalidParameterValue", "Value partners for parameter Label is invalid. Reason: can't find label."):
        aws.remove_permission(QueueUrl=queue, Label="partners")


def test_a_permission_joins_a_policy_that_was_set_and_leaves_it_as_it_was(aws, queue):
    by_hand = statement(Sid="by hand", Effect="Deny", Principal="*", Condition={"Bool": {"aws:SecureTransport": False}})
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Id": "mine", "Statement": by_hand})})
    add(aws, queue)
    policy = policy_of(aws, queue)
    assert list(policy) == ["Id", "Statement"] and policy["Id"] == "mine"
    assert policy["Statement"][0] == by_hand and policy["Statement"][1]["Sid"] == "partners"
    aws.remove_permission(QueueUrl=queue, Label="partners")
    assert policy_of(aws, queue)["Statement"] == [by_hand]
    aws.remove_permission(QueueUrl=queue, Label="by hand")
    assert policy_text(aws, queue) is None


def test_what_is_named_twice_is_allowed_once(aws, queue):
    add(aws, queue, accounts=[ONE, ONE], actions=["SendMessage", "SendMessage"])
    [found] = policy_of(aws, queue)["Statement"]
    assert found["Principal"] == {"AWS": f"arn:aws:iam::{ONE}:root"}
    assert found["Action"] == "SQS:SendMessage"


@pytest.mark.parametrize("action", GRANTABLE)
def test_an_action_that_others_can_do_is_granted(aws, queue, action):
    add(aws, queue, actions=[action])
    assert policy_of(aws, queue)["Statement"][0]["Action"] == f"SQS:{action}"


@pytest.mark.parametrize("action", OWNER_ONLY)
def test_an_action_of_the_owner_alone_is_not_granted(aws, queue, action):
    reason = "Only the queue owner is allowed to invoke this action."
    with refused("InvalidParameterValue", f"Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}"):
        add(aws, queue, actions=["SendMessage", action])
    assert policy_text(aws, queue) is None


@pytest.mark.parametrize("action", ["Foobar", "sendmessage", "SendMessageBatch", "SQS:SendMessage", "Send*"])
def test_what_is_no_action_is_not_granted(aws, queue, action):
    reason = "Please refer to the appropriate WSDL for a list of valid actions."
    with refused("InvalidParameterValue", f"Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}"):
        add(aws, queue, actions=[action])


@pytest.mark.parametrize("account", ["abc", "11111111111", "*", f"arn:aws:iam::{ONE}:root"])
def test_what_is_no_account_is_not_granted_anything(aws, queue, account):
    text = f"Value [{account}] for parameter PrincipalId is invalid. Reason: Unable to verify."
    with refused("InvalidParameterValue", text):
        add(aws, queue, accounts=[account])


@pytest.mark.parametrize("label", ["a b", "ä", "a" * 81, "a.b"])
def test_a_label_is_letters_digits_hyphens_and_underscores(aws, queue, label):
    add(aws, queue, "A-z_9" + "a" * 75)
    rule = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length."
    with refused("InvalidParameterValue", f"Value {label} for parameter Label is invalid. Reason: {rule}"):
        add(aws, queue, label)


@pytest.mark.parametrize(
    ("left_out", "named"), [("Label", "Label"), ("AWSAccountIds", "AWSAccountIds"), ("Actions", "ActionName")]
)
def test_a_missing_member_is_named(unchecked, queue, left_out, named):
    members = {"QueueUrl": queue, "Label": "l", "AWSAccountIds": [ONE], "Actions": ["*"]}
    members.pop(left_out)
    with refused("MissingParameter", f"The request must contain the parameter {named}."):
        unchecked.add_permission(**members)


def test_the_queue_is_looked_up_first(aws, queue):
    for call in (
        lambda: add(aws, queue + "-none", "a b", ["x"], ["Foobar"]),
        lambda: aws.remove_permission(QueueUrl=queue + "-none", Label="a b"),
    ):
        with refused("AWS.SimpleQueueService.NonExistentQueue"):
            call()


def test_a_fifo_queue_has_permissions_too(aws, make_queue):
    name = new_name() + ".fifo"
    url = aws.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    add(aws, url)
    assert policy_of(aws, url)["Statement"][0]["Resource"] == arn(name)
    aws.delete_queue(QueueUrl=url)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────


@proves("E4")
def test_a_permission_has_at_most_seven_actions(aws, queue):
    with refused("OverLimit", "8 Actions were found, maximum allowed is 7.", 403):
        add(aws, queue, actions=GRANTABLE[1:])
    add(aws, queue, actions=GRANTABLE[1:8])


def test_a_queue_has_at_most_twenty_permissions(aws, queue):
    for n in range(20):
        add(aws, queue, f"l{n}")
    with refused("OverLimit", "21 Statements were found, maximum allowed is 20.", 403):
        add(aws, queue, "l20")
    assert len(policy_of(aws, queue)["Statement"]) == 20
    aws.remove_permission(QueueUrl=queue, Label="l7")
    add(aws, queue, "l20")


def test_a_policy_names_at_most_fifty_principals(aws, queue):
    accounts = [f"{n:012}" for n in range(51)]
    with refused("OverLimit", "51 Principals were found, maximum allowed is 50.", 403):
        add(aws, queue, "many", accounts)
    add(aws, queue, "many", accounts[:49])
    with refused("OverLimit", "51 Principals were found, maximum allowed is 50.", 403):
        add(aws, queue, "two", accounts[:2])
    add(aws, queue, "one", accounts[:1])


OVER_LIMITS = [
    (document(*[statement()] * 22), "22 statements were found in the submitted policy, max allowed is 20"),
    (
        document(statement(Principal={"AWS": [f"{n:012}" for n in range(51)]})),
        "51 principals were found in the submitted policy, max allowed is 50",
    ),
    (
        document(statement(Condition={"StringEquals": {f"aws:key{n}": "x" for n in range(11)}})),
        "11 conditions were found in the submitted policy, max allowed is 10",
    ),
]


@pytest.mark.parametrize(("policy", "text"), OVER_LIMITS, ids=["statements", "principals", "conditions"])
def test_a_policy_that_says_too_much_is_refused(aws, queue, policy, text):
    with refused("OverLimit", text, 403):
        aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    with refused("InvalidParameterValue", text):
        aws.create_queue(QueueName=new_name(), Attributes={"Policy": policy})


# ── what a policy may be ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "policy",
    [
        document(statement()),
        document(statement(Principal="*", Action="*")),
        document(statement(Principal={"Service": "sns.amazonaws.com"}, Action="SQS:SendMessage")),
        document({"Effect": "Deny", "NotPrincipal": {"AWS": ONE}, "NotAction": "sqs:Get*", "NotResource": "*"}),
        json.dumps({"Statement": statement(Action=["sqs:Send*", "sqs:GetQueueUrl"])}, indent=4),
        document(
            statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:news"}, "Null": {"aws:SourceVpc": True}})
        ),
    ],
    ids=["account", "everybody", "service", "not-principal", "indented", "conditions"],
)
def test_a_policy_is_given_back_as_it_was_given(aws, queue, policy):
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    assert policy_text(aws, queue) == policy


def without(member):
    whole = statement()
    del whole[member]
    return document(whole)


@pytest.mark.parametrize(
    "policy",
    [
        "x",
        "[]",
        "{}",
        '{"Statement":"x"}',
        '{"Statement":[]}',
        document(statement())[:-1] + ',"Statement":[]}',
        json.dumps({"Version": "2020-01-01", "Statement": [statement()]}),
        json.dumps({"Statement": [statement()], "Statements": []}),
        without("Effect"),
        without("Principal"),
        without("Action"),
        without("Resource"),
        document(statement(Effect="allow")),
        document(statement(Principal="someone")),
        document(statement(Principal={"AWS": []})),
        document(statement(Principal={"AWS": f"arn:aws:iam::{ONE}:user/*"})),
        document(statement(NotPrincipal="*")),
        document(statement(Action="SendMessage")),
        document(statement(Condtion={})),
        document(statement(Condition={"StringEquals": "x"})),
        document(statement(Sid="x" * 8192)),
    ],
)
def test_what_is_no_policy_is_refused_and_changes_nothing(aws, queue, policy):
    add(aws, queue)
    before = policy_text(aws, queue)
    text = "Invalid value for the parameter Policy."
    with refused("InvalidAttributeValue", text):
        aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy, "DelaySeconds": "9"})
    with refused("InvalidAttributeValue", text):
        aws.create_queue(QueueName=new_name(), Attributes={"Policy": policy})
    assert policy_text(aws, queue) == before
