//! Takes over a file of format 1, which kept replies and claims in tables of their own.
//!
//! The old tables are renamed: a process of the old version that still runs finds none, hands its
//! messages back, and does not run beside a new one. What they hold becomes task records.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_types::{Timestamp, limits};
use rusqlite::{Connection, Row, params};

use crate::life::{self, Asked, DeadLetterDue, Ending, How, Life, Outbox, Phase};
use crate::reply::{Reply, ReplyStatus};

/// How long results of that format are kept: its default.
const RETENTION: Duration = Duration::from_secs(345_600);

/// Renames the old tables.
pub(super) fn set_aside(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "ALTER TABLE replies RENAME TO replies_of_format_1;
         ALTER TABLE aliases RENAME TO aliases_of_format_1;
         ALTER TABLE claims RENAME TO claims_of_format_1;
         DROP INDEX replies_by_change; DROP INDEX aliases_by_task; DROP INDEX claims_by_change;",
    )
}

/// What format 1 knew of a task.
#[derive(Debug, Default)]
struct Old {
    since: Timestamp,
    attempts: u32,
    ending: Option<(Reply, How, Timestamp)>,
    dead_letter: Option<String>,
}

/// Makes a record of each task that the old tables hold, and says how many there were. As version 2: a
/// worker that has not read a record takes version 1 for a task that nobody has claimed.
pub(super) fn take_over(connection: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let mut tasks: BTreeMap<String, Old> = BTreeMap::new();
    read_claims(connection, &mut tasks)?;
    read_replies(connection, &mut tasks)?;
    let sql = "INSERT INTO tasks (id, version, mark, asked, queue, tags, created_at, life, standing, wake, keep)
               VALUES (?1, 2, 0, ?2, '', '[]', ?3, ?4, ?5, ?6, ?7)";
    let mut insert = connection.prepare(sql)?;
    for (id, old) in &tasks {
        let (life, wake, keep) = record(old, now);
        let asked = Asked { created_at: old.since, ..Asked::default() };
        let (asked, text) = (life::asked_to_text(&asked), life::life_to_text(&life));
        let (since, wake, keep) = (millis(old.since), wake.map(millis), millis(keep));
        insert.execute(params![id, asked, since, text, life.standing().as_str(), wake, keep])?;
    }
    connection.execute_batch(
        "INSERT INTO aliases (message_id, task_id, keep)
             SELECT message_id, task_id, (SELECT keep FROM tasks WHERE id = task_id)
             FROM aliases_of_format_1 WHERE task_id IN (SELECT id FROM tasks);
         UPDATE tasks SET message_id =
             (SELECT message_id FROM aliases WHERE task_id = tasks.id LIMIT 1);",
    )?;
    Ok(tasks.len())
}

fn read_claims(connection: &Connection, tasks: &mut BTreeMap<String, Old>) -> rusqlite::Result<()> {
    let sql =
        "SELECT task_id, changed_at, attempts, status, body, dead_letter FROM claims_of_format_1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let old = tasks.entry(row.get(0)?).or_default();
        old.since = time(row, 1)?;
        old.attempts = row.get(2)?;
        old.dead_letter = row.get(5)?;
        old.ending = reply(row, 3)?.map(|reply| (reply, How::Done, old.since));
    }
    Ok(())
}

/// The app's own table knows better how a task ended, and since when it is asked for.
fn read_replies(
    connection: &Connection,
    tasks: &mut BTreeMap<String, Old>,
) -> rusqlite::Result<()> {
    let sql = "SELECT task_id, changed_at, status, body FROM replies_of_format_1";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let old = tasks.entry(row.get(0)?).or_default();
        let at = time(row, 1)?;
        old.since = at;
        if let Some(reply) = reply(row, 2)? {
            old.ending = Some((reply, How::Replied, at));
        }
    }
    Ok(())
}

fn record(old: &Old, now: Timestamp) -> (Life, Option<Timestamp>, Timestamp) {
    let mut life = Life { attempts_made: old.attempts, ..Life::new() };
    let keep = now + limits::RETENTION_MAX;
    let Some((reply, how, at)) = &old.ending else {
        life.phase = if old.attempts > 0 { Phase::Waiting } else { Phase::Pending };
        return (life, None, keep);
    };
    // A reply that failed may be redriven, whatever made it fail.
    let how = if reply.status == ReplyStatus::Failed { How::Dead } else { *how };
    let result_until = *at + RETENTION;
    let wake = if old.dead_letter.is_some() { now } else { result_until };
    life.phase = Phase::Ended;
    life.ending = Some(Ending { reply: reply.clone(), how, at: *at, result_until });
    let dead_letter = old.dead_letter.clone();
    let dead_letter = dead_letter.map(|reason| DeadLetterDue { queue: None, reason });
    life.outbox = dead_letter.map(|due| Outbox { dead_letter: Some(due), ..Outbox::default() });
    (life, Some(wake), keep)
}

fn reply(row: &Row<'_>, place: usize) -> rusqlite::Result<Option<Reply>> {
    let status: Option<String> = row.get(place)?;
    let body: Option<String> = row.get(place + 1)?;
    let status = status.as_deref().and_then(ReplyStatus::parse);
    Ok(status.map(|status| Reply { status, body: body.unwrap_or_default() }))
}

fn time(row: &Row<'_>, place: usize) -> rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get::<_, i64>(place)?.cast_unsigned()))
}

fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
