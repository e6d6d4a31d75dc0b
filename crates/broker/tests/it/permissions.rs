//! Permissions: statements of a queue's policy that are added and removed.

use std::sync::Arc;
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions};
use longshore_wire::{AddPermission, RemovePermission, Reply, SetQueueAttributes, SqsError};

use crate::support::*;

async fn add(broker: &Broker, label: &str) -> Result<Reply, SqsError> {
    let add = AddPermission {
        queue_url: URL.into(),
        label: label.into(),
        aws_account_ids: vec!["111111111111".into()],
        actions: vec!["SendMessage".into()],
    };
    broker.call(add.into()).await
}

async fn remove(broker: &Broker, label: &str) -> Result<Reply, SqsError> {
    broker.call(RemovePermission { queue_url: URL.into(), label: label.into() }.into()).await
}

async fn set(broker: &Broker, name: &str, value: &str) -> Result<Reply, SqsError> {
    let attributes = [(name.to_owned(), value.to_owned())].into();
    broker.call(SetQueueAttributes { queue_url: URL.into(), attributes }.into()).await
}

/// The policy that permissions of these labels make.
fn policy(labels: &[&str]) -> String {
    let arn = "arn:aws:sqs:us-east-1:000000000000:jobs";
    let statements = labels.iter().map(|label| {
        format!(
            r#"{{"Sid":"{label}","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111111111111:root"}},"Action":"SQS:SendMessage","Resource":"{arn}"}}"#
        )
    });
    let statements: Vec<String> = statements.collect();
    format!(
        r#"{{"Version":"2008-10-17","Id":"{arn}/SQSDefaultPolicy","Statement":[{}]}}"#,
        statements.join(",")
    )
}

#[tokio::test]
async fn the_first_permission_makes_the_policy_and_the_last_takes_it_away() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    add(&broker, "one").await.unwrap();
    add(&broker, "two").await.unwrap();
    assert_eq!(attribute(&broker, "Policy").await, policy(&["one", "two"]));
    remove(&broker, "one").await.unwrap();
    assert_eq!(attribute(&broker, "Policy").await, policy(&["two"]));
    remove(&broker, "two").await.unwrap();
    assert_eq!(attribute(&broker, "Policy").await, "");
}

#[tokio::test]
async fn permissions_survive_a_restart_and_so_does_their_removal() {
    let directory = tempfile::tempdir().unwrap();
    let broker = on_disk(directory.path()).await;
    create(&broker, "jobs", &[]).await;
    for label in ["one", "two"] {
        add(&broker, label).await.unwrap();
    }
    remove(&broker, "one").await.unwrap();
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(attribute(&broker, "Policy").await, policy(&["two"]));
    remove(&broker, "two").await.unwrap();
    broker.close().await;

    let broker = on_disk(directory.path()).await;
    assert_eq!(attribute(&broker, "Policy").await, "");
    broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_permission_changes_when_the_queue_was_modified_and_nothing_else_of_it() {
    let clock = ManualClock::new();
    let broker =
        Broker::open(BrokerOptions { clock: Arc::clone(&clock) as _, ..BrokerOptions::default() })
            .await
            .unwrap();
    create(&broker, "jobs", &[("VisibilityTimeout", "77")]).await;
    let created = attribute(&broker, "LastModifiedTimestamp").await;
    clock.advance(Duration::from_secs(5)).await;
    add(&broker, "one").await.unwrap();
    let added = attribute(&broker, "LastModifiedTimestamp").await;
    clock.advance(Duration::from_secs(5)).await;
    remove(&broker, "one").await.unwrap();
    let removed = attribute(&broker, "LastModifiedTimestamp").await;
    let seconds = |text: &String| text.parse::<u64>().unwrap();
    assert_eq!(seconds(&added), seconds(&created) + 5);
    assert_eq!(seconds(&removed), seconds(&created) + 10);
    assert_eq!(attribute(&broker, "VisibilityTimeout").await, "77");
    assert_eq!(attribute(&broker, "CreatedTimestamp").await, created);
}

#[tokio::test]
async fn what_is_refused_changes_nothing() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    add(&broker, "one").await.unwrap();
    let unknown =
        "Value two for parameter Label is invalid. Reason: can't find label on existing policy.";
    assert_eq!(remove(&broker, "two").await, Err(SqsError::InvalidParameterValue(unknown.into())));
    let refused = set(&broker, "Policy", r#"{"Statement":{}}"#).await;
    assert_eq!(refused, Err(SqsError::invalid_attribute("Policy")));
    assert_eq!(attribute(&broker, "Policy").await, policy(&["one"]));
}

#[tokio::test]
async fn who_and_what_is_named_twice_is_in_the_policy_once() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    let twice = |text: &str| vec![text.to_owned(), text.to_owned()];
    let add = AddPermission {
        queue_url: URL.into(),
        label: "one".into(),
        aws_account_ids: twice("111111111111"),
        actions: twice("SendMessage"),
    };
    broker.call(add.into()).await.unwrap();
    assert_eq!(attribute(&broker, "Policy").await, policy(&["one"]));
}

#[tokio::test]
async fn creating_again_compares_the_policy_that_permissions_have_made() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    add(&broker, "one").await.unwrap();
    create(&broker, "jobs", &[("Policy", &policy(&["one"]))]).await;
    let differs = try_create(&broker, "jobs", &[("Policy", &policy(&["two"]))]).await;
    assert_eq!(differs, Err(SqsError::QueueNameExists("Policy".into())));
}

#[tokio::test]
async fn a_policy_beyond_a_limit_is_refused_in_the_words_of_each_action() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    let labels: Vec<String> = (0..21).map(|n| format!("l{n}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let text = "21 statements were found in the submitted policy, max allowed is 20".to_owned();
    let set_refused = set(&broker, "Policy", &policy(&labels)).await;
    assert_eq!(set_refused, Err(SqsError::OverLimit(text.clone())));
    let create_refused = try_create(&broker, "other", &[("Policy", &policy(&labels))]).await;
    assert_eq!(create_refused, Err(SqsError::InvalidParameterValue(text)));
    set(&broker, "Policy", &policy(&labels[..20])).await.unwrap();
    let text = "21 Statements were found, maximum allowed is 20.".to_owned();
    assert_eq!(add(&broker, "l20").await, Err(SqsError::OverLimit(text)));
}

#[tokio::test(start_paused = true)]
async fn q17_the_same_permission_again_changes_nothing_and_another_of_its_label_is_refused() {
    let (broker, clock) = with_clock().await;
    let permission = |accounts: &[&str], actions: &[&str]| AddPermission {
        queue_url: URL.into(),
        label: "one".into(),
        aws_account_ids: accounts.iter().map(ToString::to_string).collect(),
        actions: actions.iter().map(ToString::to_string).collect(),
    };
    let first = permission(&["111111111111", "222222222222"], &["SendMessage", "ReceiveMessage"]);
    broker.call(first.clone().into()).await.unwrap();
    let policy = attribute(&broker, "Policy").await;
    let modified = attribute(&broker, "LastModifiedTimestamp").await;
    clock.advance(Duration::from_secs(5)).await;
    let turned = permission(&["222222222222", "111111111111"], &["ReceiveMessage", "SendMessage"]);
    for again in [first, turned] {
        assert_eq!(broker.call(again.into()).await, Ok(Reply::Empty));
    }
    assert_eq!(attribute(&broker, "LastModifiedTimestamp").await, modified);
    let text = "Value one for parameter Label is invalid. Reason: Already exists.".to_owned();
    for other in [
        permission(&["111111111111"], &["SendMessage", "ReceiveMessage"]),
        permission(&["111111111111", "222222222222"], &["SendMessage"]),
    ] {
        let refused = broker.call(other.into()).await;
        assert_eq!(refused, Err(SqsError::InvalidParameterValue(text.clone())));
    }
    assert_eq!(attribute(&broker, "Policy").await, policy);
}
