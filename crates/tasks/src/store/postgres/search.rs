//! What is found by other things than an id: lists, what is due, and what is over.

use super::convert::{CLOCK, COLUMNS, count, findable, millis, readable, some_findable};
use super::database::{Database, Parameters};
use super::schema::Schema;
use super::settings::{PLAN_ANEW, PLAN_ONCE};
use crate::store::{ListQuery, Page, Place, Result, Row, Timed};

/// Rows by what was asked and how they stand, the latest first.
pub(super) async fn list(
    database: &Database,
    schema: &Schema,
    query: &ListQuery,
) -> Result<Timed<Page>> {
    let after = query.after.as_deref().and_then(Place::parse);
    let sql = list_sql(schema, query, after.is_some());
    let standings: Vec<&str> = query.standings.iter().map(|one| one.as_str()).collect();
    let created_at = after.as_ref().map(|after| millis(after.created_at));
    let id = after.as_ref().map(|after| findable(&after.id));
    let (name, queue) =
        (some_findable(query.name.as_deref()), some_findable(query.queue.as_deref()));
    let (key, tag) = (some_findable(query.key.as_deref()), some_findable(query.tag.as_deref()));
    let count_max = count(query.count_max.saturating_add(1));
    let parameters: Parameters<'_> =
        &[&created_at, &id, &name, &queue, &key, &tag, &count_max, &standings];
    // A plan for any conditions would take each for one that hardly a row meets, and sort what is left.
    let statements: [(&str, Parameters<'_>); 3] =
        [(PLAN_ANEW, &[]), (&sql, parameters), (PLAN_ONCE, &[])];
    let answers = database.query_all("list tasks", &statements).await?;
    let [_, found, _] = answers.try_into().expect("every statement is answered");
    let Timed { now, value: rows } = readable(database, &found);
    Ok(Timed { now, value: page(rows, query.count_max) })
}

fn page(mut rows: Vec<Row>, count_max: usize) -> Page {
    let more = rows.len() > count_max;
    rows.truncate(count_max);
    let next = rows.last().filter(|_| more).map(|row| Place::of(row).to_cursor());
    Page { rows, next }
}

/// The statement differs with what is asked for where an index hangs on it: by the place that a page
/// begins at, and by the one standing that has an index of its own.
fn list_sql(schema: &Schema, query: &ListQuery, is_after: bool) -> String {
    let standing = match query.standings.as_slice() {
        [] => "$8::text[] IS NOT NULL".to_owned(),
        [one] => format!("standing = '{}' AND $8::text[] IS NOT NULL", one.as_str()),
        _ => "standing = ANY ($8::text[])".to_owned(),
    };
    let after = if is_after {
        "(created_at, id) < ($1::bigint, $2::text)"
    } else {
        "$1::bigint IS NULL AND $2::text IS NULL"
    };
    schema.sql(&format!(
        "WITH {CLOCK}
         SELECT clock.now, {COLUMNS} FROM clock LEFT JOIN LATERAL (
             SELECT * FROM {{schema}}.tasks
             WHERE keep > clock.now AND {standing} AND {after}
               AND ($3::text IS NULL OR name = $3) AND ($4::text IS NULL OR queue = $4)
               AND ($5::text IS NULL OR key = $5) AND ($6::text IS NULL OR tags ? $6)
             ORDER BY created_at DESC, id DESC LIMIT $7
         ) AS t ON true ORDER BY t.created_at DESC, t.id DESC"
    ))
}

/// Rows whose time to wake has come, the earliest first.
pub(super) async fn due(
    database: &Database,
    schema: &Schema,
    count_max: usize,
) -> Result<Timed<Vec<Row>>> {
    let sql = schema.sql(&format!(
        "WITH {CLOCK}
         SELECT clock.now, {COLUMNS} FROM clock LEFT JOIN LATERAL (
             SELECT * FROM {{schema}}.tasks WHERE wake <= clock.now AND keep + 0 > clock.now
             ORDER BY wake LIMIT $1
         ) AS t ON true ORDER BY t.wake"
    ));
    let found = database.query("find what is due", &sql, &[&count(count_max)]).await?;
    Ok(readable(database, &found))
}

/// Removes what has been kept for long enough: up to `count_max` of each kind, and nothing that
/// somebody else is just writing or removing.
pub(super) async fn expire(
    database: &Database,
    schema: &Schema,
    count_max: usize,
) -> Result<usize> {
    let part = |table: &str, key: &str| {
        format!(
            "{table}_gone AS (DELETE FROM {{schema}}.{table} WHERE {key} = ANY (ARRAY(
                 SELECT {key} FROM {{schema}}.{table} WHERE keep <= (SELECT now FROM clock)
                 ORDER BY keep LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING 1)"
        )
    };
    let [tasks, aliases, values] =
        [part("tasks", "id"), part("aliases", "message_id"), part("kept_values", "key")];
    let sql = schema.sql(&format!(
        "WITH {CLOCK}, {tasks}, {aliases}, {values}
         SELECT (SELECT count(*) FROM tasks_gone) + (SELECT count(*) FROM aliases_gone)
              + (SELECT count(*) FROM kept_values_gone)"
    ));
    let found = database.query("remove what is old", &sql, &[&count(count_max)]).await?;
    let gone: i64 = found.first().map(|row| row.get(0)).unwrap_or_default();
    Ok(usize::try_from(gone).unwrap_or_default())
}
