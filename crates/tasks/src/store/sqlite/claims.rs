//! [`ClaimStore`] in SQL.

use std::time::Duration;

use futures::FutureExt as _;
use longshore_types::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};

use super::SqliteStore;
use super::replies::millis;
use crate::id::TaskId;
use crate::reply::{Reply, ReplyStatus};
use crate::store::{Claim, ClaimStore, Fence, KeptReply, Result};
use crate::transport::BoxFuture;

/// A claim is the caller's while the task has not ended and the fence is the caller's.
const END_ATTEMPT: &str = "UPDATE claims SET until = 0, fence = fence + 1
                           WHERE task_id = ?1 AND fence = ?2 AND status IS NULL";
const RELEASE: &str = "UPDATE claims SET until = 0, fence = fence + 1, attempts = attempts - 1
                       WHERE task_id = ?1 AND fence = ?2 AND status IS NULL";
const EXTEND: &str = "UPDATE claims SET until = ?3
                      WHERE task_id = ?1 AND fence = ?2 AND status IS NULL";
const COMPLETE: &str = "UPDATE claims SET status = ?3, body = ?4, dead_letter = ?5, changed_at = ?6
                        WHERE task_id = ?1 AND fence = ?2 AND status IS NULL";
/// The fence stays and rises: a worker of before must not be taken for one of after.
const DROP: &str = "UPDATE claims SET fence = fence + 1, attempts = 0, until = 0, status = NULL,
                    body = NULL, dead_letter = NULL WHERE task_id = ?1";

fn claim(connection: &Connection, task: &str, until: i64, now: i64) -> rusqlite::Result<Claim> {
    let sql = "SELECT status, body, dead_letter, until FROM claims WHERE task_id = ?1";
    let taken = connection.prepare_cached(sql)?.query_row([task], taken_from).optional()?;
    match taken.flatten() {
        Some(Claim::Busy { until }) if millis(until) <= now => {}
        Some(taken) => return Ok(taken),
        None => {}
    }
    let sql = "INSERT INTO claims (task_id, fence, attempts, until, changed_at)
               VALUES (?1, 1, 1, ?2, ?3)
               ON CONFLICT (task_id) DO UPDATE SET fence = fence + 1, attempts = attempts + 1,
                   until = excluded.until, changed_at = excluded.changed_at
               RETURNING fence, attempts";
    connection.prepare_cached(sql)?.query_row(params![task, until, now], |row| {
        Ok(Claim::Run { fence: Fence(row.get::<_, i64>(0)?.cast_unsigned()), attempt: row.get(1)? })
    })
}

/// What a row says against a claim: that the task has ended, or who may have it until when.
fn taken_from(row: &Row<'_>) -> rusqlite::Result<Option<Claim>> {
    let status: Option<String> = row.get(0)?;
    let Some(status) = status.as_deref().and_then(ReplyStatus::parse) else {
        let until = row.get::<_, i64>(3)?.cast_unsigned();
        return Ok(Some(Claim::Busy { until: Timestamp::from_millis(until) }));
    };
    let reply = Reply { status, body: row.get::<_, Option<String>>(1)?.unwrap_or_default() };
    Ok(Some(Claim::Done { kept: KeptReply { reply, dead_letter: row.get(2)? } }))
}

fn execute(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
    Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
}

fn expire(connection: &Connection, before: i64, count_max: i64) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM claims WHERE task_id IN
                   (SELECT task_id FROM claims WHERE changed_at < ?1 AND until < ?1
                    ORDER BY changed_at LIMIT ?2)";
    connection.prepare_cached(sql)?.execute([before, count_max])
}

impl SqliteStore {
    /// Changes a claim that is the caller's; `false` if it is not.
    fn change<'a>(
        &'a self,
        action: &'static str,
        sql: &'static str,
        task: &TaskId,
        fence: Fence,
    ) -> BoxFuture<'a, Result<bool>> {
        let (task, fence) = (task.to_string(), fence.0.cast_signed());
        let command = move |connection: &Connection| execute(connection, sql, &[&task, &fence]);
        self.write(action, command).boxed()
    }

    fn change_by_task<'a>(
        &'a self,
        action: &'static str,
        sql: &'static str,
        task: &TaskId,
    ) -> BoxFuture<'a, Result<()>> {
        let task = task.to_string();
        let command = move |connection: &Connection| execute(connection, sql, &[&task]).map(drop);
        self.write(action, command).boxed()
    }
}

impl ClaimStore for SqliteStore {
    fn claim<'a>(
        &'a self,
        task: &'a TaskId,
        lease: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Claim>> {
        let (task, until, now) = (task.to_string(), millis(now + lease), millis(now));
        let command = move |connection: &Connection| claim(connection, &task, until, now);
        self.write("claim a task", command).boxed()
    }

    fn extend<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        let (task, fence, until) = (task.to_string(), fence.0.cast_signed(), millis(until));
        let command =
            move |connection: &Connection| execute(connection, EXTEND, &[&task, &fence, &until]);
        self.write("extend a claim", command).boxed()
    }

    fn complete<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        kept: KeptReply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        let (task, fence, now) = (task.to_string(), fence.0.cast_signed(), millis(now));
        let command = move |connection: &Connection| {
            let Reply { status, body } = &kept.reply;
            let (status, dead_letter) = (status.as_str(), &kept.dead_letter);
            execute(connection, COMPLETE, &[&task, &fence, &status, body, dead_letter, &now])
        };
        self.write("end a task", command).boxed()
    }

    fn dead_lettered<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        let sql = "UPDATE claims SET dead_letter = NULL WHERE task_id = ?1";
        self.change_by_task("note a dead letter", sql, task)
    }

    fn release<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>> {
        self.change("release a claim", RELEASE, task, fence).map(|done| done.map(drop)).boxed()
    }

    fn end_attempt<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>> {
        self.change("end an attempt", END_ATTEMPT, task, fence).map(|done| done.map(drop)).boxed()
    }

    fn drop_claim<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        self.change_by_task("drop a claim", DROP, task)
    }

    fn expire_claims(&self, before: Timestamp, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        let count_max = i64::try_from(count_max).unwrap_or(i64::MAX);
        let command = move |connection: &Connection| expire(connection, millis(before), count_max);
        self.write("remove old claims", command).boxed()
    }
}
