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

    /// The contents of messages; `None` for one that is gone. Reads from memory where it can, and
    /// what is not there from the disk, all of it in one go on a thread that may block. Before,
    /// `share` grows by their bytes, and those of the answer that they become.
    pub(crate) async fn contents(
        &self,
        delivered: &[Delivered],
        share: &mut Share,
    ) -> Result<Vec<Option<Content>>, SqsError> {
        let bytes: u64 = delivered.iter().map(|message| u64::from(message.bytes)).sum();
        share.grow(2 * bytes).await?;
        let store = self.driver.store();
        let cached = |key| (key, store.cached(key));
        let keys = delivered.iter().map(|message| body_key(message.receipt.key));
        let mut bodies: Vec<(BodyKey, Option<Bytes>)> = keys.map(cached).collect();
        if bodies.iter().any(|(_, body)| body.is_none()) {
            let store = Arc::clone(store);
            bodies = self.driver.block(move || read_missing(&store, bodies)).await?;
        }
        bodies.into_iter().map(|(_, body)| body.map(|body| decode(&body)).transpose()).collect()
    }
}

fn read_missing(
    store: &Store,
    mut bodies: Vec<(BodyKey, Option<Bytes>)>,
) -> Result<Vec<(BodyKey, Option<Bytes>)>, SqsError> {
    for (key, body) in bodies.iter_mut().filter(|(_, body)| body.is_none()) {
        *body = store.read(*key).map_err(|failure: ReadError| {
            tracing::error!(%failure, "a message's content cannot be read");
            SqsError::InternalFailure
        })?;
    }
    Ok(bodies)
}

fn decode(body: &[u8]) -> Result<Content, SqsError> {
    Content::decode(body).map_err(|failure| {
        tracing::error!(%failure, "a message's content cannot be decoded");
        SqsError::InternalFailure
    })
}
