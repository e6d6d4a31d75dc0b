//! Reads of rows, and aliases: a batch is one statement over arrays.

use super::convert::{CLOCK, COLUMNS, Points, now, point, row};
use super::database::Database;
use super::schema::Schema;
use crate::id::TaskId;
use crate::store::{Alias, Result, Row, Timed};

/// The rows of these ids, each in its place.
pub(super) async fn read(
    database: &Database,
    schema: &Schema,
    ids: &[TaskId],
) -> Result<Timed<Vec<Option<Row>>>> {
    let found = format!(
        "SELECT i.place, {COLUMNS} FROM unnest($1::text[]) WITH ORDINALITY AS i (id, place)
         CROSS JOIN clock
         LEFT JOIN {{schema}}.aliases AS a ON a.message_id = i.id AND a.keep + 0 > clock.now
         JOIN {{schema}}.tasks AS t ON t.id = COALESCE(a.task_id, i.id) AND t.keep + 0 > clock.now"
    );
    places(database, "find tasks", &with_clock(schema, &found), ids).await
}

/// Rows are found by their ids, never by how long they are kept: `keep + 0` is in no index. A statement is planned once, and of
/// a table that is nearly empty then, to look at all of it by that index seems cheap.
///
/// `found` begins with a place; the statement answers it behind the server's time, and at least one
/// row, so that there always is a time.
fn with_clock(schema: &Schema, found: &str) -> String {
    schema.sql(&format!(
        "WITH {CLOCK}, found AS ({found})
         SELECT clock.now, found.* FROM clock LEFT JOIN found ON true"
    ))
}

async fn places(
    database: &Database,
    action: &'static str,
    sql: &str,
    ids: &[TaskId],
) -> Result<Timed<Vec<Option<Row>>>> {
    let texts: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
    let found = database.query(action, sql, &[&texts]).await?;
    let value = in_places(database, &found, ids.len())?;
    Ok(Timed { now: now(&found), value })
}

fn in_places(
    database: &Database,
    found: &[tokio_postgres::Row],
    count: usize,
) -> Result<Vec<Option<Row>>> {
    let mut rows: Vec<Option<Row>> = vec![None; count];
    for found in found {
        let place: Option<i64> = found.get(1);
        let place = place.and_then(|place| usize::try_from(place - 1).ok());
        if let Some(slot) = place.and_then(|place| rows.get_mut(place)) {
            // One that this version cannot read is there, and fails alone.
            let read = row(database, found, 2).transpose();
            *slot = read.map(Row::or_unreadable).transpose()?;
        }
    }
    Ok(rows)
}

/// The rows of these ids, whatever they stand for otherwise, each in its place.
pub(super) async fn read_by_id(
    database: &Database,
    schema: &Schema,
    ids: &[TaskId],
) -> Result<Timed<Vec<Option<Row>>>> {
    places(database, "find what is there", &by_id(schema), ids).await
}

/// Rows by their own ids, whatever they stand for otherwise.
fn by_id(schema: &Schema) -> String {
    let found = format!(
        "SELECT i.place, {COLUMNS} FROM unnest($1::text[]) WITH ORDINALITY AS i (id, place)
         CROSS JOIN clock JOIN {{schema}}.tasks AS t ON t.id = i.id AND t.keep + 0 > clock.now"
    );
    with_clock(schema, &found)
}

/// Notes aliases, and answers the rows that stand under the `MessageId`s themselves.
///
/// Those are read once the aliases are there for everybody to see: so whoever writes a row under a
/// `MessageId` and looks for its alias afterwards misses it only if the row is found here.
pub(super) async fn alias(
    database: &Database,
    schema: &Schema,
    aliases: &[Alias],
) -> Result<Timed<Vec<Option<Row>>>> {
    let message_ids: Vec<&str> = aliases.iter().map(|alias| alias.message_id.as_str()).collect();
    let ids: Vec<&str> = aliases.iter().map(|alias| alias.id.as_str()).collect();
    let mut keep = Points::default();
    for alias in aliases {
        keep.push(Some(alias.keep));
    }
    let (note, find) = (alias_sql(schema), by_id(schema));
    let answers = database
        .query_all(
            "note message ids",
            &[(&note, &[&message_ids, &ids, &keep.at, &keep.after]), (&find, &[&message_ids])],
        )
        .await?;
    let found = answers.last().expect("both statements are answered");
    Ok(Timed { now: now(found), value: in_places(database, found, aliases.len())? })
}

/// Of several aliases for one `MessageId`, or of one task, the last counts.
fn alias_sql(schema: &Schema) -> String {
    let keep = point("keep_at", "keep_in");
    schema.sql(&format!(
        "WITH {CLOCK},
         given AS MATERIALIZED (
             SELECT i.message_id, i.id, i.place, {keep} AS keep FROM clock, unnest(
                 $1::text[], $2::text[], $3::bigint[], $4::bigint[]
             ) WITH ORDINALITY AS i (message_id, id, keep_at, keep_in, place)),
         put AS (
             INSERT INTO {{schema}}.aliases (message_id, task_id, keep)
             SELECT DISTINCT ON (message_id COLLATE \"C\") message_id, id, keep FROM given
             ORDER BY message_id COLLATE \"C\", place DESC
             ON CONFLICT (message_id) DO UPDATE SET task_id = excluded.task_id, keep = excluded.keep
             RETURNING message_id),
         locked AS MATERIALIZED (
             SELECT id FROM {{schema}}.tasks
             WHERE id IN (SELECT id FROM given) AND (SELECT count(*) FROM put) >= 0
             ORDER BY id FOR UPDATE)
         UPDATE {{schema}}.tasks AS t SET message_id = g.message_id
         FROM (SELECT DISTINCT ON (id) id, message_id FROM given ORDER BY id, place DESC) AS g
             JOIN locked USING (id)
         WHERE t.id = g.id"
    ))
}
