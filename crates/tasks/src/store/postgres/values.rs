//! Values in SQL.

use tokio_postgres::Row as SqlRow;

use super::convert::{CLOCK, Points, count, now, point, time};
use super::database::Database;
use super::schema::Schema;
use crate::store::{Expected, PutValue, Result, Timed, Value, ValueWritten};

const COLUMNS: &str = "v.key, v.version, v.mark, v.text, v.keep";

/// The value whose columns begin at `first`; `None` where an outer join found none.
fn value(found: &SqlRow, first: usize) -> Option<Value> {
    Some(Value {
        key: found.get::<_, Option<String>>(first)?,
        version: found.get::<_, i64>(first + 1).cast_unsigned(),
        mark: found.get::<_, i64>(first + 2).cast_unsigned(),
        text: found.get(first + 3),
        keep: time(found.get(first + 4)),
    })
}

/// The values of these keys, each in its place.
pub(super) async fn find(
    database: &Database,
    schema: &Schema,
    keys: &[String],
) -> Result<Timed<Vec<Option<Value>>>> {
    let sql = schema.sql(&format!(
        "WITH {CLOCK}, found AS (
             SELECT i.place, {COLUMNS} FROM unnest($1::text[]) WITH ORDINALITY AS i (key, place)
             CROSS JOIN clock
             JOIN {{schema}}.kept_values AS v ON v.key = i.key AND v.keep + 0 > clock.now)
         SELECT clock.now, found.* FROM clock LEFT JOIN found ON true"
    ));
    let found = database.query("find values", &sql, &[&keys]).await?;
    let mut values: Vec<Option<Value>> = vec![None; keys.len()];
    for found in &found {
        let place: Option<i64> = found.get(1);
        let place = place.and_then(|place| usize::try_from(place - 1).ok());
        if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
            *slot = value(found, 2);
        }
    }
    Ok(Timed { now: now(&found), value: values })
}

/// The values whose keys begin with `prefix`, in the order of their keys. A key is ASCII without
/// control characters, so that U+007F comes after all of them.
pub(super) async fn list(
    database: &Database,
    schema: &Schema,
    prefix: &str,
    count_max: usize,
) -> Result<Timed<Vec<Value>>> {
    let sql = schema.sql(&format!(
        "WITH {CLOCK}
         SELECT clock.now, {COLUMNS} FROM clock LEFT JOIN LATERAL (
             SELECT * FROM {{schema}}.kept_values
             WHERE key >= $1 AND key < $1 || chr(127) AND keep > clock.now
             ORDER BY key LIMIT $2
         ) AS v ON true ORDER BY v.key"
    ));
    let found = database.query("list values", &sql, &[&prefix, &count(count_max)]).await?;
    let values = found.iter().filter_map(|found| value(found, 1)).collect();
    Ok(Timed { now: now(&found), value: values })
}

/// Puts a value if what it expects is there. What is there instead costs a trip of its own.
pub(super) async fn put(
    database: &Database,
    schema: &Schema,
    put: PutValue,
) -> Result<Timed<ValueWritten>> {
    let mut keep = Points::default();
    keep.push(Some(put.keep));
    let expected = match put.expected {
        Expected::Version(version) => Some(version.cast_signed()),
        Expected::Anything | Expected::Nothing => None,
    };
    let (sql, mark) = (put_sql(schema, put.expected), put.mark.cast_signed());
    let found = database
        .query(
            "put a value",
            &sql,
            &[&put.key, &mark, &put.text, &keep.at[0], &keep.after[0], &expected],
        )
        .await?;
    if let Some(version) = found.first().and_then(|row| row.get::<_, Option<i64>>(1)) {
        let value = ValueWritten::Done(version.cast_unsigned());
        return Ok(Timed { now: now(&found), value });
    }
    let Timed { now, value: mut there } = find(database, schema, &[put.key]).await?;
    Ok(Timed { now, value: ValueWritten::Conflict(there.pop().flatten()) })
}

fn put_sql(schema: &Schema, expected: Expected) -> String {
    let keep = point("$4::bigint", "$5::bigint");
    let insert = |over: &str| {
        format!(
            "INSERT INTO {{schema}}.kept_values AS v (key, version, mark, text, keep)
             SELECT $1, 1, $2, $3, {keep} FROM clock WHERE $6::bigint IS NULL
             ON CONFLICT (key) DO UPDATE SET mark = excluded.mark, text = excluded.text,
                 keep = excluded.keep, version = {over} RETURNING v.version"
        )
    };
    let is_there = "v.keep > (SELECT now FROM clock)";
    let put = match expected {
        Expected::Anything => {
            insert(&format!("CASE WHEN {is_there} THEN v.version + 1 ELSE 1 END"))
        }
        Expected::Nothing => insert(&format!("1 WHERE NOT {is_there}")),
        Expected::Version(_) => format!(
            "UPDATE {{schema}}.kept_values AS v
             SET version = v.version + 1, mark = $2, text = $3, keep = {keep} FROM clock
             WHERE v.key = $1 AND v.version = $6 AND {is_there} RETURNING v.version"
        ),
    };
    schema.sql(&format!(
        "WITH {CLOCK}, put AS ({put})
         SELECT clock.now, put.version FROM clock LEFT JOIN put ON true"
    ))
}
