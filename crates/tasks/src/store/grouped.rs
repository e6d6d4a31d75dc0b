//! A store around another, which makes one call of the calls of several callers.
//!
//! In `PostgreSQL` each call is a trip, and each write a commit that waits for the disk; a batch costs
//! little more than one row. So reads, writes and aliases go through [`Groups`], each kind through its
//! own. All other calls are rare, and passed on.
//!
//! ```text
//! callers ──▶ GroupedStore ──▶ Groups (reads | writes | aliases) ──▶ Store
//! ```
//!
//! `SQLite` has groups of its own (`sqlite/connection.rs`). Redis needs none: it carries out all that came
//! during a sync before it syncs again, and a group would only come later. `DynamoDB` writes rows one by
//! one.

use std::sync::Arc;

use futures::FutureExt as _;

use super::groups::{Groups, Kind};
use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, Timed, Value, ValueWritten, Write,
    Written,
};
use crate::id::TaskId;
use crate::transport::BoxFuture;

/// Rows of a group, so that the first caller does not wait long for the last one's.
const ROWS_MAX: usize = 256;
/// Rows of a group of reads, whose bytes nobody knows.
const READ_ROWS_MAX: usize = 64;

/// A [`Store`] around another, which makes one call of the calls of several callers.
///
/// Put it around a store on a server whose batches cost little more than one row;
/// [`StoreLocation::open`](super::StoreLocation::open) puts it around `PostgreSQL`. It passes the suite
/// that every store must pass, and promises what the store inside promises.
///
/// # Cancel safety
///
/// A dropped call may have been carried out, or may yet be while others of its group wait.
#[derive(Debug)]
pub struct GroupedStore {
    inner: Arc<dyn Store>,
    at_once_max: usize,
    reads: Groups<TaskId, Option<Row>>,
    writes: Groups<Write, Written>,
    aliases: Groups<Alias, Option<Row>>,
}

impl GroupedStore {
    /// A store around `inner`, which carries out up to `at_once_max` reads, as many writes and as many
    /// aliases at once; zero counts as one. The fewer, the more rows share a call. The runtime that
    /// makes a call carries it out.
    pub fn new(inner: Arc<dyn Store>, at_once_max: usize) -> Self {
        let at_once_max = at_once_max.max(1);
        let kind = |action, rows_max| (Arc::clone(&inner), action, at_once_max, rows_max);
        Self {
            reads: groups(kind("find tasks", READ_ROWS_MAX), |_| 0, |store, ids| store.read(ids)),
            writes: groups(kind("write task records", ROWS_MAX), bytes_of, |store, writes| {
                store.write(writes)
            }),
            aliases: groups(
                kind("note message ids", ROWS_MAX),
                |_| 0,
                |store, aliases| store.alias(aliases),
            ),
            at_once_max,
            inner,
        }
    }
}

/// A call of a store, for the rows of a group.
type Ask<T, A> = fn(&dyn Store, Vec<T>) -> BoxFuture<'_, Result<Timed<Vec<A>>>>;

fn groups<T: Send + 'static, A: Send + 'static>(
    (store, action, at_once_max, rows_max): (Arc<dyn Store>, &'static str, usize, usize),
    bytes: fn(&T) -> usize,
    ask: Ask<T, A>,
) -> Groups<T, A> {
    let name = store.name().to_owned();
    let ask = move |rows| {
        let store = Arc::clone(&store);
        async move { ask(&*store, rows).await }.boxed()
    };
    Groups::new(Kind { store: name, action, at_once_max, rows_max, bytes, ask: Box::new(ask) })
}

fn bytes_of(write: &Write) -> usize {
    write.life.text.len() + write.asked.as_ref().map_or(0, |asked| asked.text.len())
}

impl Store for GroupedStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn keeps_time(&self) -> bool {
        self.inner.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.reads.call(ids).boxed()
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.writes.call(writes).boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.aliases.call(aliases).boxed()
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.inner.list(query)
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.inner.due(count_max)
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        self.inner.expire(count_max)
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.inner.values(keys)
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.inner.list_values(prefix, count_max)
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.inner.put_value(put)
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move {
            let inner = Arc::clone(&self.inner).separate().await?;
            Ok(Arc::new(Self::new(inner, self.at_once_max)) as Arc<dyn Store>)
        }
        .boxed()
    }
}
