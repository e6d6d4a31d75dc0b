//! Contents that rot on the disk: one costs one message, which stays until somebody purges it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions, ServerOptions, verify};
use longshore_wire::{
    PurgeQueue, ReceiveMessage, ReceivedMessage, Reply, SendMessage, SetQueueAttributes,
    StartMessageMoveTask,
};

use crate::http::Server;
use crate::support::*;

const ORDERED: &str = "http://localhost/000000000000/ordered.fifo";
const DEAD: &str = "http://localhost/000000000000/dead";

/// A broker that reads each content from the disk.
async fn open(directory: &Path, clock: &Arc<ManualClock>) -> Broker {
    let data = Some(directory.to_owned());
    let clock = Arc::clone(clock) as _;
    let mut options = BrokerOptions { data, clock, ..BrokerOptions::default() };
    options.store.cache_bytes = 0;
    Broker::open(options).await.unwrap()
}

struct World {
    directory: tempfile::TempDir,
    broker: Broker,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::new();
        let broker = open(directory.path(), &clock).await;
        Self { directory, broker, clock }
    }

    /// One with so many messages in the queue [`URL`], which is set like that.
    async fn with(count: usize, attributes: &[(&str, &str)]) -> Self {
        let world = Self::new().await;
        create(&world.broker, "jobs", attributes).await;
        for number in 0..count {
            send(&world.broker, &text(number)).await;
        }
        world
    }

    /// One with a FIFO queue of these messages, each of the group that it begins with.
    async fn ordered(bodies: &[&str], attributes: &[(&str, &str)]) -> Self {
        let world = Self::new().await;
        let fifo = [("FifoQueue", "true"), ("ContentBasedDeduplication", "true")];
        create(&world.broker, "dead.fifo", &fifo).await;
        create(&world.broker, "ordered.fifo", &[&fifo[..], attributes].concat()).await;
        for body in bodies {
            let send = SendMessage {
                queue_url: ORDERED.into(),
                message_body: (*body).into(),
                message_group_id: Some(body[..1].into()),
                ..SendMessage::default()
            };
            world.broker.call(send.into()).await.unwrap();
        }
        world
    }

    fn rot(&self, body: &str) {
        flip_a_byte_of(self.directory.path(), body.as_bytes());
    }

    async fn restart(&mut self) {
        self.broker.close().await;
        self.broker = open(self.directory.path(), &self.clock).await;
    }

    fn verified(&self) -> String {
        verify(self.directory.path()).unwrap().to_string()
    }

    async fn received(&self, url: &str) -> Vec<String> {
        let received = receive_from(&self.broker, url, 0).await;
        received.into_iter().map(|message| message.body).collect()
    }

    async fn purge(&self, url: &str) {
        self.broker.call(PurgeQueue { queue_url: url.into() }.into()).await.unwrap();
    }
}

fn text(number: usize) -> String {
    format!("the content of {number}.")
}

fn texts(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(text).collect()
}

async fn receive_one(broker: &Broker, visibility: i64) -> Vec<ReceivedMessage> {
    let receive = ReceiveMessage {
        queue_url: URL.into(),
        visibility_timeout: Some(visibility.into()),
        ..ReceiveMessage::default()
    };
    let Reply::ReceiveMessage(reply) = broker.call(receive.into()).await.unwrap() else {
        panic!("a receive is answered by a receive's reply")
    };
    reply.messages
}

fn redrive_to(name: &str) -> String {
    format!(
        r#"{{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:{name}","maxReceiveCount":5}}"#
    )
}

#[tokio::test]
async fn c4_a_rotten_content_costs_one_message_and_its_neighbours_live() {
    let mut world = World::with(10, &[]).await;
    world.rot(&text(3));
    assert_eq!(world.received(URL).await, texts((0..10).filter(|number| *number != 3)));
    assert_eq!(world.broker.quarantined_count(), 1);
    assert!(world.broker.metrics().contains("\nlongshore_bodies_quarantined 1\n"));
    world.clock.pass(Duration::from_secs(60));
    assert_eq!(world.received(URL).await.len(), 9, "the others come again");
    for _ in 0..2 {
        world.restart().await;
        assert_eq!(world.broker.quarantined_count(), 1, "a start finds it in what it replays");
        assert_eq!(attribute(&world.broker, "ApproximateNumberOfMessagesNotVisible").await, "10");
    }
    world.broker.close().await;
    let said = world.verified();
    assert!(said.contains("arn:aws:sqs:us-east-1:000000000000:jobs: "), "{said}");
    assert!(said.contains("segment-00000001.log are not as they were written"), "{said}");
    assert!(said.contains("a broker starts with this directory, without those"), "{said}");

    world.restart().await;
    world.purge(URL).await;
    assert_eq!(world.broker.quarantined_count(), 0);
    world.broker.close().await;
    let verified = verify(world.directory.path()).unwrap();
    assert!(verified.is_whole(), "{verified}");
    assert!(verified.to_string().contains("that have rotted: 1;"), "{verified}");
}

#[tokio::test]
async fn a_rotten_content_hides_nothing_from_who_receives_one_at_a_time_and_leases_nothing() {
    let world = World::with(2, &[]).await;
    world.rot(&text(0));
    for _ in 0..3 {
        assert_eq!(bodies(&receive_one(&world.broker, 0).await), [text(1)]);
    }
    world.clock.pass(Duration::from_secs(16 * 60));
    assert_eq!(bodies(&receive_one(&world.broker, 0).await), [text(1)], "it was tried again");
    world.broker.close().await;
}

#[tokio::test]
async fn a_receive_that_meets_nothing_but_rot_looks_for_others() {
    let world = World::with(25, &[]).await;
    for number in 0..20 {
        world.rot(&text(number));
    }
    assert_eq!(world.received(URL).await, texts(20..25));
    assert_eq!(world.broker.quarantined_count(), 20);
    world.broker.close().await;
}

#[tokio::test]
async fn whoever_looks_at_a_queue_sees_all_that_is_not_rotten() {
    let world = World::with(3, &[]).await;
    world.rot(&text(1));
    let server = Server::serve(world.broker.clone(), ServerOptions::default()).await;
    let seen =
        server.exchange(&format!("GET /_aws/sqs/messages?QueueUrl={URL} HTTP/1.1"), "").await;
    for (number, is_seen) in [(0, true), (1, false), (2, true)] {
        assert_eq!(seen.contains(&text(number)), is_seen, "{seen}");
    }
    let health = server.exchange("GET /health HTTP/1.1", "").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(health.contains(r#""status":"degraded""#), "{health}");
    assert!(health.contains(r#""quarantined":1"#), "{health}");
}

#[tokio::test]
async fn a_rotten_content_goes_to_the_dead_letter_queue_at_once_and_back_with_a_move_task() {
    let mut world = World::new().await;
    create(&world.broker, "dead", &[]).await;
    create(&world.broker, "jobs", &[("RedrivePolicy", &redrive_to("dead"))]).await;
    for number in 0..3 {
        send(&world.broker, &text(number)).await;
    }
    world.rot(&text(1));
    for _ in 0..2 {
        assert_eq!(world.received(URL).await.len() % 2, 0);
        assert_eq!(world.broker.dead_letters().len(), 1);
        assert!(world.received(DEAD).await.is_empty());
        assert_eq!(world.broker.dead_letters()[0].1, 1, "it stays there");
        world.restart().await;
        assert_eq!((world.broker.quarantined_count(), world.broker.dead_letters().len()), (1, 1));
        world.clock.pass(Duration::from_secs(16 * 60));
        let source_arn = "arn:aws:sqs:us-east-1:000000000000:dead".to_owned();
        let start = StartMessageMoveTask { source_arn, ..StartMessageMoveTask::default() };
        world.broker.call(start.into()).await.unwrap();
        assert!(world.broker.dead_letters().is_empty(), "it was moved with its content");
        assert_eq!(world.broker.quarantined_count(), 1);
    }
    world.broker.close().await;
}

#[tokio::test]
async fn in_a_fifo_queue_nobody_overtakes_a_rotten_content() {
    let mut world = World::ordered(&["a1", "a2", "b1", "a3"], &[]).await;
    world.rot("a1");
    assert_eq!(world.received(ORDERED).await, ["b1"]);
    for _ in 0..3 {
        world.clock.pass(Duration::from_secs(8 * 60));
        let received = world.received(ORDERED).await;
        assert!(received.iter().all(|body| body == "b1"), "{received:?}");
    }
    world.restart().await;
    world.clock.pass(Duration::from_secs(16 * 60));
    let attributes = [("RedrivePolicy".to_owned(), redrive_to("dead.fifo"))];
    let set = SetQueueAttributes {
        queue_url: ORDERED.into(),
        attributes: attributes.into_iter().collect(),
    };
    world.broker.call(set.into()).await.unwrap();
    let received = world.received(ORDERED).await;
    assert_eq!(received.iter().filter(|body| body.starts_with('a')).count(), 2, "{received:?}");
    assert_eq!(world.broker.dead_letters()[0].1, 1, "what gave way is there for all to see");
    world.broker.close().await;
}

#[tokio::test]
async fn in_a_fifo_queue_with_a_dead_letter_queue_its_group_goes_on() {
    let world =
        World::ordered(&["a1", "a2", "b1"], &[("RedrivePolicy", &redrive_to("dead.fifo"))]).await;
    world.rot("a1");
    assert_eq!(world.received(ORDERED).await, ["a2", "b1"]);
    world.broker.close().await;
}
