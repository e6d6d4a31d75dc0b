//! Queue attributes, as SQS checks and shows them.

use longshore_wire::{SetQueueAttributes, SqsError, SystemAttributeName};

use crate::support::*;

async fn set(
    broker: &longshore_broker::Broker,
    attributes: &[(&str, &str)],
) -> Result<(), SqsError> {
    let attributes = attributes.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let set = SetQueueAttributes { queue_url: URL.into(), attributes: attributes.collect() };
    broker.call(set.into()).await.map(drop)
}

#[tokio::test]
async fn creating_again_compares_what_is_asked_with_what_holds_now() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[("DelaySeconds", "1")]).await;
    create(&broker, "jobs", &[]).await;
    create(&broker, "jobs", &[("DelaySeconds", "01"), ("VisibilityTimeout", "30")]).await;
    set(&broker, &[("DelaySeconds", "2")]).await.unwrap();
    create(&broker, "jobs", &[("DelaySeconds", "2")]).await;
    let differs = try_create(&broker, "jobs", &[("DelaySeconds", "1")]).await;
    assert_eq!(differs, Err(SqsError::QueueNameExists("DelaySeconds".into())));
}

#[tokio::test]
async fn creating_again_may_ask_for_any_part_of_what_holds() {
    let broker = in_memory().await;
    let fifo = ("FifoQueue", "true");
    let scope = ("DeduplicationScope", "messageGroup");
    let limit = ("FifoThroughputLimit", "perMessageGroupId");
    create(&broker, "jobs.fifo", &[fifo, scope, limit]).await;
    create(&broker, "jobs.fifo", &[fifo, limit]).await;
    create(&broker, "jobs.fifo", &[fifo, scope]).await;
    let other = try_create(&broker, "jobs.fifo", &[fifo, ("DeduplicationScope", "queue")]).await;
    assert_eq!(other, Err(SqsError::QueueNameExists("DeduplicationScope".into())));

    create(&broker, "secret", &[("KmsMasterKeyId", "key")]).await;
    create(&broker, "secret", &[("KmsDataKeyReusePeriodSeconds", "300")]).await;
    let own = try_create(&broker, "secret", &[("SqsManagedSseEnabled", "true")]).await;
    assert_eq!(own, Err(SqsError::QueueNameExists("SqsManagedSseEnabled".into())));
}

#[tokio::test]
async fn a_redrive_policy_is_the_same_with_its_count_as_a_number_and_as_a_string() {
    let broker = in_memory().await;
    create(&broker, "dead", &[]).await;
    let policy = |count: &str| {
        let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
        format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":{count}}}"#)
    };
    create(&broker, "jobs", &[("RedrivePolicy", &policy("3"))]).await;
    create(&broker, "jobs", &[("RedrivePolicy", &policy(r#""3""#))]).await;
    let other = try_create(&broker, "jobs", &[("RedrivePolicy", &policy("4"))]).await;
    assert_eq!(other, Err(SqsError::QueueNameExists("RedrivePolicy".into())));
}

#[tokio::test]
async fn one_wrong_attribute_and_none_is_set() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    let refused = set(&broker, &[("DelaySeconds", "5"), ("VisibilityTimeout", "43201")]).await;
    assert_eq!(refused, Err(SqsError::invalid_attribute("VisibilityTimeout")));
    assert_eq!(attribute(&broker, "DelaySeconds").await, "0");
}

#[tokio::test]
async fn a_kms_key_turns_the_keys_of_sqs_off_for_good() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    assert_eq!(attribute(&broker, "SqsManagedSseEnabled").await, "true");
    set(&broker, &[("KmsMasterKeyId", "key")]).await.unwrap();
    assert_eq!(attribute(&broker, "SqsManagedSseEnabled").await, "false");
    assert_eq!(attribute(&broker, "KmsDataKeyReusePeriodSeconds").await, "300");
    set(&broker, &[("KmsMasterKeyId", "")]).await.unwrap();
    assert_eq!(attribute(&broker, "SqsManagedSseEnabled").await, "false");
    assert_eq!(attribute(&broker, "KmsMasterKeyId").await, "");
}

#[tokio::test]
async fn a_reuse_period_is_shown_only_with_a_key() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[("KmsDataKeyReusePeriodSeconds", "600")]).await;
    assert_eq!(attribute(&broker, "KmsDataKeyReusePeriodSeconds").await, "");
    set(&broker, &[("KmsMasterKeyId", "key")]).await.unwrap();
    assert_eq!(attribute(&broker, "KmsDataKeyReusePeriodSeconds").await, "600");
}

#[tokio::test]
async fn the_attributes_of_fifo_queues_are_unknown_on_a_standard_one() {
    let broker = in_memory().await;
    for name in ["FifoQueue", "ContentBasedDeduplication"] {
        let refused = try_create(&broker, "jobs", &[(name, "false")]).await;
        assert_eq!(refused, Err(SqsError::unknown_attribute(name)));
    }
    let refused = try_create(&broker, "jobs", &[("DeduplicationScope", "queue")]).await;
    let text = "You can specify the DeduplicationScope only when FifoQueue is set to true.";
    assert_eq!(refused, Err(SqsError::InvalidAttributeName(text.into())));
}

#[tokio::test]
async fn an_empty_redrive_policy_removes_it() {
    let broker = in_memory().await;
    create(&broker, "dead", &[]).await;
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"3"}"#;
    create(&broker, "jobs", &[("RedrivePolicy", policy)]).await;
    assert_eq!(attribute(&broker, "RedrivePolicy").await, policy);
    set(&broker, &[("RedrivePolicy", "")]).await.unwrap();
    assert_eq!(attribute(&broker, "RedrivePolicy").await, "");
}

const ITSELF: &str =
    r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:jobs","maxReceiveCount":1}"#;

#[tokio::test]
async fn q1_a_queue_can_be_its_own_dead_letter_queue() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[]).await;
    set(&broker, &[("RedrivePolicy", ITSELF)]).await.unwrap();
    assert_eq!(attribute(&broker, "RedrivePolicy").await, ITSELF);
    set(&broker, &[("RedrivePolicy", "")]).await.unwrap();
    assert_eq!(attribute(&broker, "RedrivePolicy").await, "");
}

#[tokio::test]
async fn q1_what_is_received_too_often_by_its_own_dead_letter_queue_stays_and_is_delivered() {
    let broker = in_memory().await;
    create(&broker, "jobs", &[("VisibilityTimeout", "0")]).await;
    set(&broker, &[("RedrivePolicy", ITSELF)]).await.unwrap();
    send(&broker, "poison").await;
    for count in ["1", "2", "3"] {
        let received = receive(&broker, 0).await;
        assert_eq!(bodies(&received), ["poison"]);
        let told = &received[0].attributes[&SystemAttributeName::ApproximateReceiveCount];
        assert_eq!(told, count, "each receive counts once, and nothing else does");
    }
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessages").await, "1");
    delete(&broker, receive(&broker, 0).await.remove(0).receipt_handle).await.unwrap();
    assert_eq!(attribute(&broker, "ApproximateNumberOfMessages").await, "0");
}

#[tokio::test]
async fn q5_a_redrive_allow_policy_is_shown_without_what_says_nothing() {
    let broker = in_memory().await;
    let sent = r#"{"redrivePermission":"denyAll","sourceQueueArns":null}"#;
    create(&broker, "jobs", &[("RedriveAllowPolicy", sent)]).await;
    let shown = r#"{"redrivePermission":"denyAll"}"#;
    assert_eq!(attribute(&broker, "RedriveAllowPolicy").await, shown);
    create(&broker, "jobs", &[("RedriveAllowPolicy", sent)]).await;
}

#[tokio::test]
async fn q18_the_keys_of_sqs_take_the_place_of_a_kms_key() {
    let broker = in_memory().await;
    let kms = [("KmsMasterKeyId", "key"), ("KmsDataKeyReusePeriodSeconds", "600")];
    create(&broker, "jobs", &kms).await;
    let both = set(&broker, &[("KmsMasterKeyId", "key"), ("SqsManagedSseEnabled", "true")]).await;
    assert!(matches!(both, Err(SqsError::InvalidAttributeName(_))), "{both:?}");
    set(&broker, &[("SqsManagedSseEnabled", "true")]).await.unwrap();
    assert_eq!(attribute(&broker, "SqsManagedSseEnabled").await, "true");
    for gone in ["KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"] {
        assert_eq!(attribute(&broker, gone).await, "", "{gone}");
    }
}
