//! A transport that only sends, and does as it is told.

use std::sync::Mutex;
use std::time::Duration;

use longshore_tasks::transport::{
    Action, EntryResult, OutgoingMessage, QueueFacts, QueueHandle, ReceiveRequest, ReceivedMessage,
    Result, SentMessage,
};
use longshore_tasks::{BoxFuture, Transport, TransportError};
use tokio::sync::Notify;

/// What becomes of the next sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are accepted.
    #[default]
    Accepted,
    /// Nobody can be reached.
    NotSent,
    /// They are accepted, and the answer is lost.
    AnswerLost,
    /// They are accepted once [`Outbox::released`] is notified.
    Held,
}

/// A transport that only sends.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) fate: Mutex<Fate>,
    pub(crate) sent: Mutex<Vec<OutgoingMessage>>,
    pub(crate) begun: Notify,
    pub(crate) released: Notify,
}

impl Outbox {
    pub(crate) fn meets(&self, fate: Fate) {
        *self.fate.lock().unwrap() = fate;
    }

    fn accept(&self, messages: Vec<OutgoingMessage>) -> Vec<EntryResult<SentMessage>> {
        let mut sent = self.sent.lock().unwrap();
        let accept = |message| {
            sent.push(message);
            Ok(SentMessage { message_id: format!("message-{}", sent.len()) })
        };
        messages.into_iter().map(accept).collect()
    }
}

impl Transport for Outbox {
    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        Box::pin(async move { Ok(QueueHandle::new(queue, &format!("http://q/1/{queue}"))) })
    }

    fn queue_facts<'a>(&'a self, _: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        unreachable!("a gateway asks nothing of a queue")
    }

    fn send_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        Box::pin(async move {
            self.begun.notify_one();
            let fate = *self.fate.lock().unwrap();
            let (action, target, source) = lost();
            match fate {
                Fate::NotSent => return Err(TransportError::NotSent { action, target, source }),
                Fate::AnswerLost => {
                    self.accept(messages);
                    return Err(TransportError::Unknown { action, target, source });
                }
                Fate::Held => self.released.notified().await,
                Fate::Accepted => {}
            }
            Ok(self.accept(messages))
        })
    }

    fn receive<'a>(
        &'a self,
        _: &'a QueueHandle,
        _: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        unreachable!("a gateway receives nothing")
    }

    fn delete_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        _: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        unreachable!("a gateway deletes nothing")
    }

    fn change_visibility_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        _: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        unreachable!("a gateway holds no lease")
    }
}

fn lost() -> (Action, String, Box<dyn std::error::Error + Send + Sync>) {
    (Action::SendMessageBatch, "the queue".to_owned(), "the network".into())
}
