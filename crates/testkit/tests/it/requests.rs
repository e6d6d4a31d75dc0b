//! What tasks cost in requests: as a test asserts it, and as the broker counted it.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore::{App, Failure, Task};
use longshore_tasks::transport::{Action, Purpose};
use longshore_testkit::{World, assert_requests, start};
use serde::{Deserialize, Serialize};

const QUEUES: &str = r#"
[queues.sums]
dead_letter = { queue = "sums-dead", max_receive_count = 5 }
[queues.sums-dead]
[queues.replies]
"#;

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(reply = u32, retry(attempts = 2, backoff = "15m..15m"))]
struct Sum {
    numbers: Vec<u32>,
}

async fn add(task: Sum) -> Result<u32, Failure> {
    if task.numbers.is_empty() {
        return Err(Failure::retry("there is nothing to add"));
    }
    Ok(task.numbers.iter().sum())
}

async fn world_with(tasks: impl Iterator<Item = Sum>) -> World {
    let app = App::new("sums").queues(QUEUES).reply_queue("replies");
    let world = start(app.queue("sums", |queue| queue.handle(add))).await;
    for sent in world.client().send_all(tasks).await {
        sent.unwrap();
    }
    world
}

fn small(count: u32) -> impl Iterator<Item = Sum> {
    (0..count).map(|number| Sum { numbers: vec![number, 1] })
}

/// The counters of the broker of that name, by queue.
fn counted(world: &World, name: &str) -> BTreeMap<String, u64> {
    let page = world.broker().metrics();
    let samples = page.lines().filter(|line| line.starts_with(&format!("{name}_total{{")));
    let read = |line: &str| {
        let (labels, value) = line.split_once("} ")?;
        let queue = labels.split_once("queue=\"")?.1.trim_end_matches('"');
        let value = value.parse().ok().filter(|value| *value > 0)?;
        Some((queue.to_owned(), value))
    };
    samples.filter_map(read).collect()
}

/// The entries of an action that were for something, by queue.
fn metered(world: &World, action: Action) -> BTreeMap<String, u64> {
    let mut by_queue = BTreeMap::new();
    for (line, spent) in world.requests().lines() {
        if line.action == action && spent.entries > 0 {
            *by_queue.entry(line.queue.to_string()).or_default() += spent.entries;
        }
    }
    by_queue
}

#[tokio::test(start_paused = true)]
async fn the_meter_agrees_with_what_the_broker_counted() {
    let failing = Sum { numbers: Vec::new() };
    let world = world_with(small(33).chain([failing])).await;
    world.run_until_idle().await;
    world.advance(Duration::from_secs(900)).await;
    assert_eq!(world.run_until_idle().await.dead, 1);
    let pairs = [
        (Action::SendMessageBatch, "aws_sqs_number_of_messages_sent"),
        (Action::ReceiveMessage, "aws_sqs_number_of_messages_received"),
        (Action::DeleteMessageBatch, "aws_sqs_number_of_messages_deleted"),
    ];
    for (action, name) in pairs {
        let counted = counted(&world, name);
        assert!(counted.len() >= 2, "{counted:?}");
        assert_eq!(metered(&world, action), counted, "{action}\n{}", world.requests());
    }
    assert_requests!(world, DeadLetter == 1, HandBack == 1, Other == 0);
    let empty: u64 = counted(&world, "aws_sqs_number_of_empty_receives").values().sum();
    // A worker that stops leaves its last receive, which the broker then does not answer.
    let unanswered =
        world.requests().of(Purpose::EmptyReceive) - f64::from(u32::try_from(empty).unwrap());
    assert!((0.0..=4.0).contains(&unanswered), "{empty}\n{}", world.requests());
}

#[tokio::test(start_paused = true)]
async fn each_clause_can_hold() {
    let world = world_with(small(100)).await;
    world.run_until_idle().await;
    let tens = 10;
    assert_requests!(
        world,
        <= 0.9 per task,
        > 0.4 per task,
        total < 90,
        total >= 41.0,
        Task == tens,
        Receive <= 0.1 per task,
        Reply <= 0.1 per task,
        Renew == 0,
    );
    assert_requests!(world.requests().since(&world.requests()), total == 0);
}

#[tokio::test(start_paused = true)]
async fn large_messages_cost_a_request_for_each_64_kib() {
    let large = Sum { numbers: vec![1; 65_536] };
    let world = world_with(std::iter::once(large)).await;
    world.run_until_idle().await;
    assert_requests!(world, Task == 3, Receive == 3, Reply == 1, Delete == 1);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "requests <= 0.1 per task, and it is")]
async fn too_many_requests_are_refused() {
    let world = world_with(small(10)).await;
    assert_requests!(world, Task == 1, <= 0.1 per task);
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "1.000       10  task           SendMessageBatch              sum at sums"
)]
async fn a_refusal_shows_what_was_spent_on_what() {
    let world = world_with(small(10)).await;
    assert_requests!(world, Task == 2);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "no task was sent")]
async fn without_a_task_nothing_is_said_of_each() {
    let world = world_with(small(0)).await;
    assert_requests!(world, <= 0.1 per task);
}
