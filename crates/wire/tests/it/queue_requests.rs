//! Requests about queues, as SDKs send them: every member of every action.

use longshore_wire::{
    AddPermission, CreateQueue, DeleteQueue, GetQueueAttributes, GetQueueUrl, ListQueueTags,
    ListQueues, PurgeQueue, RemovePermission, SetQueueAttributes, TagQueue, UntagQueue,
};

use crate::{URL, assert_decodes, list, texts};

#[test]
fn create_queue_has_tags_in_lower_case() {
    assert_decodes(
        "CreateQueue",
        r#"{"QueueName":"jobs","Attributes":{"VisibilityTimeout":"60"},"tags":{"team":"a"}}"#,
        CreateQueue {
            queue_name: "jobs".to_owned(),
            attributes: texts([("VisibilityTimeout", "60")]),
            tags: texts([("team", "a")]),
        },
    );
}

#[test]
fn delete_queue_and_purge_queue_and_list_queue_tags_name_the_queue() {
    let queue_url = URL.to_owned();
    let body = format!(r#"{{"QueueUrl":"{URL}"}}"#);
    assert_decodes("DeleteQueue", &body, DeleteQueue { queue_url: queue_url.clone() });
    assert_decodes("PurgeQueue", &body, PurgeQueue { queue_url: queue_url.clone() });
    assert_decodes("ListQueueTags", &body, ListQueueTags { queue_url });
}

#[test]
fn get_queue_url_can_name_the_owner() {
    assert_decodes(
        "GetQueueUrl",
        r#"{"QueueName":"jobs","QueueOwnerAWSAccountId":"123456789012"}"#,
        GetQueueUrl {
            queue_name: "jobs".to_owned(),
            queue_owner_aws_account_id: Some("123456789012".to_owned()),
        },
    );
}

#[test]
fn list_queues_has_a_prefix_and_a_page() {
    assert_decodes("ListQueues", "{}", ListQueues::default());
    assert_decodes(
        "ListQueues",
        r#"{"QueueNamePrefix":"job","NextToken":"t","MaxResults":5}"#,
        ListQueues {
            queue_name_prefix: Some("job".to_owned()),
            next_token: Some("t".to_owned()),
            max_results: Some(5),
        },
    );
}

#[test]
fn get_queue_attributes_names_attributes() {
    assert_decodes(
        "GetQueueAttributes",
        r#"{"QueueUrl":"jobs","AttributeNames":["All","Foobar",""]}"#,
        GetQueueAttributes {
            queue_url: "jobs".to_owned(),
            attribute_names: list(["All", "Foobar", ""]),
        },
    );
}

#[test]
fn set_queue_attributes_has_values_as_text() {
    assert_decodes(
        "SetQueueAttributes",
        r#"{"QueueUrl":"jobs","Attributes":{"RedrivePolicy":"","DelaySeconds":"5"}}"#,
        SetQueueAttributes {
            queue_url: "jobs".to_owned(),
            attributes: texts([("RedrivePolicy", ""), ("DelaySeconds", "5")]),
        },
    );
}

#[test]
fn tag_queue_has_tags_and_untag_queue_their_keys() {
    let queue_url = "jobs".to_owned();
    assert_decodes(
        "TagQueue",
        r#"{"QueueUrl":"jobs","Tags":{"Team":"","team":"a"}}"#,
        TagQueue { queue_url: queue_url.clone(), tags: texts([("Team", ""), ("team", "a")]) },
    );
    assert_decodes(
        "UntagQueue",
        r#"{"QueueUrl":"jobs","TagKeys":["team"]}"#,
        UntagQueue { queue_url, tag_keys: list(["team"]) },
    );
}

#[test]
fn add_permission_has_accounts_and_actions_under_a_label_and_remove_permission_the_label() {
    let (queue_url, label) = ("jobs".to_owned(), "partners".to_owned());
    assert_decodes(
        "AddPermission",
        r#"{"QueueUrl":"jobs","Label":"partners","AWSAccountIds":["111111111111"],"Actions":["*"]}"#,
        AddPermission {
            queue_url: queue_url.clone(),
            label: label.clone(),
            aws_account_ids: list(["111111111111"]),
            actions: list(["*"]),
        },
    );
    assert_decodes(
        "RemovePermission",
        r#"{"QueueUrl":"jobs","Label":"partners"}"#,
        RemovePermission { queue_url, label },
    );
}
