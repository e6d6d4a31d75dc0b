//! A store in a table of Amazon `DynamoDB`, which any number of hosts can share.
//!
//! A record, an alias and a value are an item each, written under the condition that the
//! expected version is there. A refused write brings what is there in the same answer. Batches are
//! many requests side by side, each answered for itself; no transaction ties them together.
//!
//! ```text
//! write ──▶ parts of long texts ──▶ the record, if its version is the expected one
//! read  ──▶ BatchGetItem of records and aliases ──▶ of the tasks that aliases name ──▶ of parts
//! list, due ──▶ an index, 16 buckets side by side ──▶ BatchGetItem of what it names
//! ```
//!
//! # Invariants
//!
//! - Records, aliases and values are read consistently. The indexes lag behind, mostly by less than
//!   a second: a list may lack what was just written; what is due is read again before it is
//!   answered.
//! - `DynamoDB` tells no time: the times of all records are those of its callers' clocks, and
//!   [`Store::keeps_time`] says so.
//! - `DynamoDB` removes an item within days after its time to live. Until then it is not answered,
//!   except that it takes up room.
//! - The SDK tries nothing again. A throttled request, which was not carried out, is made again here
//!   a few times; any other failure is the caller's, whose mark tells what was written.
//!
//! # Keeping and restoring
//!
//! Each write is on disks in several zones before it is answered. Point-in-time recovery is the
//! table's own setting, and is off in a table that is made here: it costs by the gigabyte. A restored
//! table is a new one of another name, without its time to live, which has to be switched on again
//! (attribute `ttl`). Its records stand as they stood then: what was done since runs again if its
//! message is still in a queue. Stop the workers, restore, name the new table, and start them.
//!
//! A global table is for readers elsewhere only: each region judges the conditions of writes by what
//! it knows itself, so that apps and workers of two regions would both win. All of them name one.
//!
//! # Rights
//!
//! A program needs `DescribeTable`, `DescribeTimeToLive`, `BatchGetItem`, `PutItem`, `UpdateItem`,
//! and `Query` on the table and on its indexes; to make the table, `CreateTable` and
//! `UpdateTimeToLive` too.

mod alias;
mod create;
mod expression;
mod index;
mod item;
mod key;
mod options;
mod parts;
mod read;
mod record;
mod table;
mod values;
mod write;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use longshore_types::Timestamp;

use self::table::{CONCURRENT, Table};
use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, StoreError, Timed, Value, ValueWritten,
    Write, Written,
};
use crate::aws::{config, endpoint};
use crate::clock::{Clock, SystemClock};
use crate::id::TaskId;
use crate::transport::BoxFuture;

pub use options::DynamoOptions;

/// The variable that names the endpoint of `DynamoDB` alone.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A [`Store`] in a table of `DynamoDB`.
///
/// ```no_run
/// use longshore_tasks::{DynamoOptions, DynamoStore};
///
/// # async fn open() -> Result<(), longshore_tasks::StoreError> {
/// let options = DynamoOptions {
///     table: "tasks".to_owned(),
///     region: Some("eu-central-1".to_owned()),
///     ..DynamoOptions::default()
/// };
/// DynamoStore::create_table(&options).await?; // once, by somebody who may
/// let store = DynamoStore::connect(options).await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DynamoStore {
    options: DynamoOptions,
    table: Table,
    clock: Arc<dyn Clock>,
}

impl DynamoStore {
    /// The store in a table, by the system's clock.
    ///
    /// A missing table is made if [`DynamoOptions::create`] says so, or on an endpoint of this host.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsafe`] if the table is missing or is none of ours, and says what to do;
    /// [`StoreError::TooNew`] if a later version wrote it; [`StoreError::Unavailable`] if it
    /// cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have made the table.
    pub async fn connect(options: DynamoOptions) -> Result<Self> {
        Self::connect_with_clock(options, Arc::new(SystemClock)).await
    }

    /// The store in a table, as [`DynamoStore::connect`] finds it, by that clock.
    ///
    /// # Errors
    ///
    /// As of [`DynamoStore::connect`].
    pub async fn connect_with_clock(options: DynamoOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let may_create = options.create || is_local(&options);
        let table = table(&options).await?;
        create::check(&table, may_create).await?;
        Ok(Self { options, table, clock })
    }

    /// Makes the table with its indexes and its time to live, billed by request, and waits until it
    /// can be used: some seconds. One that is there is left as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] if it cannot be made; [`StoreError::TooNew`] if it is there, and
    /// a later version wrote it.
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have made the table, without its time to live.
    pub async fn create_table(options: &DynamoOptions) -> Result<()> {
        create::create(&table(options).await?).await
    }

    /// Does something at one point in time.
    fn at<'a, T, F>(
        &'a self,
        act: impl FnOnce(&'a Table, Timestamp) -> F + Send + 'a,
    ) -> BoxFuture<'a, Result<Timed<T>>>
    where
        T: Send + 'a,
        F: Future<Output = Result<T>> + Send + 'a,
    {
        async move {
            let now = self.clock.now();
            let value = act(&self.table, now).await?;
            Ok(Timed { now, value })
        }
        .boxed()
    }
}

/// The table, over connections that the calling runtime drives.
async fn table(options: &DynamoOptions) -> Result<Table> {
    let endpoint_url = endpoint_of(options);
    let name = DynamoOptions { endpoint_url: endpoint_url.clone(), ..options.clone() }.to_string();
    let config = config::load(endpoint_url, options.region.clone()).await;
    let config =
        config.map_err(|error| StoreError::unavailable(&name, "make its client", error))?;
    let timeouts = config::timeouts(ANSWER_TIMEOUT);
    let client = Client::from_conf(Builder::from(&config).timeout_config(timeouts).build());
    Ok(Table { client, aws_name: options.table.clone(), name })
}

fn endpoint_of(options: &DynamoOptions) -> Option<String> {
    options.endpoint_url.clone().or_else(|| endpoint::from_environment(ENDPOINT))
}

fn is_local(options: &DynamoOptions) -> bool {
    endpoint_of(options).is_some_and(|url| endpoint::is_loopback(&url))
}

/// Writes rows side by side; one after another if some are of the same task.
async fn write_all(table: &Table, writes: Vec<Write>, now: Timestamp) -> Result<Vec<Written>> {
    let ids: BTreeSet<&TaskId> = writes.iter().map(|write| &write.id).collect();
    let at_once = if ids.len() == writes.len() { CONCURRENT } else { 1 };
    let writes = writes.into_iter().map(|write| write::write(table, write, now));
    futures::stream::iter(writes).buffered(at_once).try_collect().await
}

impl Store for DynamoStore {
    fn name(&self) -> &str {
        &self.table.name
    }

    fn keeps_time(&self) -> bool {
        false
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.at(|table, now| async move { read::read(table, &ids, now).await })
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.at(|table, now| write_all(table, writes, now))
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.at(|table, now| async move { alias::alias(table, &aliases, now).await })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.at(|table, now| async move { index::list(table, &query, now).await })
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.at(move |table, now| index::due(table, count_max, now))
    }

    /// Nothing to do: `DynamoDB` removes items by itself.
    fn expire(&self, _count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async { Ok(0) }.boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.at(|table, now| async move { values::find(table, &keys, now).await })
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.at(move |table, now| async move { values::list(table, &prefix, count_max, now).await })
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.at(|table, now| async move { values::put(table, &put, now).await })
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move {
            let table = table(&self.options).await?;
            let (options, clock) = (self.options.clone(), Arc::clone(&self.clock));
            Ok(Arc::new(Self { options, table, clock }) as Arc<dyn Store>)
        }
        .boxed()
    }
}
