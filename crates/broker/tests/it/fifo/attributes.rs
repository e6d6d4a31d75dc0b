//! The attributes that only FIFO queues have, and what a FIFO queue is called.

use super::*;
use crate::support::{in_memory, try_create};

#[tokio::test]
async fn a_name_ends_in_fifo_exactly_if_the_queue_is_one() {
    let broker = in_memory().await;
    let fifo_name = "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
                     underscores, must end with .fifo suffix and be 1 to 80 in length.";
    let standard_name =
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";
    let fifo = [("FifoQueue", "true")];
    assert_eq!(try_create(&broker, "jobs", &fifo).await, Err(invalid(fifo_name)));
    assert_eq!(try_create(&broker, "a b.fifo", &fifo).await, Err(invalid(fifo_name)));
    for attributes in [&[][..], &[("FifoQueue", "false")]] {
        let refused = try_create(&broker, "jobs.fifo", attributes).await;
        assert_eq!(refused, Err(invalid(standard_name)));
    }
}

#[tokio::test]
async fn all_attributes_of_a_fifo_queue_are_those_of_a_standard_one_and_four_more() {
    let broker = in_memory().await;
    create_fifo(&broker, "jobs.fifo", &[]).await;
    let all = attributes_of(&broker, &["All"]).await.unwrap();
    assert_eq!(all.len(), 16, "{all:?}");
    for (name, value) in [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "false"),
        ("DeduplicationScope", "queue"),
        ("FifoThroughputLimit", "perQueue"),
    ] {
        assert_eq!(attribute(&broker, name).await, value, "{name}");
    }
}

#[tokio::test]
async fn a_queue_that_is_fifo_stays_so() {
    let world = World::new().await;
    world.set(&[("FifoQueue", "True")]).await.unwrap();
    let text =
        "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.";
    let refused = world.set(&[("FifoQueue", "false")]).await;
    assert_eq!(refused, Err(SqsError::InvalidAttributeValue(text.into())));
}

#[tokio::test]
async fn a_limit_per_group_needs_the_scope_of_a_group() {
    let world = World::new().await;
    let text = "The perMessageGroupId value is allowed only when the value for DeduplicationScope \
                is messageGroup";
    let limit = ("FifoThroughputLimit", "perMessageGroupId");
    let refused = world.set(&[limit]).await;
    assert_eq!(refused, Err(SqsError::InvalidAttributeValue(text.into())));
    world.set(&[limit, ("DeduplicationScope", "messageGroup")]).await.unwrap();
    assert_eq!(attribute(&world.broker, "FifoThroughputLimit").await, "perMessageGroupId");
}

#[tokio::test]
async fn creating_a_fifo_queue_again_compares_its_own_attributes_too() {
    let broker = in_memory().await;
    create_fifo(&broker, "jobs.fifo", &[]).await;
    create_fifo(&broker, "jobs.fifo", &[("DeduplicationScope", "queue")]).await;
    let other = [("FifoQueue", "true"), ("ContentBasedDeduplication", "True")];
    let differs = try_create(&broker, "jobs.fifo", &other).await;
    assert_eq!(differs, Err(SqsError::QueueNameExists("ContentBasedDeduplication".into())));
}
