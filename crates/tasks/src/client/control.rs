//! `client.pause(queue).why(…).await`, and its like: what operators say of a queue, written into the
//! store that its workers read.

use std::future::IntoFuture;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures::FutureExt as _;
use longshore_types::Timestamp;
use thiserror::Error;

use super::Client;
use crate::clock::{Clock, SystemClock};
use crate::control::{ControlTextError, Order, QueueControl, Said};
use crate::id::{RandomSource, SystemRandom};
use crate::life::When;
use crate::store::{self, Expected, PutValue, Store, StoreError, ValueWritten};
use crate::transport::{BoxFuture, QueueHandle};

/// Orders against what others order meanwhile, before one is given up.
const ROUNDS_MAX: u32 = 20;

/// Gives orders to the workers of queues, by the store that they read: what [`Client::pause`] and its
/// like do, for a program that sends no tasks. Cheap to clone.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{MemoryStore, QueueControls};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), longshore_tasks::ControlError> {
/// // The store that the queue's workers have.
/// let controls = QueueControls::new(Arc::new(MemoryStore::new()));
/// controls.pause("images").await?;
/// assert!(controls.find("images").await?.is_paused());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct QueueControls {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn RandomSource>,
}

/// An order to the workers of a queue, given once this is awaited. See [`Client::pause`].
///
/// ```
/// use longshore_tasks::{Client, ControlError};
///
/// async fn stop(client: &Client, who: &str) -> Result<(), ControlError> {
///     let control = client.pause("images").by(who).why("the disk is full").await?;
///     assert!(control.is_paused());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
#[must_use = "an order is given when this is awaited"]
pub struct OrderQueue {
    controls: QueueControls,
    queue: String,
    order: Order,
    by: Option<String>,
    why: Option<String>,
}

/// Why an order was not given, or may not have been.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// What the store has of the queue is not for this version to change.
    #[error("what was said of the queue {queue} cannot be read by this version: {source}")]
    Unreadable {
        /// The queue.
        queue: String,
        /// What is wrong with it.
        source: ControlTextError,
    },
    /// The store did not answer. The order may have been written; to give it again does no harm.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Client {
    /// Has the workers of `queue`, a name or a URL, receive nothing more until it is resumed. Each sees it
    /// within about two seconds. What runs goes on; what a receive under way still brings is handed back
    /// and counts as no attempt. Tasks can be sent all the while. Workers that start later keep to it too.
    ///
    /// To pause a paused queue changes nothing: who was first, and why, stays.
    ///
    /// ```
    /// use longshore_tasks::{Client, ControlError};
    ///
    /// async fn night(client: &Client) -> Result<(), ControlError> {
    ///     client.pause("images").by("ada").why("the disk is nearly full").await?;
    ///     client.set_concurrency("mails", std::num::NonZeroU32::new(2)).await?;
    ///     // The next morning.
    ///     client.resume("images").await?;
    ///     client.set_concurrency("mails", None).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`ControlError`].
    ///
    /// # Cancel safety
    ///
    /// A dropped order may have been given.
    pub fn pause(&self, queue: impl Into<String>) -> OrderQueue {
        self.controls().pause(queue)
    }

    /// Has the workers of `queue`, a name or a URL, receive again. The rest is as of [`Client::pause`].
    pub fn resume(&self, queue: impl Into<String>) -> OrderQueue {
        self.controls().resume(queue)
    }

    /// Has each worker of `queue`, a name or a URL, run up to `count` tasks at once; with `None` as many
    /// as it was started with. What runs beyond that goes on, so does what waits in the worker for its turn in its
    /// message group or in a batch, and what a receive under way brings beyond it is handed back. The rest is as of
    /// [`Client::pause`].
    pub fn set_concurrency(
        &self,
        queue: impl Into<String>,
        count: Option<NonZeroU32>,
    ) -> OrderQueue {
        self.controls().set_concurrency(queue, count)
    }

    /// What was said of `queue`, a name or a URL.
    ///
    /// # Errors
    ///
    /// See [`ControlError`].
    pub async fn queue_control(&self, queue: &str) -> Result<QueueControl, ControlError> {
        self.controls().find(queue).await
    }

    fn controls(&self) -> QueueControls {
        let (store, options) = (Arc::clone(self.records().store()), &self.inner.options);
        let (clock, random) = (Arc::clone(&options.clock), Arc::clone(&options.random));
        QueueControls { store, clock, random }
    }
}

impl QueueControls {
    /// Orders by way of that store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, clock: Arc::new(SystemClock), random: Arc::new(SystemRandom) }
    }

    /// See [`Client::pause`].
    pub fn pause(&self, queue: impl Into<String>) -> OrderQueue {
        self.order(queue.into(), Order::Pause)
    }

    /// See [`Client::resume`].
    pub fn resume(&self, queue: impl Into<String>) -> OrderQueue {
        self.order(queue.into(), Order::Resume)
    }

    /// See [`Client::set_concurrency`].
    pub fn set_concurrency(
        &self,
        queue: impl Into<String>,
        count: Option<NonZeroU32>,
    ) -> OrderQueue {
        self.order(queue.into(), Order::Concurrency(count))
    }

    /// See [`Client::queue_control`].
    ///
    /// # Errors
    ///
    /// See [`ControlError`].
    pub async fn find(&self, queue: &str) -> Result<QueueControl, ControlError> {
        Ok(self.read(name_of(queue)).await?.0)
    }

    fn order(&self, queue: String, order: Order) -> OrderQueue {
        OrderQueue { controls: self.clone(), queue, order, by: None, why: None }
    }

    /// What was said of a queue, and what has to be there for it to be changed.
    async fn read(&self, queue: String) -> Result<(QueueControl, Expected), ControlError> {
        let found = self.store.values(vec![QueueControl::key(&queue)]).await?;
        let Some(value) = found.value.into_iter().next().flatten() else {
            return Ok((QueueControl::default(), Expected::Nothing));
        };
        let control = QueueControl::from_text(&value.text)
            .map_err(|source| ControlError::Unreadable { queue, source })?;
        Ok((control, Expected::Version(value.version)))
    }

    async fn put(
        &self,
        queue: &str,
        control: &QueueControl,
        expected: Expected,
    ) -> store::Result<bool> {
        let put = PutValue {
            key: QueueControl::key(queue),
            expected,
            mark: self.random.next(),
            text: control.to_text(),
            keep: When::At(Timestamp::from_millis(u64::MAX)),
        };
        let written = self.store.put_value(put).await?.value;
        Ok(matches!(written, ValueWritten::Done(_)))
    }
}

impl OrderQueue {
    /// Who gives the order, for whoever sees it.
    pub fn by(mut self, by: impl Into<String>) -> Self {
        self.by = Some(by.into());
        self
    }

    /// Why, for whoever sees it.
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    async fn give(self) -> Result<QueueControl, ControlError> {
        let Self { controls, queue, order, by, why } = self;
        let (queue, said) = (name_of(&queue), Said::now(controls.clock.now(), by, why));
        for _ in 0..ROUNDS_MAX {
            let (control, expected) = controls.read(queue.clone()).await?;
            let next = control.after(order, said.clone());
            if next == control || controls.put(&queue, &next, expected).await? {
                return Ok(next);
            }
        }
        let store = controls.store.name();
        Err(StoreError::unavailable(store, "write a value", "others write it all the time").into())
    }
}

impl IntoFuture for OrderQueue {
    type Output = Result<QueueControl, ControlError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.give().boxed()
    }
}

/// The name of a queue that is given by name or URL.
fn name_of(queue: &str) -> String {
    QueueHandle::from_url(queue).name().to_owned()
}
