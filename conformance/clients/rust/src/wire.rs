//! What a case has at hand: a client that never retries, queues of its own, and what is often asked of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{Config, ConfigBag, Credentials, Intercept, Region, RuntimeComponents};
use aws_sdk_sqs::error::BoxError;
use aws_sdk_sqs::operation::receive_message::builders::ReceiveMessageFluentBuilder;
use aws_sdk_sqs::operation::set_queue_attributes::builders::SetQueueAttributesFluentBuilder;
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use uuid::Uuid;

use crate::expect::same;

const REGION: &str = "us-east-1";

/// The names of all operations that any client here has called.
pub static CALLED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

#[derive(Debug)]
struct Note;

impl Intercept for Note {
    fn name(&self) -> &'static str {
        "Note"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(operation), Ok(mut called)) = (settings.load::<Metadata>(), CALLED.lock()) {
            called.insert(operation.name().to_owned());
        }
        Ok(())
    }
}

/// Attributes of a queue, as written down.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

#[derive(Debug)]
pub struct Wire {
    pub sqs: Client,
    pub endpoint: String,
    made: Mutex<Vec<String>>,
}

impl Wire {
    pub fn new(endpoint: &str) -> Self {
        let settings = Config::builder()
            .behavior_version_latest()
            .endpoint_url(endpoint)
            .region(Region::from_static(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "static"))
            .http_client(Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .interceptor(Note);
        let sqs = Client::from_conf(settings.build());
        Self { sqs, endpoint: endpoint.to_owned(), made: Mutex::default() }
    }

    /// A new queue, which goes when the case ends: its URL.
    pub async fn queue(&self, attributes: Attributes<'_>) -> Result<String> {
        self.queue_named(&new_name("rust"), attributes).await
    }

    /// A new FIFO queue.
    pub async fn fifo(&self, attributes: Attributes<'_>) -> Result<String> {
        let attributes = [attributes, &[("FifoQueue", "true")]].concat();
        self.queue_named(&format!("{}.fifo", new_name("rust")), &attributes).await
    }

    pub async fn queue_named(&self, name: &str, attributes: Attributes<'_>) -> Result<String> {
        let mut call = self.sqs.create_queue().queue_name(name);
        for (name, value) in attributes {
            call = call.attributes((*name).into(), *value);
        }
        let url = call.send().await?.queue_url.context("a queue has a URL")?;
        self.made.lock().expect("nothing panics with the lock").push(url.clone());
        Ok(url)
    }

    pub async fn close(self) {
        for url in self.made.into_inner().expect("nothing panics with the lock") {
            // Some cases delete their queues themselves.
            let _ = self.sqs.delete_queue().queue_url(url).send().await;
        }
    }

    /// Sends a message: its id.
    pub async fn send(&self, url: &str, body: &str) -> Result<String> {
        let sent = self.sqs.send_message().queue_url(url).message_body(body).send().await?;
        sent.message_id.context("a message has an id")
    }

    /// A receive of ten messages at most, with all their attributes.
    pub fn asking(&self, url: &str) -> ReceiveMessageFluentBuilder {
        let asked = self.sqs.receive_message().queue_url(url).max_number_of_messages(10);
        asked
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
    }

    pub async fn receive(&self, url: &str) -> Result<Vec<Message>> {
        Ok(self.asking(url).send().await?.messages.unwrap_or_default())
    }

    /// As `receive`, but it waits for messages.
    pub async fn receive_patiently(&self, url: &str) -> Result<Vec<Message>> {
        Ok(self.asking(url).wait_time_seconds(10).send().await?.messages.unwrap_or_default())
    }

    /// Deletes received messages, all of them.
    pub async fn remove(&self, url: &str, messages: &[Message]) -> Result<()> {
        let mut call = self.sqs.delete_message_batch().queue_url(url);
        for message in messages {
            let entry = DeleteMessageBatchRequestEntry::builder()
                .set_id(message.message_id.clone())
                .set_receipt_handle(message.receipt_handle.clone());
            call = call.entries(entry.build()?);
        }
        let reply = call.send().await?;
        same((reply.successful.len(), reply.failed.len()), (messages.len(), 0))
    }

    /// The attributes named.
    pub async fn attributes(&self, url: &str, names: &[&str]) -> Result<BTreeMap<String, String>> {
        let names = names.iter().map(|name| QueueAttributeName::from(*name)).collect();
        let call = self.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(names));
        let read = call.send().await?.attributes.unwrap_or_default();
        Ok(read.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect())
    }

    /// The value of one attribute.
    pub async fn attribute(&self, url: &str, name: &str) -> Result<Option<String>> {
        Ok(self.attributes(url, &[name]).await?.remove(name))
    }

    pub fn set(&self, url: &str, attributes: Attributes<'_>) -> SetQueueAttributesFluentBuilder {
        let mut call = self.sqs.set_queue_attributes().queue_url(url);
        for (name, value) in attributes {
            call = call.attributes((*name).into(), *value);
        }
        call
    }

    /// How many messages are available, in flight and delayed.
    pub async fn counts(&self, url: &str) -> Result<[usize; 3]> {
        let mut counts = [0; 3];
        for (count, kind) in counts.iter_mut().zip(["", "NotVisible", "Delayed"]) {
            let read = self.attribute(url, &format!("ApproximateNumberOfMessages{kind}")).await?;
            *count = read.context("a count is always there")?.parse()?;
        }
        Ok(counts)
    }
}

pub fn new_name(stem: &str) -> String {
    format!("{stem}-{}", &Uuid::new_v4().simple().to_string()[..12])
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:000000000000:{name}")
}

/// The last part of a queue's URL.
pub fn named(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// A redrive policy to the dead-letter queue with this URL.
pub fn redrive(dead: &str, receives: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{receives}}}"#, arn(named(dead)))
}

pub fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

/// A system attribute of a received message.
pub fn system<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    message.attributes()?.get(&name.into()).map(String::as_str)
}
