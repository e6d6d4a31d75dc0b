//! Rows and aliases in SQL.

use longshore_types::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use super::millis;
use crate::id::TaskId;
use crate::life::Standing;
use crate::store::{Alias, AskedRow, LifeRow, ListQuery, Page, Place, Row, Write, Written};

const COLUMNS: &str = "id, version, mark, message_id, asked, name, queue, key, tags, created_at,
                       life, standing, until, wake, keep";

fn row_from(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let time = |place: usize| -> rusqlite::Result<Option<Timestamp>> {
        let millis: Option<i64> = row.get(place)?;
        Ok(millis.map(|millis| Timestamp::from_millis(millis.cast_unsigned())))
    };
    let damaged = |place: usize, what: &'static str| {
        rusqlite::Error::FromSqlConversionFailure(place, rusqlite::types::Type::Text, what.into())
    };
    let id: String = row.get(0)?;
    let (tags, standing): (String, String) = (row.get(8)?, row.get(11)?);
    Ok(Row {
        id: TaskId::parse(&id).map_err(|_| damaged(0, "not a task id"))?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        mark: row.get::<_, i64>(2)?.cast_unsigned(),
        message_id: row.get(3)?,
        asked: AskedRow {
            text: row.get(4)?,
            name: row.get(5)?,
            queue: row.get(6)?,
            key: row.get(7)?,
            tags: serde_json::from_str(&tags).map_err(|_| damaged(8, "not a list of tags"))?,
            created_at: time(9)?.unwrap_or_default(),
        },
        life: LifeRow {
            text: row.get(10)?,
            standing: Standing::parse(&standing).ok_or_else(|| damaged(11, "not a standing"))?,
            until: time(12)?,
            wake: time(13)?,
            keep: time(14)?.unwrap_or_default(),
        },
    })
}

/// The row of a task.
fn row(connection: &Connection, id: &str, now: Timestamp) -> rusqlite::Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1 AND keep > ?2");
    one_row(connection, &sql, id, now)
}

/// The row that `sql` finds. One that this version cannot read is there, and fails alone.
fn one_row(
    connection: &Connection,
    sql: &str,
    id: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    let read = |found: &SqlRow<'_>| match row_from(found) {
        Err(rusqlite::Error::FromSqlConversionFailure(_, _, why)) => unreadable(found, &*why),
        read => read,
    };
    statement.query_row(params![id, millis(now)], read).optional()
}

fn unreadable(found: &SqlRow<'_>, why: &dyn std::error::Error) -> rusqlite::Result<Row> {
    let (id, version): (String, i64) = (found.get(0)?, found.get(1)?);
    let id = TaskId::parse(&id).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })?;
    Ok(Row::unreadable(id, version.cast_unsigned(), &why.to_string()))
}

/// The row of a task, by its id or by a `MessageId` that stands for it.
pub(super) fn find(
    connection: &Connection,
    id: &TaskId,
    now: Timestamp,
) -> rusqlite::Result<Option<Row>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks
         WHERE id = ifnull((SELECT task_id FROM aliases WHERE message_id = ?1 AND keep > ?2), ?1)
           AND keep > ?2"
    );
    one_row(connection, &sql, id.as_str(), now)
}

/// Writes a row over the version that it expects.
pub(super) fn write(
    connection: &Connection,
    write: &Write,
    now: Timestamp,
) -> rusqlite::Result<Written> {
    let changed = match write.expected {
        None => insert(connection, write, now)?,
        Some(expected) => {
            let changed = update(connection, write, expected, now)?;
            if changed > 0 {
                set_asked(connection, write)?;
            }
            changed
        }
    };
    if changed > 0 {
        return Ok(Written::Done);
    }
    Ok(Written::Conflict(row(connection, write.id.as_str(), now)?.map(Box::new)))
}

fn insert(connection: &Connection, write: &Write, now: Timestamp) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO tasks (id, version, mark, asked, name, queue, key, tags, created_at,
                                  life, standing, until, wake, keep)
               VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
               ON CONFLICT (id) DO UPDATE SET version = 1, mark = ?2, message_id = NULL,
                   asked = ?3, name = ?4, queue = ?5, key = ?6, tags = ?7, created_at = ?8,
                   life = ?9, standing = ?10, until = ?11, wake = ?12, keep = ?13
               WHERE keep <= ?14";
    let asked = write.asked.clone().unwrap_or_default();
    let life = &write.life;
    connection.prepare_cached(sql)?.execute(params![
        write.id.as_str(),
        write.mark.cast_signed(),
        asked.text,
        asked.name,
        asked.queue,
        asked.key,
        tags(&asked),
        millis(asked.created_at),
        life.text,
        life.standing.as_str(),
        life.until.map(|until| millis(until.at(now))),
        life.wake.map(|wake| millis(wake.at(now))),
        millis(life.keep.at(now)),
        millis(now),
    ])
}

fn update(
    connection: &Connection,
    write: &Write,
    expected: u64,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let sql = "UPDATE tasks SET version = ?3, mark = ?4, life = ?5, standing = ?6, until = ?7,
                   wake = ?8, keep = ?9
               WHERE id = ?1 AND version = ?2 AND keep > ?10";
    let life = &write.life;
    connection.prepare_cached(sql)?.execute(params![
        write.id.as_str(),
        expected.cast_signed(),
        write.version().cast_signed(),
        write.mark.cast_signed(),
        life.text,
        life.standing.as_str(),
        life.until.map(|until| millis(until.at(now))),
        life.wake.map(|wake| millis(wake.at(now))),
        millis(life.keep.at(now)),
        millis(now),
    ])
}

fn set_asked(connection: &Connection, write: &Write) -> rusqlite::Result<()> {
    let Some(asked) = &write.asked else { return Ok(()) };
    let sql = "UPDATE tasks SET asked = ?2, name = ?3, queue = ?4, key = ?5, tags = ?6,
                   created_at = ?7 WHERE id = ?1";
    let created_at = millis(asked.created_at);
    let AskedRow { text, name, queue, key, .. } = asked;
    let values = params![write.id.as_str(), text, name, queue, key, tags(asked), created_at];
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn tags(asked: &AskedRow) -> String {
    serde_json::Value::from(asked.tags.clone()).to_string()
}

/// Notes an alias, and answers the row that stands under the `MessageId` itself.
pub(super) fn alias(
    connection: &Connection,
    alias: &Alias,
    now: Timestamp,
) -> rusqlite::Result<Option<Row>> {
    let (message_id, id) = (alias.message_id.as_str(), alias.id.as_str());
    let sql = "INSERT INTO aliases (message_id, task_id, keep) VALUES (?1, ?2, ?3)
               ON CONFLICT (message_id) DO UPDATE SET task_id = ?2, keep = ?3";
    let keep = millis(alias.keep.at(now));
    connection.prepare_cached(sql)?.execute(params![message_id, id, keep])?;
    let sql = "UPDATE tasks SET message_id = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([id, message_id])?;
    row(connection, message_id, now)
}

/// Rows by what was asked and how they stand, the latest first.
pub(super) fn list(
    connection: &Connection,
    query: &ListQuery,
    now: Timestamp,
) -> rusqlite::Result<Page> {
    let after = query.after.as_deref().and_then(Place::parse);
    // The first page begins after every row, one of the end of time too: `~` sorts behind any id.
    let end = Timestamp::from_millis(u64::MAX);
    let after = after.unwrap_or(Place { created_at: end, id: "~".to_owned() });
    let standings: Vec<&str> = query.standings.iter().map(|one| one.as_str()).collect();
    // One standing is named in the statement itself, so that an index which is for it alone serves.
    let standing = match standings.as_slice() {
        [] => String::new(),
        [one] => format!("AND standing = '{one}'"),
        many => format!("AND standing IN ('{}')", many.join("', '")),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks
         WHERE (created_at, id) < (?1, ?2) AND keep > ?3 {standing}
           AND (?4 IS NULL OR name = ?4) AND (?5 IS NULL OR queue = ?5)
           AND (?6 IS NULL OR key = ?6)
           AND (?7 IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ?7))
         ORDER BY created_at DESC, id DESC LIMIT ?8"
    );
    let count = i64::try_from(query.count_max.saturating_add(1)).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let values = params![
        millis(after.created_at),
        after.id,
        millis(now),
        query.name,
        query.queue,
        query.key,
        query.tag,
        count
    ];
    let found: Vec<_> = statement.query_map(values, row_from)?.collect();
    let more = found.len() > query.count_max;
    let rows = readable(found.into_iter().take(query.count_max))?;
    let next = rows.last().filter(|_| more).map(|row| Place::of(row).to_cursor());
    Ok(Page { rows, next })
}

/// Rows whose time to wake has come, the earliest first.
pub(super) fn due(
    connection: &Connection,
    count_max: usize,
    now: Timestamp,
) -> rusqlite::Result<Vec<Row>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE wake <= ?1 AND keep > ?1 ORDER BY wake LIMIT ?2"
    );
    let count = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    readable(statement.query_map(params![millis(now), count], row_from)?)
}

/// Without what a later version has written: it must not keep the others from being found.
fn readable(found: impl Iterator<Item = rusqlite::Result<Row>>) -> rusqlite::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for row in found {
        match row {
            Ok(row) => rows.push(row),
            Err(error @ rusqlite::Error::FromSqlConversionFailure(..)) => {
                tracing::warn!(%error, "a task's row is left out: this version cannot read it");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(rows)
}

/// Removes what has been kept for long enough.
pub(super) fn expire(
    connection: &Connection,
    count_max: usize,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let count = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut gone = 0;
    for sql in [
        "DELETE FROM tasks WHERE rowid IN (SELECT rowid FROM tasks WHERE keep <= ?1 LIMIT ?2)",
        "DELETE FROM aliases WHERE message_id IN
             (SELECT message_id FROM aliases WHERE keep <= ?1 LIMIT ?2)",
        "DELETE FROM kept_values WHERE key IN
             (SELECT key FROM kept_values WHERE keep <= ?1 LIMIT ?2)",
    ] {
        gone += connection.prepare_cached(sql)?.execute(params![millis(now), count])?;
    }
    Ok(gone)
}
