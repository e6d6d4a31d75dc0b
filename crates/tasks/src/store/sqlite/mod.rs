//! The embedded store: one `SQLite` file that all processes of a host open.
//!
//! An `async` call becomes a command to a thread that owns a connection: the writer, which
//! carries out all commands that wait for it in one transaction, so that they share one sync of
//! the disk; or the reader, which waits for no sync at all. Records that are asked for by their ids are
//! looked up where they are asked for (`here`), as long as the system has them in memory.
//!
//! # Invariants
//!
//! - An answer is given after its transaction is on disk (`synchronous = FULL`); where all that it did need only
//!   survive a kill, after it is with the system (`NORMAL`), and on disk with or before the next.
//! - The file is a plain `SQLite` database in WAL mode, open to any tool of its owner, and to nobody
//!   else (0600).
//! - Its time is the clock of the host, which all its processes share.

mod connection;
mod file;
mod here;
mod rows;
mod schema;
mod takeover;
mod values;

use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use longshore_types::Timestamp;
use rusqlite::Connection;

use self::connection::{Access, ConnectionThread};
use self::here::Here;
use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, StoreError, Timed, Value, ValueWritten,
    Write, Written,
};
use crate::clock::{Clock, SystemClock};
use crate::id::TaskId;
use crate::life::Survives;
use crate::transport::BoxFuture;

/// A [`Store`] in one `SQLite` file.
///
/// Any number of processes of a host can have it open at once; a network file system must not lie
/// beneath it, for `SQLite`'s locks do not hold there.
///
/// ```
/// use longshore_tasks::{SqliteStore, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("tasks.sqlite3");
/// let store = SqliteStore::open(&path)?; // the file is made
/// let other = SqliteStore::open(&path)?; // as another process of the host has it
/// assert_eq!(store.name(), other.name());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    path: String,
    clock: Arc<dyn Clock>,
    // Closed before the others: whoever is the last has the log to bring into the file.
    here: Here,
    writer: ConnectionThread,
    reader: ConnectionThread,
}

/// An `SQLite` integer: times beyond its range are the end of time.
fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

impl SqliteStore {
    /// Opens the file, by the system's clock, and makes it if there is none. Blocks for as long as
    /// the disk takes.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is no database or another program's, or was made by a later version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with_clock(path, Arc::new(SystemClock))
    }

    /// Opens the file as [`SqliteStore::open`] does, by that clock.
    ///
    /// # Errors
    ///
    /// As of [`SqliteStore::open`].
    pub fn open_with_clock(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let fail =
            |source: rusqlite::Error| StoreError::unavailable(&name, "open its file", source);
        let fail_io =
            |source: std::io::Error| StoreError::unavailable(&name, "open its file", source);
        if file::is_database(path).map_err(fail_io)?
            && let Some(table) = schema::foreign_table(path).map_err(fail)?
        {
            let reason = format!(
                "it is another program's database, with a table `{table}` and none of Longshore's: \
                 name another file"
            );
            return Err(StoreError::Unsafe { store: name, reason });
        }
        file::make_private(path).map_err(fail_io)?;
        let mut connection = connection::open(path).map_err(fail)?;
        if let Some(found) = schema::prepare(&mut connection, clock.now()).map_err(fail)? {
            return Err(StoreError::TooNew { store: name, found, known: schema::VERSION });
        }
        let reader = connection::open(path).map_err(fail)?;
        let here = Here::open(path).map_err(fail)?;
        let spawn = |connection, access| {
            let thread = ConnectionThread::spawn(connection, access);
            thread.map_err(|source| StoreError::unavailable(&name, "start a thread", source))
        };
        let (writer, reader) = (spawn(connection, Access::Write)?, spawn(reader, Access::Read)?);
        Ok(Self { path: name, clock, here, writer, reader })
    }

    /// Has the writer do something at one point in time.
    fn write_at<'a, T: Send + 'static>(
        &'a self,
        action: &'static str,
        survives: Survives,
        act: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<Timed<T>>> {
        self.at(&self.writer, action, survives, act)
    }

    /// Has the reader look something up at one point in time.
    fn read_at<'a, T: Send + 'static>(
        &'a self,
        action: &'static str,
        act: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<Timed<T>>> {
        self.at(&self.reader, action, Survives::Kill, act)
    }

    fn at<'a, T: Send + 'static>(
        &'a self,
        thread: &'a ConnectionThread,
        action: &'static str,
        survives: Survives,
        act: impl FnOnce(&Connection, Timestamp) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'a, Result<Timed<T>>> {
        let clock = Arc::clone(&self.clock);
        let command = move |connection: &Connection| {
            let now = clock.now();
            act(connection, now).map(|value| Timed { now, value })
        };
        async move {
            let answer = thread.carry_out(survives, command).await;
            answer.map_err(|source| StoreError::unavailable(&self.path, action, source))
        }
        .boxed()
    }
}

impl Store for SqliteStore {
    fn name(&self) -> &str {
        &self.path
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        async move {
            let now = self.clock.now();
            if let Some(value) = self.here.find(&ids, now) {
                return Ok(Timed { now, value });
            }
            let find = move |connection: &Connection, now| {
                ids.iter().map(|id| rows::find(connection, id, now)).collect()
            };
            self.read_at("find tasks", find).await
        }
        .boxed()
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        let survives = writes.iter().map(|write| write.survives).max().unwrap_or_default();
        self.write_at("write task records", survives, move |connection, now| {
            writes.iter().map(|write| rows::write(connection, write, now)).collect()
        })
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.write_at("note message ids", Survives::PowerCut, move |connection, now| {
            aliases.iter().map(|alias| rows::alias(connection, alias, now)).collect()
        })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.read_at("list tasks", move |connection, now| rows::list(connection, &query, now))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.read_at("find what is due", move |connection, now| {
            rows::due(connection, count_max, now)
        })
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        let gone = self.write_at("remove what is old", Survives::Kill, move |connection, now| {
            rows::expire(connection, count_max, now)
        });
        gone.map(|gone| gone.map(|timed| timed.value)).boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.read_at("find values", move |connection, now| {
            keys.iter().map(|key| values::find(connection, key, now)).collect()
        })
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.read_at("list values", move |connection, now| {
            values::list(connection, &prefix, count_max, now)
        })
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.write_at("put a value", Survives::PowerCut, move |connection, now| {
            values::put(connection, &put, now)
        })
    }

    /// The connections have threads of their own already: no runtime drives them.
    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
