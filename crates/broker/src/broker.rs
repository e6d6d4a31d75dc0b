//! The broker as a library: open, call, close.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use longshore_engine::{MessageKey, QueueEntry};
use longshore_storage::{BodyKey, Options as StoreOptions, ReadError, Store};
use longshore_types::{AccountId, MessageId, QueueArn, Region};
use longshore_wire::{Reply, Request, SqsError};
use thiserror::Error;
use tokio::task::JoinHandle;

use crate::caller::{Caller, Place};
use crate::clock::{Clock, SystemClock};
use crate::content::Content;
use crate::core::{Answer, Core, Operation, Rules};
use crate::dead_letters;
use crate::driver::Driver;
use crate::entropy::{Entropy, SystemEntropy};
use crate::founding;
use crate::log::body_key;
use crate::operation;
use crate::receipt::ReceiptMaker;

/// How a broker is opened.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    /// The directory that holds the broker's log; it is created if need be, and one broker at a
    /// time uses it. `None` keeps everything in memory: it is gone when the broker is.
    pub data: Option<PathBuf>,
    /// The region of a request that names none in a credential scope. Default `us-east-1`.
    pub region: Region,
    /// The account of a request whose access key is not itself an account number. Default
    /// `000000000000`.
    pub account: AccountId,
    /// Whether SQS's 60-second rules hold: a queue cannot be purged again, nor a deleted one
    /// created again, for that long. Default no: tests create and purge all the time.
    pub strict: bool,
    /// How the log is kept.
    pub store: StoreOptions,
    /// What tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where message ids and the broker's secret come from.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            data: None,
            region: Region::default(),
            account: AccountId::default(),
            strict: false,
            store: StoreOptions::default(),
            clock: Arc::new(SystemClock::start()),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

/// Why a broker could not be opened. Nothing in its directory was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory cannot be opened or created.
    #[error("cannot open the data directory {directory}: {source}")]
    Directory {
        /// The directory.
        directory: String,
        /// Why.
        source: std::io::Error,
    },
    /// The log in the directory cannot be used.
    #[error("cannot open the data directory {directory}: {source}")]
    Store {
        /// The directory.
        directory: String,
        /// Why.
        source: longshore_storage::OpenError,
    },
    /// The log failed while the broker wrote that it had started.
    #[error("cannot write to the data directory: check that its disk is healthy and has room")]
    FirstWrite,
}

/// A broker that speaks SQS: clones share it.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longshore_broker::{Broker, BrokerOptions};
/// use longshore_wire::CreateQueue;
///
/// let broker = Broker::open(BrokerOptions::default()).await?;
/// let create = CreateQueue { queue_name: "images".into(), ..CreateQueue::default() };
/// let reply = broker.call(create.into()).await?;
/// broker.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    driver: Arc<Driver>,
    receipts: ReceiptMaker,
    entropy: Arc<dyn Entropy>,
    place: Place,
    loops: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Shared {
    /// A broker that is dropped without being closed leaves no loop behind.
    fn drop(&mut self) {
        self.driver.close();
    }
}

impl Broker {
    /// Opens a broker: replays its log, and answers nothing until the log says that it has started.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the directory is in use, damaged, or cannot be written.
    pub async fn open(options: BrokerOptions) -> Result<Self, OpenError> {
        let (options, opened) = tokio::task::spawn_blocking(move || {
            let opened = founding::open_store(&options);
            (options, opened)
        })
        .await
        .expect("opening a store does not panic");
        let founding::Opened { store, replay } = opened?;
        let rules = Rules { strict: options.strict };
        let mut ledger = replay.finish(rules, Box::new(Arc::clone(&store)));
        let secret = founding::found(&mut ledger, &*options.clock, &*options.entropy)
            .map_err(|_| OpenError::FirstWrite)?;
        let driver = Driver::start(ledger, store, options.clock);
        let timers = tokio::spawn(Arc::clone(&driver).run_timers());
        let watch = tokio::spawn(dead_letters::watch(Arc::clone(&driver)));
        let broker = Self {
            shared: Arc::new(Shared {
                driver,
                receipts: ReceiptMaker::new(&secret),
                entropy: options.entropy,
                place: Place { region: options.region, account: options.account },
                loops: Mutex::new(vec![timers, watch]),
            }),
        };
        let place = &broker.shared.place;
        broker.perform(founding::Started, place).await.map_err(|_| OpenError::FirstWrite)?;
        Ok(broker)
    }

    /// Carries out a request of this process.
    ///
    /// # Errors
    ///
    /// What SQS would answer.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped may have been carried out, but a receive that is dropped while it
    /// waits takes no message.
    pub async fn call(&self, request: Request) -> Result<Reply, SqsError> {
        let caller = Caller::new("http://localhost", self.shared.place.clone());
        self.call_as(&caller, request).await
    }

    /// [`Broker::call`] for somebody else.
    pub async fn call_as(&self, caller: &Caller, request: Request) -> Result<Reply, SqsError> {
        operation::dispatch(self, caller, request).await
    }

    /// Whose queues a request means that says nothing of it.
    pub fn place(&self) -> &Place {
        &self.shared.place
    }

    /// Whether the log has failed, after which every request is refused until a restart.
    pub fn has_failed(&self) -> bool {
        self.shared.driver.has_failed()
    }

    /// Resolves when the log has failed.
    pub async fn failed(&self) {
        self.shared.driver.failed().await;
    }

    /// The dead-letter queues that hold messages, with how many are available, delayed or in flight.
    pub fn dead_letters(&self) -> Vec<(QueueArn, usize)> {
        let found = self.shared.driver.look(|core| dead_letters::not_empty(core.ledger()));
        found.unwrap_or_default()
    }

    /// How many queues there are.
    pub fn queue_count(&self) -> usize {
        let count = self.shared.driver.look(|core| core.ledger().catalog().queues().count());
        count.unwrap_or_default()
    }

    /// How many receives wait for messages.
    pub fn waiting_count(&self) -> usize {
        self.shared.driver.look(Core::parked_count).unwrap_or_default()
    }

    /// The queues' names.
    pub fn queues(&self) -> Vec<QueueArn> {
        let arn = |entry: &QueueEntry| entry.arn.clone();
        let queues =
            self.shared.driver.look(|core| core.ledger().catalog().queues().map(arn).collect());
        queues.unwrap_or_default()
    }

    /// Answers the receives that wait for messages with none, so that a server can drain.
    pub fn release_parked(&self) {
        self.shared.driver.release_parked();
    }

    /// Comes to an orderly end: what was accepted is durable, and the directory is free again.
    /// Requests that come later are refused.
    pub async fn close(&self) {
        self.shared.driver.release_parked();
        self.shared.driver.close();
        let loops =
            std::mem::take(&mut *self.shared.loops.lock().unwrap_or_else(PoisonError::into_inner));
        for task in loops {
            // A loop that panicked has nothing left to end.
            drop(task.await);
        }
        let store = Arc::clone(self.shared.driver.store());
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        if let Ok(Err(failure)) = closed {
            tracing::error!(%failure, "the broker's log did not come to an orderly end");
        }
    }

    pub(crate) async fn perform(
        &self,
        operation: impl Operation,
        place: &Place,
    ) -> Result<Answer, SqsError> {
        self.shared.driver.perform(operation, place).await
    }

    /// Carries out an operation whose answer is a whole reply.
    pub(crate) async fn reply_to(
        &self,
        caller: &Caller,
        operation: impl Operation,
    ) -> Result<Reply, SqsError> {
        match self.perform(operation, &caller.place).await? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Delivered(_) => unreachable!("only a receive delivers"),
        }
    }

    pub(crate) fn receipts(&self) -> &ReceiptMaker {
        &self.shared.receipts
    }

    pub(crate) fn new_message_id(&self) -> MessageId {
        let mut bytes = [0; 16];
        self.shared.entropy.fill(&mut bytes);
        MessageId::from_random(bytes)
    }

    /// The contents of messages; `None` for one that is gone. Reads from memory where it can, and
    /// what is not there from the disk, all of it in one go on a thread that may block.
    pub(crate) async fn contents(
        &self,
        keys: impl Iterator<Item = MessageKey>,
    ) -> Result<Vec<Option<Content>>, SqsError> {
        let store = self.shared.driver.store();
        let cached = |key| (body_key(key), store.cached(body_key(key)));
        let mut bodies: Vec<(BodyKey, Option<Bytes>)> = keys.map(cached).collect();
        if bodies.iter().any(|(_, body)| body.is_none()) {
            bodies = read_missing(Arc::clone(store), bodies).await?;
        }
        bodies.into_iter().map(|(_, body)| body.map(|body| decode(&body)).transpose()).collect()
    }
}

async fn read_missing(
    store: Arc<Store>,
    mut bodies: Vec<(BodyKey, Option<Bytes>)>,
) -> Result<Vec<(BodyKey, Option<Bytes>)>, SqsError> {
    let read = tokio::task::spawn_blocking(move || {
        for (key, body) in bodies.iter_mut().filter(|(_, body)| body.is_none()) {
            *body = store.read(*key)?;
        }
        Ok(bodies)
    });
    read.await.expect("reading bodies does not panic").map_err(|failure: ReadError| {
        tracing::error!(%failure, "a message's content cannot be read");
        SqsError::InternalFailure
    })
}

fn decode(body: &[u8]) -> Result<Content, SqsError> {
    Content::decode(body).map_err(|failure| {
        tracing::error!(%failure, "a message's content cannot be decoded");
        SqsError::InternalFailure
    })
}
