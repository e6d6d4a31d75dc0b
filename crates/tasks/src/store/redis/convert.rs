//! Between what a store is asked and what the scripts take and return, all of which is text.
//!
//! A time keeps its digits, whatever its size. Where a script has to reckon with it, a time beyond
//! 2^53 is the end of time.

use std::time::Duration;

use longshore_types::Timestamp;

use super::server::Server;
use crate::id::TaskId;
use crate::life::{Standing, When};
use crate::store::{AskedRow, LifeRow, Place, Result, Row, StoreError, Value};

/// A row as a script returns it: its fields, in the order of `common.lua`.
pub(super) type Fields = Vec<Option<String>>;

/// The fields of a row.
const ROW_FIELDS: usize = 15;

/// A point in time, as scripts read it.
pub(super) fn point(when: Option<When>) -> String {
    match when {
        None => String::new(),
        Some(When::At(point)) => format!("@{}", point.as_millis()),
        Some(When::In(duration)) => format!("+{}", millis(duration)),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A text that may be missing, as scripts read it.
pub(super) fn optional(text: Option<&str>) -> String {
    text.map(|text| format!("={text}")).unwrap_or_default()
}

/// A place in a list: so written that places sort as their letters do.
pub(super) fn place(place: &Place) -> String {
    format!("{:020}.{}", place.created_at.as_millis(), place.id)
}

/// The time that a script returned.
pub(super) fn time(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A row.
///
/// # Errors
///
/// [`StoreError::Unreadable`] if a later version wrote it, or it is damaged.
pub(super) fn row(server: &Server, fields: Fields) -> Result<Row> {
    let id = fields.first().cloned().flatten().unwrap_or_default();
    let id = TaskId::parse(&id).map_err(|source| server.unavailable("read a row", source))?;
    row_of(id.clone(), fields).map_err(|what| StoreError::Unreadable {
        store: server.name().to_owned(),
        id,
        source: what.into(),
    })
}

fn row_of(id: TaskId, fields: Fields) -> std::result::Result<Row, &'static str> {
    let fields: [Option<String>; ROW_FIELDS] =
        fields.try_into().map_err(|_| "not as many fields as a row has")?;
    let [_, version, mark, message_id, asked, name, queue, key, tags, created_at, ..] = &fields;
    let [.., life, standing, until, wake, keep] = &fields;
    let standing = standing.as_deref().and_then(Standing::parse).ok_or("not a standing")?;
    let tags = serde_json::from_str(tags.as_deref().unwrap_or("[]"));
    Ok(Row {
        id,
        version: number(version.as_deref())?,
        mark: number(mark.as_deref())?,
        message_id: message_id.clone(),
        asked: AskedRow {
            text: asked.clone().unwrap_or_default(),
            name: name.clone(),
            queue: queue.clone().unwrap_or_default(),
            key: key.clone(),
            tags: tags.map_err(|_| "not a list of tags")?,
            created_at: time(number(created_at.as_deref())?),
        },
        life: LifeRow {
            text: life.clone().unwrap_or_default(),
            standing,
            until: some_time(until.as_deref())?,
            wake: some_time(wake.as_deref())?,
            keep: time(number(keep.as_deref())?),
        },
    })
}

fn number(text: Option<&str>) -> std::result::Result<u64, &'static str> {
    text.and_then(|text| text.parse().ok()).ok_or("not a number")
}

fn some_time(text: Option<&str>) -> std::result::Result<Option<Timestamp>, &'static str> {
    text.map(|text| number(Some(text)).map(time)).transpose()
}

/// Rows. One that cannot be read is left out, and logged: it must not keep others from being found.
pub(super) fn readable(server: &Server, rows: Vec<Fields>) -> Vec<Row> {
    let readable = |fields| {
        let row = row(server, fields);
        row.inspect_err(|error| tracing::warn!(%error, "a row is left alone")).ok()
    };
    rows.into_iter().filter_map(readable).collect()
}

/// A value as a script returns it: its key, version, mark, text and keep.
///
/// # Errors
///
/// [`StoreError::Unavailable`] if it is damaged.
pub(super) fn value(server: &Server, fields: Vec<String>) -> Result<Value> {
    let damaged = |what: &'static str| server.unavailable("read a value", what);
    let fields: [String; 5] =
        fields.try_into().map_err(|_| damaged("not as many fields as a value has"))?;
    let [key, version, mark, text, keep] = fields;
    let number = |text: &str| number(Some(text)).map_err(damaged);
    let (version, mark, keep) = (number(&version)?, number(&mark)?, time(number(&keep)?));
    Ok(Value { key, version, mark, text, keep })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_their_letters_do() {
        let at = |millis: u64, id: &str| Place {
            created_at: Timestamp::from_millis(millis),
            id: id.to_owned(),
        };
        let places = [at(9, "z"), at(10, "a"), at(10, "a-b"), at(10, "aa"), at(u64::MAX, "")];
        assert!(places.is_sorted() && places.iter().map(place).is_sorted());
    }

    #[test]
    fn a_missing_text_is_not_an_empty_one() {
        assert_eq!((optional(None), optional(Some(""))), (String::new(), "=".to_owned()));
    }
}
