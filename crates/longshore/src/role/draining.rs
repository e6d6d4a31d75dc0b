//! A transport whose receives end soon after a role was told to stop.
//!
//! A long poll lasts 20 s, and a process that was asked to stop is often given less. So a receive
//! under way then has a few seconds more, and is dropped. What that can cost is time alone: a
//! message that arrives in the very moment may be in flight, held by nobody, until its visibility
//! timeout ends; then it comes again. Receives of a broker in the same process cost not even
//! that: it answers them when the role stops.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::{
    EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage, Result,
    SentMessage,
};
use longshore_tasks::{BoxFuture, Transport};
use tokio_util::sync::CancellationToken;

/// How long a receive under way may take after the role was told to stop.
pub const RECEIVE_GRACE: Duration = Duration::from_secs(3);

/// A transport whose receives end soon after `shutdown`. Everything else passes through.
#[derive(Clone, Debug)]
pub struct DrainingTransport {
    inner: Arc<dyn Transport>,
    shutdown: CancellationToken,
}

impl DrainingTransport {
    /// The transport `inner`, until `shutdown`.
    pub fn new(inner: Arc<dyn Transport>, shutdown: CancellationToken) -> Self {
        Self { inner, shutdown }
    }

    async fn given_up(&self) {
        self.shutdown.cancelled().await;
        tokio::time::sleep(RECEIVE_GRACE).await;
    }
}

impl Transport for DrainingTransport {
    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        self.inner.resolve(queue)
    }

    fn queue_facts<'a>(&'a self, queue: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        self.inner.queue_facts(queue)
    }

    fn send_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        self.inner.send_batch(queue, messages)
    }

    fn receive<'a>(
        &'a self,
        queue: &'a QueueHandle,
        request: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        Box::pin(async move {
            tokio::select! {
                // What has come is never thrown away.
                biased;
                answer = self.inner.receive(queue, request) => answer,
                () = self.given_up() => Ok(Vec::new()),
            }
        })
    }

    fn delete_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        self.inner.delete_batch(queue, receipts)
    }

    fn change_visibility_batch<'a>(
        &'a self,
        queue: &'a QueueHandle,
        changes: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        self.inner.change_visibility_batch(queue, changes)
    }
}

#[cfg(test)]
mod tests {
    use longshore_broker::{Broker, BrokerOptions};
    use longshore_wire::CreateQueue;
    use tokio::time::Instant;

    use super::*;
    use crate::embedded::EmbeddedTransport;

    #[tokio::test(start_paused = true)]
    async fn a_receive_of_nothing_ends_soon_after_the_shutdown() {
        let broker = Broker::open(BrokerOptions::default()).await.unwrap();
        let create = CreateQueue { queue_name: "q".to_owned(), ..CreateQueue::default() };
        broker.call(create.into()).await.unwrap();
        let shutdown = CancellationToken::new();
        let inner = Arc::new(EmbeddedTransport::new(broker));
        let transport = DrainingTransport::new(inner, shutdown.clone());
        let queue = transport.resolve("q").await.unwrap();
        let wait = Duration::from_secs(20);
        let request = ReceiveRequest { count_max: 10, wait, visibility_timeout: None };
        shutdown.cancel();

        let begun = Instant::now();
        assert_eq!(transport.receive(&queue, request).await.unwrap(), []);
        assert!(begun.elapsed() <= RECEIVE_GRACE + Duration::from_millis(100));
    }
}
