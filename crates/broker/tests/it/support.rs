//! Brokers for tests, and the few calls that most of them make.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_broker::clock::Clock;
use longshore_broker::{Broker, BrokerOptions};
use longshore_types::Timestamp;
use longshore_wire::{
    CreateQueue, DeleteMessage, GetQueueAttributes, ReceiveMessage, ReceivedMessage, Reply,
    Request, SendMessage, SqsError,
};

pub(crate) const URL: &str = "http://localhost/000000000000/jobs";

/// A clock that the test moves.
#[derive(Debug)]
pub(crate) struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Timestamp::from_millis(1_790_000_000_000))))
    }

    /// Moves this clock alone: the next request sees the time, and no timer fires.
    pub(crate) fn pass(&self, duration: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = *now + duration;
    }

    /// Moves this clock and tokio's paused one, so that what comes due fires.
    pub(crate) async fn advance(&self, duration: Duration) {
        self.pass(duration);
        tokio::time::advance(duration).await;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(crate) async fn in_memory() -> Broker {
    Broker::open(BrokerOptions::default()).await.unwrap()
}

pub(crate) async fn on_disk(directory: &Path) -> Broker {
    let data = Some(directory.to_owned());
    Broker::open(BrokerOptions { data, ..BrokerOptions::default() }).await.unwrap()
}

/// A broker in memory under a clock that the test moves, with the queue [`URL`].
pub(crate) async fn with_clock() -> (Broker, Arc<ManualClock>) {
    let clock = ManualClock::new();
    let options = BrokerOptions { clock: Arc::clone(&clock) as _, ..BrokerOptions::default() };
    let broker = Broker::open(options).await.unwrap();
    create(&broker, "jobs", &[]).await;
    (broker, clock)
}

pub(crate) async fn create(broker: &Broker, name: &str, attributes: &[(&str, &str)]) {
    try_create(broker, name, attributes).await.unwrap();
}

pub(crate) async fn try_create(
    broker: &Broker,
    name: &str,
    attributes: &[(&str, &str)],
) -> Result<Reply, SqsError> {
    let attributes = attributes.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    let queue_name = name.to_owned();
    let create =
        CreateQueue { queue_name, attributes: attributes.collect(), ..CreateQueue::default() };
    broker.call(create.into()).await
}

pub(crate) async fn send(broker: &Broker, body: &str) {
    broker.call(send_request(body)).await.unwrap();
}

pub(crate) fn send_request(body: &str) -> Request {
    let message_body = body.to_owned();
    SendMessage { queue_url: URL.into(), message_body, ..SendMessage::default() }.into()
}

pub(crate) async fn receive(broker: &Broker, wait_seconds: i64) -> Vec<ReceivedMessage> {
    receive_from(broker, URL, wait_seconds).await
}

pub(crate) async fn receive_from(
    broker: &Broker,
    url: &str,
    wait_seconds: i64,
) -> Vec<ReceivedMessage> {
    let receive = ReceiveMessage {
        queue_url: url.to_owned(),
        max_number_of_messages: Some(10.into()),
        wait_time_seconds: Some(wait_seconds.into()),
        message_system_attribute_names: vec!["All".into()],
        ..ReceiveMessage::default()
    };
    let Reply::ReceiveMessage(reply) = broker.call(receive.into()).await.unwrap() else {
        panic!("a receive is answered by a receive's reply")
    };
    reply.messages
}

pub(crate) async fn delete(broker: &Broker, receipt_handle: String) -> Result<Reply, SqsError> {
    broker.call(DeleteMessage { queue_url: URL.into(), receipt_handle }.into()).await
}

pub(crate) fn bodies(messages: &[ReceivedMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

/// One attribute of a queue, as text; empty if the queue has none.
pub(crate) async fn attribute(broker: &Broker, name: &str) -> String {
    let attribute_names = vec![name.to_owned()];
    let get = GetQueueAttributes { queue_url: URL.into(), attribute_names };
    let Reply::GetQueueAttributes(reply) = broker.call(get.into()).await.unwrap() else {
        panic!("attributes are answered by attributes")
    };
    reply.attributes.into_values().next().unwrap_or_default()
}

/// Flips a byte of the first file that holds `text`.
pub(crate) fn flip_a_byte_of(directory: &Path, text: &[u8]) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(text.len()).position(|window| window == text);
        if let Some(place) = found {
            bytes[place] ^= 1;
            return std::fs::write(&path, bytes).unwrap();
        }
    }
    panic!("no file holds the text");
}
