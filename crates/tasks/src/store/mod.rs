//! Where task records are kept. A store keeps rows and finds them again; it knows no rule.
//!
//! What a record becomes is decided in [`life`](crate::life), without a store. [`Records`] turns a
//! record into a [`Row`] and back, and writes it under the version that it was decided on. A store
//! then writes the row, or answers with what is there instead.
//!
//! ```text
//! life (decides) ──▶ Records (rows, retries) ──▶ Store: memory | SQLite | PostgreSQL | Redis | DynamoDB
//! ```
//!
//! # Invariants
//!
//! - A row is written whole, or not at all, and only over the version that the writer names.
//! - A call that answered `Ok` is durable, as far as the store is durable at all; a write that need only
//!   survive a kill ([`Write::survives`]) may go in a power cut, never before one that it came before. A call
//!   that answered `Err` may have been carried out: its writer knows its own write by the mark.
//! - Every answer brings the store's time. A store without a clock of its own brings the caller's,
//!   and says so by [`Store::keeps_time`].
//! - A row whose time to live is over is not there, whether or not it was removed.

#[cfg(feature = "dynamodb")]
pub mod dynamodb;
mod ended;
mod grouped;
mod groups;
pub mod location;
mod measured;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod records;
#[cfg(feature = "redis")]
pub mod redis;
pub mod row;
#[cfg(any(test, feature = "postgres", feature = "redis"))]
mod secret;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod value;

use std::fmt::Debug;
use std::sync::Arc;

use longshore_types::Timestamp;
use thiserror::Error;

#[cfg(feature = "dynamodb")]
pub use dynamodb::{DynamoOptions, DynamoStore};
pub use grouped::GroupedStore;
pub use location::{StoreLocation, StoreLocationError};
pub use measured::{CallNumbers, MeasuredStore, StoreCalls};
pub use memory::MemoryStore;
pub use records::{Answer, Change, Found, Records};
pub use row::{Alias, AskedRow, LifeRow, ListQuery, Page, Place, Row, Write, Written};
pub use value::{Expected, PutValue, Value, ValueWritten};

use crate::id::TaskId;
use crate::transport::{BoxFuture, Cause};

/// What a call of a store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// An answer, and the store's time when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// The store's time; the caller's, for a store that keeps none.
    pub now: Timestamp,
    /// The answer.
    pub value: T,
}

/// Keeps task records for all apps and workers that share it.
///
/// Every implementation must pass the suite of `longshore-testkit`. A call can be repeated: a write
/// that is made again meets its own mark, which [`Records`] takes for a success.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::life::{Standing, Survives, When};
/// use longshore_tasks::store::{AskedRow, LifeRow, MemoryStore, Store, Write, Written};
/// use longshore_tasks::{StoreError, TaskId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let store = MemoryStore::new();
/// let keep = When::In(Duration::from_secs(60)); // by the store's time
/// let standing = Standing::Pending;
/// let life = LifeRow { text: "{}".to_owned(), standing, until: None, wake: None, keep };
/// let id = TaskId::parse("t-1").unwrap();
/// let (asked, survives) = (Some(AskedRow::default()), Survives::PowerCut);
/// let write = Write { id, expected: None, mark: 7, asked, life, survives };
/// assert_eq!(store.write(vec![write.clone()]).await?.value, [Written::Done]);
///
/// // No row may be there, but version 1 is: it is answered, and nothing is written. By the mark its
/// // writer knows it, if the answer was lost.
/// let again = store.write(vec![write]).await?.value;
/// assert!(matches!(&again[0], Written::Conflict(Some(row)) if (row.version, row.mark) == (1, 7)));
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// A dropped call may have been carried out.
pub trait Store: Debug + Send + Sync + 'static {
    /// Which store this is, for messages: its path or its address, never a password.
    fn name(&self) -> &str;

    /// Whether [`Timed::now`] is the store's own time, the same for every process that shares it.
    fn keeps_time(&self) -> bool {
        true
    }

    /// The rows of these ids, each in its place. An id is a task's, or the `MessageId` that an
    /// [`Alias`] stands for.
    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>>;

    /// Writes each row if the version that it expects is there, and answers for each in its place.
    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>>;

    /// Notes which task each `MessageId` stands for; no row's version changes. Answers the row that
    /// stood under the `MessageId` itself, if there is one: a reply that came first.
    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>>;

    /// Rows by what was asked and how they stand, the latest first.
    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>>;

    /// Up to `count_max` rows whose [`LifeRow::wake`] has come, the earliest first.
    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>>;

    /// Removes rows whose time to live is over, up to `count_max` in one call, and aliases and values
    /// with them; says how many rows went at least. A store that expires them by itself has nothing
    /// to do.
    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>>;

    /// The values of these keys, each in its place.
    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>>;

    /// The values whose keys begin with `prefix`, in the order of their keys.
    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>>;

    /// Puts a value if what it expects is there.
    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>>;

    /// The same store over connections of its own, which the calling runtime drives: connections
    /// belong to the runtime that made them, and heartbeats have one to themselves.
    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>>;
}

/// Why a store did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached, or is full or damaged. Whether a write was done is not known.
    #[error("{store} could not {action}: {source}")]
    Unavailable {
        /// Which store: its path or address.
        store: String,
        /// What it was asked.
        action: &'static str,
        /// What went wrong.
        source: Cause,
    },
    /// The store was written by a later version of Longshore.
    #[error("{store} has format {found}, and this version knows {known}: use a newer Longshore")]
    TooNew {
        /// Which store: its path or address.
        store: String,
        /// The format that was found.
        found: u32,
        /// The latest format that this version reads.
        known: u32,
    },
    /// A record that this version cannot read: a later one wrote it, or it is damaged. Its task is
    /// left to a worker that can.
    #[error("{store} has a record of {id} that this version cannot read: {source}")]
    Unreadable {
        /// Which store: its path or address.
        store: String,
        /// The record's task.
        id: TaskId,
        /// What is wrong with it.
        source: Cause,
    },
    /// The store is set up in a way that would lose records.
    #[error("{store} cannot be used: {reason}")]
    Unsafe {
        /// Which store: its path or address.
        store: String,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl StoreError {
    /// The store `store` could not do what it was asked, because of `source`.
    pub fn unavailable(
        store: impl Into<String>,
        action: &'static str,
        source: impl Into<Cause>,
    ) -> Self {
        Self::Unavailable { store: store.into(), action, source: source.into() }
    }
}
