//! The embedded store: one `SQLite` file that all processes of a host open.
//!
//! An `async` call becomes a command to a thread that owns a connection: the writer, which
//! carries out all commands that wait for it in one transaction, so that they share one sync of
//! the disk; or the reader, which waits for no sync at all.
//!
//! # Invariants
//!
//! - An answer is given after its transaction is on disk (`synchronous = FULL`).
//! - The file is a plain `SQLite` database in WAL mode, open to any tool.

mod claims;
mod connection;
mod replies;
mod schema;

use std::path::Path;

use rusqlite::Connection;

use self::connection::{Access, ConnectionThread};
use super::{Result, StoreError};

/// A [`ReplyStore`](super::ReplyStore) and [`ClaimStore`](super::ClaimStore) in one `SQLite` file.
///
/// Any number of processes of a host can have it open at once; a network file system must not lie
/// beneath it, for `SQLite`'s locks do not hold there.
#[derive(Debug)]
pub struct SqliteStore {
    path: String,
    writer: ConnectionThread,
    reader: ConnectionThread,
}

impl SqliteStore {
    /// Opens the file, and makes it if there is none. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is no database, or was made by a later version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let fail =
            |source: rusqlite::Error| StoreError::unavailable(&name, "open its file", source);
        let mut connection = connection::open(path).map_err(fail)?;
        if let Some(found) = schema::prepare(&mut connection).map_err(fail)? {
            return Err(StoreError::TooNew { store: name, found, known: schema::VERSION });
        }
        let reader = connection::open(path).map_err(fail)?;
        let spawn = |connection, access| {
            let thread = ConnectionThread::spawn(connection, access);
            thread.map_err(|source| StoreError::unavailable(&name, "start a thread", source))
        };
        let (writer, reader) = (spawn(connection, Access::Write)?, spawn(reader, Access::Read)?);
        Ok(Self { path: name, writer, reader })
    }

    async fn write<T, F>(&self, action: &'static str, command: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let answer = self.writer.carry_out(command).await;
        answer.map_err(|source| StoreError::unavailable(&self.path, action, source))
    }

    async fn read<T, F>(&self, action: &'static str, command: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let answer = self.reader.carry_out(command).await;
        answer.map_err(|source| StoreError::unavailable(&self.path, action, source))
    }
}
