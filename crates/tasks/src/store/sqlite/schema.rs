//! The tables, and their version in `user_version`.

use rusqlite::{Connection, TransactionBehavior};

/// The format that this version of Longshore writes.
pub(super) const VERSION: u32 = 1;

/// Times are milliseconds since the epoch.
const VERSION_1: &str = "
CREATE TABLE replies (
    task_id    TEXT PRIMARY KEY NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('PENDING', 'COMPLETED', 'FAILED')),
    body       TEXT,               -- the reply exactly as it was sent; NULL while PENDING
    changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX replies_by_change ON replies (changed_at);

CREATE TABLE aliases (
    message_id TEXT PRIMARY KEY NOT NULL,
    task_id    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_task ON aliases (task_id);

CREATE TABLE claims (
    task_id     TEXT PRIMARY KEY NOT NULL,
    fence       INTEGER NOT NULL,  -- one higher with each claim, release and drop
    attempts    INTEGER NOT NULL,
    until       INTEGER NOT NULL,  -- when the claim ends; 0 if nobody has it
    status      TEXT CHECK (status IN ('COMPLETED', 'FAILED')),
    body        TEXT,              -- the kept reply; NULL until the task has ended
    dead_letter TEXT,              -- why it is dead, until its copy was dead-lettered
    changed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX claims_by_change ON claims (changed_at);
";

/// Makes the tables in a new file. Answers the version of a file that is newer than this code.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<Option<u32>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Ok(Some(found));
    }
    if found == 0 {
        transaction.execute_batch(VERSION_1)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(None)
}
