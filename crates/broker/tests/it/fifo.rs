//! FIFO queues, as SQS orders, locks and deduplicates them.

mod attributes;
mod deduplication;
mod groups;
mod receipts;
mod redrive;
mod restart;

use std::sync::Arc;
use std::time::Duration;

use longshore_broker::{Broker, BrokerOptions};
use longshore_wire::{
    ChangeMessageVisibility, DeleteMessage, PurgeQueue, ReceiveMessage, ReceivedMessage, Reply,
    SendMessage, SendMessageReply, SetQueueAttributes, SqsError,
};

use crate::support::{ManualClock, create};

const FIFO: &str = "http://localhost/000000000000/jobs.fifo";

/// A broker whose clock the test moves, with the queue `jobs.fifo`.
struct World {
    broker: Broker,
    clock: Arc<ManualClock>,
}

impl World {
    async fn with(attributes: &[(&str, &str)]) -> Self {
        let clock = ManualClock::new();
        let options = BrokerOptions { clock: Arc::clone(&clock) as _, ..BrokerOptions::default() };
        let broker = Broker::open(options).await.unwrap();
        create_fifo(&broker, "jobs.fifo", attributes).await;
        Self { broker, clock }
    }

    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn pass(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds)).await;
        tokio::task::yield_now().await;
    }

    /// Sends messages of bodies `group-name`, as `g1-m1`.
    async fn send_all(&self, bodies: &[&str]) {
        for body in bodies {
            send(&self.broker, FIFO, body).await;
        }
    }

    async fn receive(&self, count: i64) -> Vec<ReceivedMessage> {
        receive(&self.broker, request(count)).await
    }

    async fn receive_for(&self, count: i64, visibility: i64) -> Vec<ReceivedMessage> {
        let visibility_timeout = Some(visibility.into());
        receive(&self.broker, ReceiveMessage { visibility_timeout, ..request(count) }).await
    }

    async fn change(&self, message: &ReceivedMessage, timeout: i64) -> Result<(), SqsError> {
        let change = ChangeMessageVisibility {
            queue_url: FIFO.into(),
            receipt_handle: message.receipt_handle.clone(),
            visibility_timeout: timeout.into(),
        };
        self.broker.call(change.into()).await.map(drop)
    }

    async fn delete(&self, message: &ReceivedMessage) -> Result<(), SqsError> {
        let receipt_handle = message.receipt_handle.clone();
        let delete = DeleteMessage { queue_url: FIFO.into(), receipt_handle };
        self.broker.call(delete.into()).await.map(drop)
    }

    async fn purge(&self) {
        self.broker.call(PurgeQueue { queue_url: FIFO.into() }.into()).await.unwrap();
    }

    async fn set(&self, attributes: &[(&str, &str)]) -> Result<(), SqsError> {
        let attributes = owned(attributes);
        let set = SetQueueAttributes { queue_url: FIFO.into(), attributes };
        self.broker.call(set.into()).await.map(drop)
    }

    async fn count(&self, name: &str) -> String {
        attribute(&self.broker, name).await
    }
}

fn owned<T: FromIterator<(String, String)>>(attributes: &[(&str, &str)]) -> T {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn create_fifo(broker: &Broker, name: &str, attributes: &[(&str, &str)]) {
    let mut all = vec![("FifoQueue", "true")];
    all.extend(attributes);
    create(broker, name, &all).await;
}

/// The request that sends `body` to the group before its hyphen, with a deduplication id that is the
/// body itself.
fn message(body: &str) -> SendMessage {
    SendMessage {
        queue_url: FIFO.into(),
        message_body: body.into(),
        message_group_id: body.split('-').next().map(Into::into),
        message_deduplication_id: Some(body.into()),
        ..SendMessage::default()
    }
}

async fn send(broker: &Broker, url: &str, body: &str) -> SendMessageReply {
    try_send(broker, SendMessage { queue_url: url.into(), ..message(body) }).await.unwrap()
}

async fn try_send(broker: &Broker, send: SendMessage) -> Result<SendMessageReply, SqsError> {
    let Reply::SendMessage(reply) = broker.call(send.into()).await? else {
        panic!("a send is answered by a reply of its own")
    };
    Ok(reply)
}

fn request(count: i64) -> ReceiveMessage {
    ReceiveMessage {
        queue_url: FIFO.into(),
        max_number_of_messages: Some(count.into()),
        message_system_attribute_names: vec!["All".into()],
        ..ReceiveMessage::default()
    }
}

async fn receive(broker: &Broker, receive: ReceiveMessage) -> Vec<ReceivedMessage> {
    let Reply::ReceiveMessage(reply) = broker.call(receive.into()).await.unwrap() else {
        panic!("a receive is answered by a reply of its own")
    };
    reply.messages
}

fn bodies(messages: &[ReceivedMessage]) -> Vec<&str> {
    messages.iter().map(|message| message.body.as_str()).collect()
}

/// A system attribute of a message; empty if it has none.
fn system(message: &ReceivedMessage, name: &str) -> String {
    let named = message.attributes.iter().find(|(attribute, _)| attribute.as_str() == name);
    named.map(|(_, value)| value.clone()).unwrap_or_default()
}

async fn attribute(broker: &Broker, name: &str) -> String {
    attributes_of(broker, &[name]).await.unwrap().pop().map(|(_, value)| value).unwrap_or_default()
}

async fn attributes_of(broker: &Broker, names: &[&str]) -> Result<Vec<(String, String)>, SqsError> {
    let attribute_names = names.iter().map(|name| (*name).to_owned()).collect();
    let get = longshore_wire::GetQueueAttributes { queue_url: FIFO.into(), attribute_names };
    let Reply::GetQueueAttributes(reply) = broker.call(get.into()).await? else {
        panic!("attributes are answered by a reply of its own")
    };
    let shown = reply.attributes.into_iter();
    Ok(shown.map(|(name, value)| (name.to_string(), value)).collect())
}

fn invalid(text: &str) -> SqsError {
    SqsError::InvalidParameterValue(text.to_owned())
}
