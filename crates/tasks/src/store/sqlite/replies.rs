//! [`ReplyStore`] in SQL.

use futures::FutureExt as _;
use longshore_types::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteStore;
use crate::id::TaskId;
use crate::reply::Reply;
use crate::store::{Horizon, Known, ReplyStore, Result, Status};
use crate::transport::BoxFuture;

/// `?1` is a task id or a message id: the task's id.
const TASK_OF: &str = "SELECT coalesce((SELECT task_id FROM aliases WHERE message_id = ?1), ?1)";

/// Only COMPLETED replaces FAILED, and either replaces PENDING.
const COMPLETE: &str = "
INSERT INTO replies (task_id, status, body, changed_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (task_id) DO UPDATE
SET status = excluded.status, body = excluded.body, changed_at = excluded.changed_at
WHERE status = 'PENDING' OR (status = 'FAILED' AND excluded.status = 'COMPLETED')";

/// An `SQLite` integer: times beyond its range are the end of time.
pub(super) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn task_of(connection: &Connection, id: &str) -> rusqlite::Result<String> {
    connection.prepare_cached(TASK_OF)?.query_row([id], |row| row.get(0))
}

fn begin(connection: &Connection, task: &str, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO replies (task_id, status, changed_at) VALUES (?1, 'PENDING', ?2)
               ON CONFLICT (task_id) DO NOTHING";
    connection.prepare_cached(sql)?.execute(params![task, now]).map(drop)
}

/// A reply that came to the message id before the alias was noted is moved to the task.
fn alias(connection: &Connection, message_id: &str, task: &str, now: i64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO aliases (message_id, task_id) VALUES (?1, ?2)
               ON CONFLICT (message_id) DO UPDATE SET task_id = excluded.task_id";
    connection.prepare_cached(sql)?.execute([message_id, task])?;
    let sql = "DELETE FROM replies WHERE task_id = ?1 RETURNING status, body";
    let early: Option<(String, Option<String>)> = connection
        .prepare_cached(sql)?
        .query_row([message_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((status, Some(body))) = early {
        connection.prepare_cached(COMPLETE)?.execute(params![task, status, body, now])?;
    }
    Ok(())
}

fn complete(connection: &Connection, id: &str, reply: &Reply, now: i64) -> rusqlite::Result<()> {
    let task = task_of(connection, id)?;
    let values = params![task, reply.status.as_str(), reply.body, now];
    connection.prepare_cached(COMPLETE)?.execute(values).map(drop)
}

fn known(connection: &Connection, id: &str) -> rusqlite::Result<Option<Known>> {
    let task = task_of(connection, id)?;
    let sql = "SELECT status, coalesce(body, ''), changed_at FROM replies WHERE task_id = ?1";
    connection.prepare_cached(sql)?.query_row([task], known_from).optional()
}

fn known_from(row: &Row<'_>) -> rusqlite::Result<Known> {
    let (name, body): (String, String) = (row.get(0)?, row.get(1)?);
    let status = match name.as_str() {
        "COMPLETED" => Status::Completed { body },
        "FAILED" => Status::Failed { body },
        _ => Status::Pending,
    };
    let since = Timestamp::from_millis(row.get::<_, i64>(2)?.cast_unsigned());
    Ok(Known { status, since })
}

fn expire(connection: &Connection, horizon: Horizon, count_max: i64) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM replies WHERE task_id IN
                   (SELECT task_id FROM replies WHERE changed_at < max(?1, ?2)
                    AND changed_at < CASE status WHEN 'PENDING' THEN ?2 ELSE ?1 END
                    ORDER BY changed_at LIMIT ?3)
               RETURNING task_id";
    let bounds = [millis(horizon.ended), millis(horizon.pending), count_max];
    let mut statement = connection.prepare_cached(sql)?;
    let gone = statement.query_map(bounds, |row| row.get::<_, String>(0))?;
    let gone = gone.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut aliases = connection.prepare_cached("DELETE FROM aliases WHERE task_id = ?1")?;
    for task in &gone {
        aliases.execute([task])?;
    }
    Ok(gone.len())
}

impl ReplyStore for SqliteStore {
    fn begin<'a>(&'a self, task: &'a TaskId, now: Timestamp) -> BoxFuture<'a, Result<()>> {
        let (task, now) = (task.to_string(), millis(now));
        self.write("note a task", move |connection| begin(connection, &task, now)).boxed()
    }

    fn alias<'a>(
        &'a self,
        message_id: &'a TaskId,
        task: &'a TaskId,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        if message_id == task {
            return async { Ok(()) }.boxed();
        }
        let (message_id, task, now) = (message_id.to_string(), task.to_string(), millis(now));
        let command = move |connection: &Connection| alias(connection, &message_id, &task, now);
        self.write("note a task's message id", command).boxed()
    }

    fn complete<'a>(
        &'a self,
        id: &'a TaskId,
        reply: Reply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        let (id, now) = (id.to_string(), millis(now));
        let command = move |connection: &Connection| complete(connection, &id, &reply, now);
        self.write("keep a reply", command).boxed()
    }

    fn known<'a>(&'a self, id: &'a TaskId) -> BoxFuture<'a, Result<Option<Known>>> {
        let id = id.to_string();
        self.read("find a task", move |connection| known(connection, &id)).boxed()
    }

    fn forget<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        let task = task.to_string();
        let sql = "DELETE FROM replies WHERE task_id = ?1 AND status = 'PENDING'";
        let command = move |connection: &Connection| {
            connection.prepare_cached(sql)?.execute([task]).map(drop)
        };
        self.write("withdraw a task", command).boxed()
    }

    fn expire_replies(&self, horizon: Horizon, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        let command = move |connection: &Connection| expire(connection, horizon, count_max);
        self.write("remove old replies", command).boxed()
    }
}
