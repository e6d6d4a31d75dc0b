//! The store in a Redis server (or Valkey), which the apps and workers of several hosts share.
//!
//! A call becomes one call of a Lua script, which is atomic, whatever the size of its batch:
//!
//! ```text
//! Store ──▶ rows, search, values (keys, arguments) ──▶ Server (connection, deadline, one retry) ──▶ scripts/*.lua
//! ```
//!
//! | key | type | what it holds | goes |
//! | --- | --- | --- | --- |
//! | `{prefix}:task:<id>` | hash | a row | at `keep`, by itself |
//! | `{prefix}:alias:<MessageId>` | string | the task's id | at `keep`, by itself |
//! | `{prefix}:value:<key>` | hash | a value | at `keep`, by itself |
//! | `{prefix}:list`, `{prefix}:failed` | sorted set | time of creation and id of all rows, and of those that failed | with its row |
//! | `{prefix}:due` | sorted set | ids, by `wake` | with its row |
//! | `{prefix}:values` | sorted set | the keys of all values | with its value |
//! | `{prefix}:keep` | sorted set | rows and values, by `keep` | with what it names |
//! | `{prefix}:format` | string | the version of all this | never |
//!
//! Redis removes the first three by itself. What the sorted sets still say of them is removed by
//! `expire`, and by whoever meets it. The braces put all keys into one slot: in a cluster the URL
//! names the node that has it, for no redirection is followed, and all of a store is on that node.
//!
//! # What it costs
//!
//! | call | trips |
//! | --- | --- |
//! | `write` | 1 for each 256 rows |
//! | `list` | 1 for each 2,000 rows that were looked at: a rare filter looks at many |
//! | every other | 1 |
//!
//! Everything is in the server's memory: a task takes what its texts take and some two kilobytes,
//! until its `keep`. A store has one connection, which carries calls side by side, and
//! [`separate`](Store::separate) makes another.
//!
//! # What is promised
//!
//! - With `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`, an answer to a
//!   write is given after it is on the server's disk, and nothing goes before its time. A server with
//!   other settings is refused. One that does not show them is used, and a warning says so.
//! - Replicas copy after the answer: **a failover may lose the last writes**, of some milliseconds up to
//!   as long as a replica lags behind; so may a server that was cut off and had to give way. Then a
//!   task may run again that had ended, or be unknown. Who cannot bear that takes `PostgreSQL`.
//! - When its memory is full, the server refuses writes, and calls fail: nothing is thrown out.
//! - Time is the server's, in milliseconds.
//! - A call answers within [`CALL_TIMEOUT`], or fails; a connection that did not answer is not used
//!   again. After a restart of the server the next call connects anew.

mod convert;
mod keys;
mod rows;
mod scripts;
mod search;
mod server;
mod settings;
mod values;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use self::keys::Keys;
use self::scripts::Scripts;
use self::server::Server;
use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, StoreError, Timed, Value, ValueWritten,
    Write, Written,
};
use crate::id::TaskId;
use crate::transport::BoxFuture;

/// What keys begin with, if nothing else is said.
pub const DEFAULT_PREFIX: &str = "longshore";

/// How long a trip to the server may take, with the connecting that it needs.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A [`Store`] in a Redis server, version 5 or later, or in Valkey.
///
/// Any number of processes can use the same prefix of a database at once.
///
/// ```no_run
/// use longshore_tasks::RedisStore;
/// use longshore_tasks::store::redis::DEFAULT_PREFIX;
///
/// # async fn open() -> Result<(), longshore_tasks::StoreError> {
/// let url = "rediss://worker:secret@cache.example:6379/0";
/// let store = RedisStore::connect(url, DEFAULT_PREFIX).await?;
/// # drop(store);
/// # Ok(())
/// # }
/// ```
pub struct RedisStore {
    server: Server,
    keys: Keys,
    scripts: Arc<Scripts>,
}

impl RedisStore {
    /// Connects to the server of `url` and looks at its settings. All keys begin with `prefix` in
    /// braces.
    ///
    /// `url` is `redis://user:password@host:port/database`, or `rediss://` for TLS, which checks the
    /// server's certificate against the system's.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unsafe`] if `prefix` is not 1 to 64 letters, digits, `.`, `_`, `:` and `-`, or if
    /// the server's settings would lose records: it says which, and the commands that set them;
    /// [`StoreError::TooNew`] if a later version of Longshore wrote what is there; else
    /// [`StoreError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// A dropped call leaves nothing but perhaps the version of the format.
    pub async fn connect(url: &str, prefix: &str) -> Result<Self> {
        let server = Server::open(url)?;
        let Some(keys) = Keys::parse(prefix) else {
            let reason = "its prefix must be 1 to 64 letters, digits, '.', '_', ':' and '-'";
            let store = server.name().to_owned();
            return Err(StoreError::Unsafe { store, reason: reason.to_owned() });
        };
        settings::check(&server).await?;
        settings::check_format(&server, &keys).await?;
        Ok(Self { server, keys, scripts: Arc::new(Scripts::new()) })
    }
}

impl Store for RedisStore {
    fn name(&self) -> &str {
        self.server.name()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move { self.read_rows(&ids).await }.boxed()
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        async move { self.write_rows(&writes).await }.boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move { self.note_aliases(&aliases).await }.boxed()
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        async move { self.list_rows(&query).await }.boxed()
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        async move { self.due_rows(count_max).await }.boxed()
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async move { self.remove_old(count_max).await }.boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        async move { self.find_values(&keys).await }.boxed()
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        async move { self.values_by_prefix(&prefix, count_max).await }.boxed()
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        async move { self.put_one(&put).await }.boxed()
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move {
            let server = self.server.separate();
            // The first call would connect too, but here the caller learns whether it can.
            server.ping().await?;
            let (keys, scripts) = (self.keys.clone(), Arc::clone(&self.scripts));
            Ok(Arc::new(Self { server, keys, scripts }) as Arc<dyn Store>)
        }
        .boxed()
    }
}

/// Without the address, which holds a password.
impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RedisStore");
        shown.field("name", &self.server.name()).field("keys", &self.keys).finish_non_exhaustive()
    }
}
