//! Values in SQL.

use longshore_types::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::millis;
use crate::store::{PutValue, Value, ValueWritten};

fn value_from(row: &Row<'_>) -> rusqlite::Result<Value> {
    Ok(Value {
        key: row.get(0)?,
        version: row.get::<_, i64>(1)?.cast_unsigned(),
        mark: row.get::<_, i64>(2)?.cast_unsigned(),
        text: row.get(3)?,
        keep: Timestamp::from_millis(row.get::<_, i64>(4)?.cast_unsigned()),
    })
}

/// The value of a key.
pub(super) fn find(
    connection: &Connection,
    key: &str,
    now: Timestamp,
) -> rusqlite::Result<Option<Value>> {
    let sql = "SELECT key, version, mark, text, keep FROM kept_values
               WHERE key = ?1 AND keep > ?2";
    connection.prepare_cached(sql)?.query_row(params![key, millis(now)], value_from).optional()
}

/// The values whose keys begin with `prefix`.
pub(super) fn list(
    connection: &Connection,
    prefix: &str,
    count_max: usize,
    now: Timestamp,
) -> rusqlite::Result<Vec<Value>> {
    let sql = "SELECT key, version, mark, text, keep FROM kept_values
               WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 AND keep > ?2
               ORDER BY key LIMIT ?3";
    let count = i64::try_from(count_max).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map(params![prefix, millis(now), count], value_from)?.collect()
}

/// Puts a value if what it expects is there.
pub(super) fn put(
    connection: &Connection,
    put: &PutValue,
    now: Timestamp,
) -> rusqlite::Result<ValueWritten> {
    let there = find(connection, &put.key, now)?;
    let before = there.as_ref().map(|value| value.version);
    if !put.expected.is_met(before) {
        return Ok(ValueWritten::Conflict(there));
    }
    let version = before.unwrap_or(0) + 1;
    let sql = "INSERT INTO kept_values (key, version, mark, text, keep) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (key) DO UPDATE SET version = ?2, mark = ?3, text = ?4, keep = ?5";
    let (mark, keep) = (put.mark.cast_signed(), millis(put.keep.at(now)));
    let values = params![put.key, version.cast_signed(), mark, put.text, keep];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(ValueWritten::Done(version))
}
