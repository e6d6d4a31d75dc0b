"""Queues through boto3: creating, finding, listing, deleting, their attributes and their tags."""

import json

import pytest

from compatibility.proves import proves
from harness import sqs
from harness.sqs import arn, new_name, refused

CLIENT = sqs.CLIENT

NAME_RULE = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
DEFAULTS = {
    "ApproximateNumberOfMessages": "0",
    "ApproximateNumberOfMessagesDelayed": "0",
    "ApproximateNumberOfMessagesNotVisible": "0",
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}


def attributes_of(aws, url, *names):
    reply = aws.get_queue_attributes(QueueUrl=url, AttributeNames=list(names) or ["All"])
    return reply.get("Attributes")


# ── creating ─────────────────────────────────────────────────────────────────────────────────────────────


@proves("CreateQueue/JSON", "GetQueueUrl/JSON")
def test_a_queue_url_is_the_asked_origin_then_account_then_name(aws, broker):
    name = new_name()
    url = aws.create_queue(QueueName=name)["QueueUrl"]
    assert url == f"{broker.broker_url}/{sqs.ACCOUNT}/{name}"
    assert aws.get_queue_url(QueueName=name)["QueueUrl"] == url
    aws.delete_queue(QueueUrl=url)


@proves("S4")
def test_creating_again_without_attributes_or_with_equal_ones_gives_the_same_queue(aws):
    name = new_name()
    first = aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "5", "VisibilityTimeout": "60"})
    again = [
        aws.create_queue(QueueName=name),
        aws.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"}),
        aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "5", "MaximumMessageSize": "1048576"}),
    ]
    assert {reply["QueueUrl"] for reply in again} == {first["QueueUrl"]}
    aws.delete_queue(QueueUrl=first["QueueUrl"])


@proves("S4")
def test_creating_again_with_a_differing_attribute_names_that_attribute(aws):
    name = new_name()
    url = aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"})["QueueUrl"]
    text = "A queue already exists with the same name and a different value for attribute DelaySeconds"
    with refused("QueueAlreadyExists", text) as caught:
        aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "6"})
    assert isinstance(caught.value, aws.exceptions.QueueNameExists)
    aws.delete_queue(QueueUrl=url)


@proves("E12")
def test_creating_again_compares_with_the_current_attributes_and_not_the_first_ones(aws):
    name = new_name()
    url = aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"})["QueueUrl"]
    aws.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "7"})
    assert aws.create_queue(QueueName=name)["QueueUrl"] == url
    assert aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "7"})["QueueUrl"] == url
    with refused("QueueAlreadyExists"):
        aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "5"})
    aws.delete_queue(QueueUrl=url)


@proves("S5")
def test_creating_again_does_not_compare_counts_and_times(aws):
    name = new_name()
    url = aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "0"})["QueueUrl"]
    aws.send_message(QueueUrl=url, MessageBody="foobar")
    assert aws.create_queue(QueueName=name, Attributes={"DelaySeconds": "0"})["QueueUrl"] == url
    aws.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("name", ["with space", "a/b", "a.b", "é", "x.fifo", "a" * 81])
def test_a_queue_name_is_letters_digits_hyphens_and_underscores(aws, name):
    with refused("InvalidParameterValue", NAME_RULE):
        aws.create_queue(QueueName=name)


def test_a_queue_name_of_80_characters_is_accepted_and_is_case_sensitive(aws):
    name = new_name("Case").ljust(80, "x")
    url = aws.create_queue(QueueName=name)["QueueUrl"]
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        aws.get_queue_url(QueueName=name.swapcase())
    aws.delete_queue(QueueUrl=url)


def test_an_empty_queue_name_is_refused(unchecked):
    with refused("InvalidParameterValue", "Queue name cannot be empty"):
        unchecked.create_queue(QueueName="")


@proves("E13")
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("Foobar", "1", "Unknown Attribute Foobar."),
        ("QueueArn", "x", "Unknown Attribute QueueArn."),
        ("ApproximateNumberOfMessages", "1", "Unknown Attribute ApproximateNumberOfMessages."),
        ("CreatedTimestamp", "1", "Unknown Attribute CreatedTimestamp."),
        ("FifoQueue", "false", "Unknown Attribute FifoQueue."),
        ("ContentBasedDeduplication", "true", "Unknown Attribute ContentBasedDeduplication."),
        (
            "DeduplicationScope",
            "queue",
            "You can specify the DeduplicationScope only when FifoQueue is set to true.",
        ),
        (
            "FifoThroughputLimit",
            "perQueue",
            "You can specify the FifoThroughputLimit only when FifoQueue is set to true.",
        ),
    ],
)
def test_attributes_that_a_standard_queue_cannot_be_given_are_refused_by_name(aws, name, value, text):
    with refused("InvalidAttributeName", text):
        aws.create_queue(QueueName=new_name(), Attributes={name: value})


def test_a_fifo_queue_has_a_name_that_says_so(aws):
    text = (
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
        "must end with .fifo suffix and be 1 to 80 in length."
    )
    with refused("InvalidParameterValue", text):
        aws.create_queue(QueueName=new_name(), Attributes={"FifoQueue": "true"})


OUT_OF_RANGE = [
    ("DelaySeconds", "901"),
    ("DelaySeconds", "-1"),
    ("DelaySeconds", "ten"),
    ("VisibilityTimeout", "43201"),
    ("MaximumMessageSize", "1023"),
    ("MaximumMessageSize", "1048577"),
    ("MessageRetentionPeriod", "59"),
    ("MessageRetentionPeriod", "1209601"),
    ("ReceiveMessageWaitTimeSeconds", "21"),
]


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_an_attribute_value_out_of_its_range_is_refused_at_creation(aws, name, value):
    with refused("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
        aws.create_queue(QueueName=new_name(), Attributes={name: value})


@pytest.mark.parametrize(("name", "value"), OUT_OF_RANGE)
def test_an_attribute_value_out_of_its_range_is_refused_when_set(aws, queue, name, value):
    with refused("InvalidAttributeValue", f"Invalid value for the parameter {name}."):
        aws.set_queue_attributes(QueueUrl=queue, Attributes={name: value})


@proves("SetQueueAttributes/JSON")
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("DelaySeconds", ("0", "900")),
        ("VisibilityTimeout", ("0", "43200")),
        ("MaximumMessageSize", ("1024", "1048576")),
        ("MessageRetentionPeriod", ("60", "1209600")),
        ("ReceiveMessageWaitTimeSeconds", ("0", "20")),
    ],
)
def test_both_ends_of_an_attribute_range_are_accepted_and_read_back(aws, queue, name, values):
    for value in values:
        aws.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert attributes_of(aws, queue, name) == {name: value}


def test_a_boolean_attribute_is_accepted_in_any_case_and_read_back_in_lower_case(make_queue, aws):
    url = make_queue(SqsManagedSseEnabled="True")
    assert attributes_of(aws, url, "SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "true"}


# ── reading and setting attributes ───────────────────────────────────────────────────────────────────────


@proves("E14", "GetQueueAttributes/JSON")
def test_a_new_standard_queue_has_exactly_the_twelve_attributes(aws, queue):
    found = attributes_of(aws, queue)
    created, modified = found.pop("CreatedTimestamp"), found.pop("LastModifiedTimestamp")
    assert found.pop("QueueArn") == arn(queue.rsplit("/", 1)[1])
    assert found == DEFAULTS
    # Seconds, not milliseconds.
    assert len(created) == 10 and created.isdigit()
    assert len(modified) == 10 and modified.isdigit()


@proves("S46", "E5")
def test_asking_for_no_attributes_gives_none(aws, queue):
    assert "Attributes" not in aws.get_queue_attributes(QueueUrl=queue)
    assert "Attributes" not in aws.get_queue_attributes(QueueUrl=queue, AttributeNames=[])


@proves("S46")
@pytest.mark.parametrize("name", ["Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"])
def test_an_attribute_that_is_not_set_is_left_out(aws, queue, name):
    assert "Attributes" not in aws.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])


def test_only_the_named_attributes_are_given_and_all_wins(aws, queue):
    assert set(attributes_of(aws, queue, "DelaySeconds", "QueueArn")) == {"DelaySeconds", "QueueArn"}
    assert len(attributes_of(aws, queue, "DelaySeconds", "All")) == 12


@proves("S46")
@pytest.mark.parametrize("name", ["Foobar", "FifoQueue", "delayseconds"])
def test_an_unknown_attribute_name_is_refused_on_reading(aws, queue, name):
    with refused("InvalidAttributeName", f"Unknown Attribute {name}."):
        aws.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])


@pytest.mark.parametrize("name", ["Foobar", "QueueArn", "LastModifiedTimestamp", "FifoQueue"])
def test_an_unknown_or_read_only_attribute_cannot_be_set(aws, queue, name):
    with refused("InvalidAttributeName", f"Unknown Attribute {name}."):
        aws.set_queue_attributes(QueueUrl=queue, Attributes={name: "false"})


def test_a_set_with_one_bad_attribute_changes_none(aws, queue):
    with refused("InvalidAttributeValue"):
        aws.set_queue_attributes(
            QueueUrl=queue, Attributes={"VisibilityTimeout": "77", "DelaySeconds": "901"}
        )
    assert attributes_of(aws, queue, "VisibilityTimeout") == {"VisibilityTimeout": "30"}


def test_setting_attributes_of_a_missing_map_is_refused(unchecked, queue):
    with refused("MissingParameter", "The request must contain the parameter Attribute.Name."):
        unchecked.set_queue_attributes(QueueUrl=queue)


@proves("S39")
def test_encryption_kinds_exclude_one_another(aws, queue):
    def encryption():
        names = ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled"]
        return attributes_of(aws, queue, *names)

    aws.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "testKeyId"})
    assert encryption() == {
        "KmsMasterKeyId": "testKeyId",
        "KmsDataKeyReusePeriodSeconds": "300",
        "SqsManagedSseEnabled": "false",
    }
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": ""})
    assert encryption() == {"SqsManagedSseEnabled": "false"}
    text = (
        "You can use one type of server-side encryption (SSE) at one time. "
        "You can either enable KMS SSE or SQS SSE."
    )
    both = {"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"}
    with refused("InvalidAttributeName", text):
        aws.set_queue_attributes(QueueUrl=queue, Attributes=both)
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "testKeyId"})
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"SqsManagedSseEnabled": "true"})
    assert encryption() == {"SqsManagedSseEnabled": "true"}


def test_a_policy_is_given_back_as_it_was_set_and_removed_by_the_empty_text(aws, queue):
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    unmatched = {**statement, "Condition": {"ArnEquals": {"aws:SourceArn": []}}}  # as real accounts have it
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement, unmatched]})
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    assert json.loads(attributes_of(aws, queue, "Policy")["Policy"]) == json.loads(policy)
    aws.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert attributes_of(aws, queue, "Policy") is None


# ── finding and listing ──────────────────────────────────────────────────────────────────────────────────


@proves("S47", "E3")
def test_an_unknown_queue_is_refused_with_the_text_of_the_json_protocol(aws, broker):
    url = f"{broker.broker_url}/{sqs.ACCOUNT}/{new_name('missing')}"
    calls = [
        lambda: aws.get_queue_url(QueueName=new_name("missing")),
        lambda: aws.send_message(QueueUrl=url, MessageBody="x"),
        lambda: aws.receive_message(QueueUrl=url),
        lambda: aws.delete_message(QueueUrl=url, ReceiptHandle="garbage"),
        lambda: aws.delete_queue(QueueUrl=url),
        lambda: aws.purge_queue(QueueUrl=url),
        lambda: aws.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]),
        lambda: aws.list_queue_tags(QueueUrl=url),
    ]
    for call in calls:
        code = "AWS.SimpleQueueService.NonExistentQueue"
        with refused(code, "The specified queue does not exist.") as caught:
            call()
        assert isinstance(caught.value, aws.exceptions.QueueDoesNotExist)


def test_the_queue_is_looked_up_before_the_shape_of_a_batch(unchecked, broker):
    url = f"{broker.broker_url}/{sqs.ACCOUNT}/{new_name('missing')}"
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        unchecked.send_message_batch(QueueUrl=url, Entries=[])


@proves("S3", "E10")
def test_a_queue_url_is_known_by_its_path_alone(aws, queue):
    name = queue.rsplit("/", 1)[1]
    forms = [name, f"/{sqs.ACCOUNT}/{name}", f"http://elsewhere.invalid:1/{sqs.ACCOUNT}/{name}", queue + "/"]
    for form in forms:
        sent = aws.send_message(QueueUrl=form, MessageBody="test")
        assert sent["MD5OfMessageBody"] == "098f6bcd4621d373cade4e832627b4f6", form
    assert sqs.counts(aws, queue) == (len(forms), 0, 0)


@proves("ListQueues/JSON")
def test_listing_by_prefix_gives_the_queues_in_the_order_of_their_names(aws):
    prefix = new_name("list")
    names = [f"{prefix}-{letter}" for letter in "cab"]
    urls = {name: aws.create_queue(QueueName=name)["QueueUrl"] for name in names}
    listed = aws.list_queues(QueueNamePrefix=prefix)
    assert listed["QueueUrls"] == [urls[name] for name in sorted(names)]
    assert "NextToken" not in listed
    assert "QueueUrls" not in aws.list_queues(QueueNamePrefix=prefix.upper() + "x")
    for url in urls.values():
        aws.delete_queue(QueueUrl=url)


def test_listing_in_pages_gives_each_queue_once_and_a_token_only_while_more_remain(aws):
    prefix = new_name("page")
    urls = [aws.create_queue(QueueName=f"{prefix}-{i}")["QueueUrl"] for i in range(5)]
    pages, token = [], None
    while not pages or token:
        more = {"NextToken": token} if token else {}
        reply = aws.list_queues(QueueNamePrefix=prefix, MaxResults=2, **more)
        pages.append(reply["QueueUrls"])
        token = reply.get("NextToken")
    assert pages == [urls[:2], urls[2:4], urls[4:]]
    assert "NextToken" not in aws.list_queues(QueueNamePrefix=prefix, MaxResults=5)
    for url in urls:
        aws.delete_queue(QueueUrl=url)


@pytest.mark.parametrize("most", [0, 1001])
def test_a_page_holds_1_to_1000_queues(unchecked, most):
    text = (
        "Value for parameter MaxResults is invalid. "
        "Reason: MaxResults must be an integer between 1 and 1000."
    )
    with refused("InvalidParameterValue", text):
        unchecked.list_queues(MaxResults=most)


def test_a_token_that_the_broker_did_not_give_is_refused(aws):
    with refused("InvalidParameterValue", "Invalid or expired next token."):
        aws.list_queues(MaxResults=2, NextToken="garbage")


@proves("F4")
def test_the_same_name_in_two_regions_is_two_queues(aws, broker):
    name = new_name("region")
    here = aws.create_queue(QueueName=name)["QueueUrl"]
    frankfurt = sqs.client(broker.broker_url, region="eu-central-1")
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        frankfurt.get_queue_url(QueueName=name)
    there = frankfurt.create_queue(QueueName=name)["QueueUrl"]
    aws.send_message(QueueUrl=here, MessageBody="here")
    assert sqs.counts(frankfurt, there) == (0, 0, 0)
    assert attributes_of(frankfurt, there, "QueueArn") == {"QueueArn": arn(name, "eu-central-1")}
    frankfurt.delete_queue(QueueUrl=there)
    aws.delete_queue(QueueUrl=here)


# ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────


@proves("DeleteQueue/JSON")
def test_a_deleted_queue_is_gone_with_its_messages_and_its_name_is_free_at_once(aws):
    name = new_name()
    url = aws.create_queue(QueueName=name)["QueueUrl"]
    aws.send_message(QueueUrl=url, MessageBody="x")
    aws.delete_queue(QueueUrl=url)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        aws.receive_message(QueueUrl=url)
    assert aws.create_queue(QueueName=name)["QueueUrl"] == url
    assert sqs.counts(aws, url) == (0, 0, 0)
    aws.delete_queue(QueueUrl=url)


@proves("S6")
def test_a_strict_broker_blocks_the_name_of_a_deleted_queue(strict_broker):
    aws, name = strict_broker.sqs, new_name()
    aws.delete_queue(QueueUrl=aws.create_queue(QueueName=name)["QueueUrl"])
    text = "You must wait 60 seconds after deleting a queue before you can create another with the same name."
    with refused("AWS.SimpleQueueService.QueueDeletedRecently", text):
        aws.create_queue(QueueName=name)


def test_a_waiting_receive_ends_when_its_queue_is_deleted(aws, queue, background):
    waiting = background(lambda: aws.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
    aws.delete_queue(QueueUrl=queue)
    with refused("AWS.SimpleQueueService.NonExistentQueue"):
        waiting.result(timeout=10)


# ── purging ──────────────────────────────────────────────────────────────────────────────────────────────


@proves("S37", "E39", "PurgeQueue/JSON")
def test_a_purge_takes_available_delayed_and_in_flight_messages(aws, queue):
    for _ in range(3):
        aws.send_message(QueueUrl=queue, MessageBody="x")
    aws.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=900)
    taken = sqs.receive(aws, queue, MaxNumberOfMessages=1)[0]
    assert sqs.counts(aws, queue) == (2, 1, 1)
    aws.purge_queue(QueueUrl=queue)
    assert sqs.counts(aws, queue) == (0, 0, 0)
    assert sqs.receive(aws, queue) == []
    aws.delete_message(QueueUrl=queue, ReceiptHandle=taken["ReceiptHandle"])
    aws.send_message(QueueUrl=queue, MessageBody="after")
    assert [m["Body"] for m in sqs.receive(aws, queue)] == ["after"]


def test_a_queue_can_be_purged_again_at_once(aws, queue):
    aws.purge_queue(QueueUrl=queue)
    aws.purge_queue(QueueUrl=queue)


@proves("S37")
def test_a_strict_broker_purges_a_queue_once_in_60_seconds(strict_broker):
    aws, name = strict_broker.sqs, new_name()
    url = aws.create_queue(QueueName=name)["QueueUrl"]
    aws.purge_queue(QueueUrl=url)
    text = f"Only one PurgeQueue operation on {name} is allowed every 60 seconds."
    with refused("AWS.SimpleQueueService.PurgeQueueInProgress", text, status=403):
        aws.purge_queue(QueueUrl=url)


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────


@proves("S40", "E6", "TagQueue/JSON", "UntagQueue/JSON", "ListQueueTags/JSON")
def test_tags_are_given_at_creation_merged_overwritten_and_removed(aws, make_queue):
    url = make_queue(tags={"team": "a", "empty": ""})
    assert aws.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a", "empty": ""}
    aws.tag_queue(QueueUrl=url, Tags={"team": "b", "Team": "C", "stage": "test"})
    tags = {"team": "b", "Team": "C", "stage": "test", "empty": ""}
    assert aws.list_queue_tags(QueueUrl=url)["Tags"] == tags
    aws.untag_queue(QueueUrl=url, TagKeys=["team", "nobody-set-this", "empty"])
    assert aws.list_queue_tags(QueueUrl=url)["Tags"] == {"Team": "C", "stage": "test"}
    aws.untag_queue(QueueUrl=url, TagKeys=["Team", "stage"])
    assert "Tags" not in aws.list_queue_tags(QueueUrl=url)


@pytest.mark.parametrize(
    ("tags", "text"),
    [
        ({"": "x"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"k" * 129: "x"}, "Tag keys must be between 1 and 128 characters in length."),
        ({"k": "v" * 257}, "Tag values must be between 0 and 256 characters in length."),
        (
            {"bad!key": "x"},
            "Tag keys may only contain unicode letters, digits, whitespace, "
            "or one of these symbols: _ . : / = + - @",
        ),
    ],
)
def test_a_tag_out_of_its_bounds_is_refused(unchecked, queue, tags, text):
    with refused("InvalidParameterValue", text):
        unchecked.tag_queue(QueueUrl=queue, Tags=tags)


def test_a_queue_has_at_most_50_tags(aws, queue):
    aws.tag_queue(QueueUrl=queue, Tags={f"k{i}": "v" for i in range(50)})
    name = queue.rsplit("/", 1)[1]
    with refused("InvalidParameterValue", f"Too many tags added for queue {name}."):
        aws.tag_queue(QueueUrl=queue, Tags={"one-more": "v"})


def test_tagging_with_nothing_is_refused(unchecked, queue):
    with refused("MissingParameter", "The request must contain the parameter Tags."):
        unchecked.tag_queue(QueueUrl=queue, Tags={})
