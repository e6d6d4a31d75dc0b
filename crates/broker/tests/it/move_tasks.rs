//! Message move tasks, with real loops and a clock that the test moves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions};
use longshore_wire::{
    CancelMessageMoveTask, CancelMessageMoveTaskReply, DeleteQueue, ListMessageMoveTasks,
    ListMessageMoveTasksResultEntry, ReceivedMessage, Reply, SendMessage, SqsError,
    StartMessageMoveTask,
};

use crate::support::*;

fn url(name: &str) -> String {
    format!("http://localhost/000000000000/{name}")
}

fn arn(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}

fn to(name: &str) -> StartMessageMoveTask {
    StartMessageMoveTask { destination_arn: Some(arn(name)), ..from_dead() }
}

fn from_dead() -> StartMessageMoveTask {
    StartMessageMoveTask { source_arn: arn("dead"), ..StartMessageMoveTask::default() }
}

fn at_rate(rate: i64) -> StartMessageMoveTask {
    StartMessageMoveTask { max_number_of_messages_per_second: Some(rate), ..from_dead() }
}

/// A broker with `jobs` and `more`, which both dead-letter to `dead`.
struct World {
    broker: Broker,
    clock: Arc<ManualClock>,
}

impl World {
    async fn open(data: Option<&Path>, clock: Arc<ManualClock>) -> Self {
        let data = data.map(ToOwned::to_owned);
        let clock_option = Arc::clone(&clock) as _;
        let options = BrokerOptions { clock: clock_option, data, ..BrokerOptions::default() };
        Self { broker: Broker::open(options).await.unwrap(), clock }
    }

    async fn with(data: Option<&Path>) -> Self {
        let world = Self::open(data, ManualClock::new()).await;
        create(&world.broker, "dead", &[]).await;
        let arn = arn("dead");
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":1}}"#);
        for name in ["jobs", "more"] {
            let attributes = [("RedrivePolicy", &*policy), ("VisibilityTimeout", "0")];
            create(&world.broker, name, &attributes).await;
        }
        world
    }

    async fn new() -> Self {
        Self::with(None).await
    }

    async fn pass(&self, duration: Duration) {
        self.clock.advance(duration).await;
        tokio::task::yield_now().await;
    }

    async fn send_to(&self, name: &str, body: &str) {
        let message_body = body.to_owned();
        let send = SendMessage { queue_url: url(name), message_body, ..SendMessage::default() };
        self.broker.call(send.into()).await.unwrap();
    }

    /// Sends messages to a queue and has them dead-lettered.
    async fn poison(&self, name: &str, bodies: &[&str]) {
        for body in bodies {
            self.send_to(name, body).await;
        }
        for _ in 0..2 {
            receive_from(&self.broker, &url(name), 0).await;
        }
    }

    async fn start(&self, start: StartMessageMoveTask) -> Result<String, SqsError> {
        let Reply::StartMessageMoveTask(reply) = self.broker.call(start.into()).await? else {
            panic!("a start is answered by a reply of its own")
        };
        Ok(reply.task_handle)
    }

    async fn cancel(&self, task_handle: String) -> Result<u64, SqsError> {
        let Reply::CancelMessageMoveTask(reply) =
            self.broker.call(CancelMessageMoveTask { task_handle }.into()).await?
        else {
            panic!("a cancel is answered by a reply of its own")
        };
        let CancelMessageMoveTaskReply { approximate_number_of_messages_moved } = reply;
        Ok(approximate_number_of_messages_moved)
    }

    async fn tasks(&self) -> Vec<ListMessageMoveTasksResultEntry> {
        let list = ListMessageMoveTasks { source_arn: arn("dead"), max_results: Some(10) };
        let Reply::ListMessageMoveTasks(reply) = self.broker.call(list.into()).await.unwrap()
        else {
            panic!("a list is answered by a reply of its own")
        };
        reply.results
    }

    /// The newest task: its status, how many it has moved, and how many there were.
    async fn task(&self) -> (&'static str, u64, u64) {
        let newest = self.tasks().await.remove(0);
        (
            newest.status,
            newest.approximate_number_of_messages_moved,
            newest.approximate_number_of_messages_to_move,
        )
    }

    async fn received(&self, name: &str) -> Vec<ReceivedMessage> {
        receive_from(&self.broker, &url(name), 0).await
    }

    /// Moves the broker's clock, and has the broker look at the queue: what is due is done then.
    async fn a_second_later(&self) {
        self.clock.pass(Duration::from_secs(1));
        self.tasks().await;
    }

    async fn delete_queue(&self, name: &str) {
        self.broker.call(DeleteQueue { queue_url: url(name) }.into()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_keeps_its_rate_and_starts_with_a_message() {
    let world = World::new().await;
    world.poison("jobs", &["a", "b", "c"]).await;
    world.start(at_rate(2)).await.unwrap();
    for moved in 1..3 {
        assert_eq!(world.task().await, ("RUNNING", moved, 3));
        world.pass(Duration::from_millis(499)).await;
        assert_eq!(world.task().await, ("RUNNING", moved, 3));
        world.pass(Duration::from_millis(1)).await;
    }
    assert_eq!(world.task().await, ("COMPLETED", 3, 3));
    assert_eq!(bodies(&world.received("jobs").await), ["a", "b", "c"]);
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_destination_each_message_goes_back_to_its_own_source() {
    let world = World::new().await;
    world.poison("jobs", &["a"]).await;
    world.poison("more", &["b"]).await;
    world.start(from_dead()).await.unwrap();
    world.pass(Duration::from_millis(1)).await;
    let task = world.tasks().await.remove(0);
    assert_eq!((task.status, task.destination_arn, task.task_handle), ("COMPLETED", None, None));
    assert_eq!(bodies(&world.received("jobs").await), ["a"]);
    assert_eq!(bodies(&world.received("more").await), ["b"]);
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_waits_at_the_destination_is_woken() {
    let world = World::new().await;
    create(&world.broker, "other", &[]).await;
    world.poison("jobs", &["a"]).await;
    let broker = world.broker.clone();
    let waiting = tokio::spawn(async move { receive_from(&broker, &url("other"), 20).await });
    tokio::task::yield_now().await;
    world.start(to("other")).await.unwrap();
    assert_eq!(bodies(&waiting.await.unwrap()), ["a"]);
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_moves_nothing_more_and_answers_what_it_has_moved() {
    let world = World::new().await;
    world.poison("jobs", &["a", "b", "c"]).await;
    let handle = world.start(at_rate(1)).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.cancel(handle.clone()).await, Ok(2));
    world.pass(Duration::from_secs(10)).await;
    assert_eq!(world.task().await, ("CANCELLED", 2, 3));
    assert_eq!(world.cancel(handle).await, Err(SqsError::move_task_ended()));
    assert_eq!(bodies(&world.received("dead").await), ["c"]);
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_task_of_a_queue_is_refused_while_the_first_runs() {
    let world = World::new().await;
    world.poison("jobs", &["a", "b"]).await;
    world.start(at_rate(1)).await.unwrap();
    assert_eq!(world.start(from_dead()).await, Err(SqsError::move_task_running()));
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(world.task().await, ("COMPLETED", 2, 2));
    assert!(world.start(from_dead()).await.is_ok());
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_in_flight_is_moved_when_it_comes_back() {
    let world = World::new().await;
    world.poison("jobs", &["a"]).await;
    assert_eq!(world.received("dead").await.len(), 1);
    world.start(from_dead()).await.unwrap();
    world.pass(Duration::from_millis(29_999)).await;
    assert_eq!(world.task().await, ("RUNNING", 0, 1));
    world.pass(Duration::from_millis(1)).await;
    assert_eq!(world.task().await, ("COMPLETED", 1, 1));
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_fails_when_the_queue_to_go_to_is_gone_and_when_nobody_knows_it() {
    let world = World::new().await;
    create(&world.broker, "other", &[]).await;
    world.poison("jobs", &["a", "b"]).await;
    let rate = Some(1);
    let start = StartMessageMoveTask { max_number_of_messages_per_second: rate, ..to("other") };
    world.start(start).await.unwrap();
    world.delete_queue("other").await;
    // Under the same name it is another queue.
    create(&world.broker, "other", &[]).await;
    world.pass(Duration::from_secs(1)).await;
    let failed = world.tasks().await.remove(0);
    assert_eq!(failed.status, "FAILED");
    assert_eq!(failed.failure_reason, Some("AWS.SimpleQueueService.NonExistentQueue"));
    assert_eq!(failed.destination_arn, Some(arn("other")));

    world.send_to("dead", "sent here").await;
    world.start(from_dead()).await.unwrap();
    world.pass(Duration::from_secs(1)).await;
    let failed = world.tasks().await.remove(0);
    assert_eq!(failed.failure_reason, Some("CouldNotDetermineMessageSource"));
    assert_eq!(failed.approximate_number_of_messages_moved, 1, "the one before it went");
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn an_account_runs_a_hundred_tasks_and_no_more() {
    let world = World::new().await;
    let dead = |number: u32| format!("dead-{number}");
    for number in 0..101 {
        create(&world.broker, &dead(number), &[]).await;
        let target = arn(&dead(number));
        let policy = format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":1}}"#);
        let name = format!("source-{number}");
        create(&world.broker, &name, &[("RedrivePolicy", &policy), ("VisibilityTimeout", "0")])
            .await;
        world.poison(&name, &["a", "b"]).await;
    }
    let start = |number| StartMessageMoveTask { source_arn: arn(&dead(number)), ..at_rate(1) };
    for number in 0..100 {
        world.start(start(number)).await.unwrap();
    }
    let refused = world.start(start(100)).await.unwrap_err();
    assert!(matches!(refused, SqsError::OverLimit(_)), "{refused:?}");
    world.pass(Duration::from_secs(1)).await;
    assert!(world.start(start(100)).await.is_ok(), "the others have ended");
    world.broker.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_keeps_its_groups_and_their_order_under_new_ids() {
    let world = World::new().await;
    let fifo = ("FifoQueue", "true");
    create(&world.broker, "dead.fifo", &[fifo]).await;
    let target = arn("dead.fifo");
    let policy = format!(r#"{{"deadLetterTargetArn":"{target}","maxReceiveCount":1}}"#);
    let attributes = [fifo, ("RedrivePolicy", &*policy), ("VisibilityTimeout", "0")];
    create(&world.broker, "jobs.fifo", &attributes).await;
    for body in ["a1", "a2", "a3", "b1"] {
        let send = SendMessage {
            queue_url: url("jobs.fifo"),
            message_body: body.into(),
            message_group_id: Some(body[..1].to_owned()),
            message_deduplication_id: Some(body.to_owned()),
            ..SendMessage::default()
        };
        world.broker.call(send.into()).await.unwrap();
    }
    let first = world.received("jobs.fifo").await;
    assert_eq!(first.len(), 4);
    assert!(world.received("jobs.fifo").await.is_empty());
    world
        .start(StartMessageMoveTask { source_arn: target, ..StartMessageMoveTask::default() })
        .await
        .unwrap();
    world.pass(Duration::from_millis(10)).await;

    let moved = world.received("jobs.fifo").await;
    let of_a: Vec<_> = moved.iter().filter(|message| message.body.starts_with('a')).collect();
    assert_eq!(of_a.iter().map(|message| &*message.body).collect::<Vec<_>>(), ["a1", "a2", "a3"]);
    for message in &moved {
        let before = first.iter().find(|before| before.body == message.body).unwrap();
        assert_ne!(before.message_id, message.message_id);
        assert_eq!(system(message, "MessageGroupId"), system(before, "MessageGroupId"));
        let deduplication_id = system(message, "MessageDeduplicationId");
        assert_eq!(deduplication_id, message.message_id.to_string());
        assert!(system(message, "SequenceNumber") > system(before, "SequenceNumber"));
    }
    world.broker.close().await;
}

fn system(message: &ReceivedMessage, name: &str) -> String {
    let named = message.attributes.iter().find(|(attribute, _)| attribute.as_str() == name);
    named.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// What a kill at this moment would leave behind.
fn image(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// The disk's threads know nothing of paused time, so tokio's runs on here; the broker's own clock is
/// still the test's.
async fn goes_on_after(crash: bool) {
    let directory = tempfile::tempdir().unwrap();
    let world = World::with(Some(directory.path())).await;
    let all = ["a", "b", "c", "d", "e"];
    world.poison("jobs", &all).await;
    let handle = world.start(at_rate(1)).await.unwrap();
    world.a_second_later().await;
    // The answer waits for the moves that it tells of, so a crash cannot take them back.
    assert_eq!(world.task().await, ("RUNNING", 2, 5));
    let image = crash.then(|| image(directory.path()));
    let clock = Arc::clone(&world.clock);
    world.broker.close().await;

    let data = image.as_ref().map_or(directory.path(), tempfile::TempDir::path);
    let world = World::open(Some(data), clock).await;
    assert_eq!(world.task().await, ("RUNNING", 2, 5), "no faster than its rate");
    assert_eq!(world.tasks().await[0].task_handle, Some(handle));
    let home = world.received("jobs").await;
    assert_eq!(bodies(&home), all[..2]);
    for message in home {
        let delete = longshore_wire::DeleteMessage {
            queue_url: url("jobs"),
            receipt_handle: message.receipt_handle,
        };
        world.broker.call(delete.into()).await.unwrap();
    }
    for _ in 2..5 {
        world.a_second_later().await;
    }
    assert_eq!(world.task().await, ("COMPLETED", 5, 5));
    assert_eq!(bodies(&world.received("jobs").await), all[2..]);
    world.broker.close().await;
}

#[tokio::test]
async fn a_task_goes_on_after_a_restart_where_it_was_and_as_fast_as_it_was() {
    goes_on_after(false).await;
}

#[tokio::test]
async fn a_task_goes_on_after_a_crash_where_it_was_and_no_message_is_lost_or_doubled() {
    goes_on_after(true).await;
}
