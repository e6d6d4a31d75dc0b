//! Between what a store is asked and what `PostgreSQL` keeps.
//!
//! A time beyond the range of a `BIGINT` is the end of time. A mark's 64 bits are kept as they are,
//! the highest as the sign. `PostgreSQL` knows no U+0000 in a text: in what rows are found by it is
//! replaced; in the JSON texts, which spell it out, it cannot be.

use std::borrow::Cow;
use std::time::Duration;

use longshore_types::Timestamp;
use tokio_postgres::Row as SqlRow;

use super::database::Database;
use crate::id::TaskId;
use crate::life::{Standing, When};
use crate::store::{AskedRow, LifeRow, Result, Row, StoreError, Timed};

/// The columns of a row, as [`row`] reads them.
pub(super) const COLUMNS: &str = "t.id, t.version, t.mark, t.message_id, t.asked, t.name, t.queue,
    t.key, t.tags::text, t.created_at, t.life, t.standing, t.until, t.wake, t.keep";

/// The server's time, once for all of a statement: the table `clock`, with the column `now`.
pub(super) const CLOCK: &str = "clock AS MATERIALIZED (
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)";

/// A point in time, or so long after the server's time of the write: one of the two.
#[derive(Debug, Default)]
pub(super) struct Points {
    pub(super) at: Vec<Option<i64>>,
    pub(super) after: Vec<Option<i64>>,
}

impl Points {
    pub(super) fn push(&mut self, when: Option<When>) {
        let (at, after) = match when {
            None => (None, None),
            Some(When::At(point)) => (Some(millis(point)), None),
            Some(When::In(duration)) => (None, Some(duration_millis(duration))),
        };
        self.at.push(at);
        self.after.push(after);
    }
}

/// SQL that works out such a point, which two columns name; NULL if both are. `LEAST` passes over
/// NULL.
pub(super) fn point(at: &str, after: &str) -> String {
    let end = i64::MAX;
    format!(
        "CASE WHEN {after} IS NULL THEN {at} ELSE clock.now + LEAST({after}, {end} - clock.now) END"
    )
}

/// A time as it is kept.
pub(super) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn duration_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A time as it was kept.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

/// A count as SQL has it.
pub(super) fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A text that rows are found by.
pub(super) fn findable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same, where there is one.
pub(super) fn some_findable(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(findable)
}

/// Tags as a JSON array.
pub(super) fn tags(asked: &AskedRow) -> String {
    let tags: Vec<Cow<'_, str>> = asked.tags.iter().map(|tag| findable(tag)).collect();
    serde_json::Value::from(tags).to_string()
}

/// A row whose columns begin at `first`; `None` where an outer join found none.
///
/// # Errors
///
/// [`StoreError::Unreadable`] if a later version wrote it, or it is damaged.
pub(super) fn row(database: &Database, found: &SqlRow, first: usize) -> Result<Option<Row>> {
    let Some(id) = found.get::<_, Option<String>>(first) else { return Ok(None) };
    let parsed = TaskId::parse(&id);
    let id = parsed.map_err(|e| StoreError::unavailable(database.name(), "read a row", e))?;
    let unreadable = |id: &TaskId, what: &'static str| StoreError::Unreadable {
        store: database.name().to_owned(),
        id: id.clone(),
        source: what.into(),
    };
    let (tags, standing): (&str, &str) = (found.get(first + 8), found.get(first + 11));
    let tags = serde_json::from_str(tags).map_err(|_| unreadable(&id, "not a list of tags"))?;
    let standing = Standing::parse(standing).ok_or_else(|| unreadable(&id, "not a standing"))?;
    let some_time = |place: usize| found.get::<_, Option<i64>>(first + place).map(time);
    Ok(Some(Row {
        id,
        version: found.get::<_, i64>(first + 1).cast_unsigned(),
        mark: found.get::<_, i64>(first + 2).cast_unsigned(),
        message_id: found.get(first + 3),
        asked: AskedRow {
            text: found.get(first + 4),
            name: found.get(first + 5),
            queue: found.get(first + 6),
            key: found.get(first + 7),
            tags,
            created_at: time(found.get(first + 9)),
        },
        life: LifeRow {
            text: found.get(first + 10),
            standing,
            until: some_time(12),
            wake: some_time(13),
            keep: time(found.get(first + 14)),
        },
    }))
}

/// Rows that stand behind the server's time. One that cannot be read is left out, and logged: it must
/// not keep others from being found.
pub(super) fn readable(database: &Database, found: &[SqlRow]) -> Timed<Vec<Row>> {
    let row = |found: &SqlRow| {
        let row = row(database, found, 1);
        row.inspect_err(|error| tracing::warn!(%error, "a row is left alone")).ok().flatten()
    };
    Timed { now: now(found), value: found.iter().filter_map(row).collect() }
}

/// The server's time, which the first column has.
pub(super) fn now(found: &[SqlRow]) -> Timestamp {
    found.first().map(|row| time(row.get(0))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_beyond_the_range_are_the_end_of_time() {
        assert_eq!(millis(Timestamp::from_millis(u64::MAX)), i64::MAX);
        assert_eq!(time(i64::MAX).as_millis(), i64::MAX.cast_unsigned());
    }

    #[test]
    fn what_rows_are_found_by_has_no_zero() {
        assert_eq!(findable("a\0b"), "a\u{fffd}b");
        let asked = AskedRow { tags: vec!["\0".to_owned()], ..AskedRow::default() };
        assert_eq!(tags(&asked), "[\"\u{fffd}\"]");
    }
}
