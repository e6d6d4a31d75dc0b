//! What operations work with: the driver, receipt handles, random numbers, bodies.

use std::sync::Arc;

use bytes::Bytes;
use longshore_storage::{BodyKey, ReadError, Store};
use longshore_types::{MessageId, MoveTaskId};
use longshore_wire::SqsError;

use crate::bounds::Share;
use crate::content::Content;
use crate::core::{Asker, Delivered, Operation, Step};
use crate::driver::Driver;
use crate::log::body_key;
use crate::quarantine;
use crate::random::RandomSource;
use crate::receipt::ReceiptMaker;

/// What operations work with.
#[derive(Debug)]
pub(crate) struct Runtime {
    driver: Arc<Driver>,
    receipts: ReceiptMaker,
    random: Arc<dyn RandomSource>,
}

impl Runtime {
    pub(crate) fn new(
        driver: Arc<Driver>,
        receipts: ReceiptMaker,
        random: Arc<dyn RandomSource>,
    ) -> Self {
        Self { driver, receipts, random }
    }

    pub(crate) const fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    /// Carries out an operation and awaits its answer.
    pub(crate) async fn perform<'a, O: Operation>(
        &self,
        operation: O,
        asker: impl Into<Asker<'a>>,
    ) -> Result<O::Reply, SqsError> {
        self.driver.perform(operation, asker).await
    }

    /// Carries out a receive and awaits its messages.
    pub(crate) async fn receive<'a>(
        &self,
        operation: impl Operation<Reply = Step>,
        asker: impl Into<Asker<'a>>,
    ) -> Result<Vec<Delivered>, SqsError> {
        self.driver.receive(operation, asker).await
    }

    pub(crate) fn receipts(&self) -> &ReceiptMaker {
        &self.receipts
    }

    pub(crate) fn new_message_id(&self) -> MessageId {
        MessageId::from_random(self.random_bytes())
    }

    pub(crate) fn new_move_task_id(&self) -> MoveTaskId {
        MoveTaskId::from_random(self.random_bytes())
    }

    fn random_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes
    }

    /// The contents of messages. Reads from memory where it can, and
    /// what is not there from the disk, all of it in one go on a thread that may block. Before,
    /// `share` grows by their bytes, and those of the answer that they become. What cannot be read is named
    /// in the log, and keeps no other from being read.
    pub(crate) async fn contents(
        &self,
        delivered: &[Delivered],
        share: &mut Share,
    ) -> Result<Vec<Found>, SqsError> {
        let bytes: u64 = delivered.iter().map(|message| u64::from(message.bytes)).sum();
        share.grow(2 * bytes).await?;
        let store = self.driver.store();
        let at_hand = |key| (key, Ok(store.at_hand(key)));
        let keys = delivered.iter().map(|message| body_key(message.receipt.key));
        let mut bodies: Vec<(BodyKey, Body)> = keys.map(at_hand).collect();
        if bodies.iter().any(is_missing) {
            let store = Arc::clone(store);
            bodies = self.driver.block(move || read_missing(&store, bodies)).await;
        }
        let found = delivered.iter().zip(bodies).map(|(message, (_, body))| match body {
            Ok(Some(body)) => decode(&body).map(|content| Found::Whole(Box::new(content))),
            Ok(None) => Ok(Found::Gone),
            Err(failure) => {
                quarantine::tell(&self.driver, message, &failure);
                Ok(Found::of_failure(&failure))
            }
        });
        found.collect()
    }
}

/// What came of a message's content.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is as it was sent.
    Whole(Box<Content>),
    /// The message is gone meanwhile.
    Gone,
    /// It is not as it was written.
    Rotten,
    /// The disk did not hand it out now.
    Unread,
}

impl Found {
    const fn of_failure(failure: &ReadError) -> Self {
        match failure {
            ReadError::Damaged { .. } => Self::Rotten,
            ReadError::Io { .. } | _ => Self::Unread,
        }
    }
}

/// A body, as the store answers it.
type Body = Result<Option<Bytes>, ReadError>;

const fn is_missing((_, body): &(BodyKey, Body)) -> bool {
    matches!(body, Ok(None))
}

fn read_missing(store: &Store, mut bodies: Vec<(BodyKey, Body)>) -> Vec<(BodyKey, Body)> {
    for (key, body) in &mut bodies {
        if matches!(body, Ok(None)) {
            *body = store.read(*key);
        }
    }
    bodies
}

fn decode(body: &[u8]) -> Result<Content, SqsError> {
    Content::decode(body).map_err(|failure| {
        tracing::error!(%failure, "a message's content cannot be decoded");
        SqsError::InternalFailure
    })
}
