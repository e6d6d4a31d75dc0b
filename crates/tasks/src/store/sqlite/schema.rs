//! The tables, and their version in `user_version`.

use std::path::Path;

use longshore_types::Timestamp;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::takeover;

/// The format that this version of Longshore writes.
pub(super) const VERSION: u32 = 2;

/// Times are milliseconds since the epoch.
const VERSION_2: &str = "
CREATE TABLE tasks (
    id         TEXT PRIMARY KEY NOT NULL,
    version    INTEGER NOT NULL,   -- one higher with each write
    mark       INTEGER NOT NULL,   -- what the last writer knows its write by
    message_id TEXT,               -- the last MessageId that stands for the task
    asked      TEXT NOT NULL,      -- what was asked, as JSON
    name       TEXT,
    queue      TEXT NOT NULL,
    key        TEXT,
    tags       TEXT NOT NULL,      -- a JSON array
    created_at INTEGER NOT NULL,
    life       TEXT NOT NULL,      -- how the task lives, as JSON
    standing   TEXT NOT NULL,
    until      INTEGER,            -- when the claim ends
    wake       INTEGER,            -- when somebody has to look at it again
    keep       INTEGER NOT NULL    -- when it goes
) STRICT;
CREATE INDEX tasks_by_wake ON tasks (wake) WHERE wake IS NOT NULL;
CREATE INDEX tasks_by_keep ON tasks (keep);
CREATE INDEX tasks_by_creation ON tasks (created_at, id);
CREATE INDEX tasks_failed ON tasks (created_at, id) WHERE standing = 'failed';

CREATE TABLE aliases (
    message_id TEXT PRIMARY KEY NOT NULL,
    task_id    TEXT NOT NULL,
    keep       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_keep ON aliases (keep);

CREATE TABLE kept_values (
    key     TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    mark    INTEGER NOT NULL,
    text    TEXT NOT NULL,
    keep    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// A table that a file of some format has: of this one, and of the first.
const OURS: [&str; 2] = ["kept_values", "claims"];

/// A table of the database at `path`, if it has some and none of ours: then another program's database
/// was named by mistake. The file is only read.
pub(super) fn foreign_table(path: &Path) -> rusqlite::Result<Option<String>> {
    let mut connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_handler(Some(super::connection::wait_for_others))?;
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let mut tables = connection.prepare(sql)?;
    let tables = tables.query_map([], |row| row.get(0))?;
    let tables = tables.collect::<rusqlite::Result<Vec<String>>>()?;
    let ours = version > VERSION || OURS.iter().any(|ours| tables.iter().any(|name| name == ours));
    Ok(tables.into_iter().next().filter(|_| !ours))
}

/// Makes the tables in a new file, and takes over a file of an older version. Answers the version of
/// a file that is newer than this code.
pub(super) fn prepare(
    connection: &mut Connection,
    now: Timestamp,
) -> rusqlite::Result<Option<u32>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Ok(Some(found));
    }
    if found == 1 {
        takeover::set_aside(&transaction)?;
    }
    if found < VERSION {
        transaction.execute_batch(VERSION_2)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    if found == 1 {
        let count = takeover::take_over(&transaction, now)?;
        tracing::info!(count, "a store of an earlier version was taken over");
    }
    transaction.commit()?;
    Ok(None)
}
