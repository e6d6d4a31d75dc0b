//! Values: items that a query by the beginning of their keys finds.
//!
//! They are spread over a few hash keys, so that a busy one does not slow down all; a list asks each
//! and merges.

use aws_sdk_dynamodb::types::ReturnValue;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_types::Timestamp;

use super::expression::Expression;
use super::item::{self, Attributes, Damaged, Item};
use super::key::{self, Key, SK, VALUE_BUCKETS};
use super::table::{CONCURRENT, Outcome, Table};
use crate::store::{Expected, PutValue, Result, StoreError, Value, ValueWritten};

const ACTION: &str = "put a value";
/// Rounds against others who remove the value and put it again meanwhile.
const ROUNDS_MAX: u32 = 20;

/// The values of these keys, each in its place.
pub(super) async fn find(
    table: &Table,
    keys: &[String],
    now: Timestamp,
) -> Result<Vec<Option<Value>>> {
    let wanted = keys.iter().map(|key| Key::value(key)).collect();
    let items = table.get("find values", wanted).await?;
    let value = |key: &String| items.get(&Key::value(key)).and_then(|item| there(table, item, now));
    keys.iter().map(|key| value(key).transpose()).collect()
}

/// The values whose keys begin with `prefix`, in the order of their keys.
pub(super) async fn list(
    table: &Table,
    prefix: &str,
    count_max: usize,
    now: Timestamp,
) -> Result<Vec<Value>> {
    let asked: Vec<_> = (0..VALUE_BUCKETS)
        .map(|bucket| {
            let range = Expression::default()
                .must("#pk = :bucket AND begins_with(#sk, :prefix)")
                .with("bucket", item::text(key::value_pk(bucket)))
                .with("prefix", item::text(key::value_sk(prefix)));
            let there = range.with("now", item::millis(now));
            let query = table.client.query().consistent_read(true);
            let query = query
                .set_key_condition_expression(there.condition())
                .filter_expression("#keep > :now")
                .set_expression_attribute_names(there.names())
                .expression_attribute_names("#keep", "keep")
                .set_expression_attribute_values(there.values());
            table.query("list values", query, count_max)
        })
        .collect();
    let answers = futures::stream::iter(asked).buffer_unordered(CONCURRENT);
    let items = answers.try_collect::<Vec<_>>().await?.concat();
    let values = items.iter().filter_map(|item| there(table, item, now));
    let mut values = values.collect::<Result<Vec<Value>>>()?;
    values.sort_by(|one, other| one.key.cmp(&other.key));
    values.truncate(count_max);
    Ok(values)
}

/// Puts a value if what it expects is there.
pub(super) async fn put(table: &Table, put: &PutValue, now: Timestamp) -> Result<ValueWritten> {
    match put.expected {
        Expected::Nothing => put_first(table, put, now).await,
        Expected::Version(version) => {
            let over = Expression::default()
                .must("#version = :expected")
                .with("expected", item::number(version));
            put_over(table, put, over, now).await
        }
        Expected::Anything => put_anyhow(table, put, now).await,
    }
}

async fn put_anyhow(table: &Table, put: &PutValue, now: Timestamp) -> Result<ValueWritten> {
    for _ in 0..ROUNDS_MAX {
        let done = put_over(table, put, Expression::default(), now).await?;
        if matches!(done, ValueWritten::Done(_)) {
            return Ok(done);
        }
        let done = put_first(table, put, now).await?;
        if matches!(done, ValueWritten::Done(_)) {
            return Ok(done);
        }
    }
    Err(StoreError::unavailable(&table.name, ACTION, "others put and remove it all the time"))
}

/// Puts a first version where nothing is.
async fn put_first(table: &Table, put: &PutValue, now: Timestamp) -> Result<ValueWritten> {
    let expression = Expression::default()
        .must("attribute_not_exists(#pk) OR #keep <= :now")
        .with("now", item::millis(now));
    let mut item = Key::value(&put.key).attributes();
    let given = attributes(put, now).into_iter();
    item.extend(given.filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item.insert("version".to_owned(), item::number(1));
    let outcome = table.put(ACTION, item, &expression).await?;
    written(table, outcome, Some(1), now)
}

/// Puts the next version over one that is there and meets the condition.
async fn put_over(
    table: &Table,
    put: &PutValue,
    condition: Expression,
    now: Timestamp,
) -> Result<ValueWritten> {
    let expression = condition
        .must("#keep > :now")
        .with("now", item::millis(now))
        .increment("version")
        .set_all(attributes(put, now));
    let key = Key::value(&put.key);
    let outcome = table.update(ACTION, &key, &expression, ReturnValue::UpdatedNew).await?;
    written(table, outcome, None, now)
}

fn written(
    table: &Table,
    outcome: Outcome,
    version: Option<u64>,
    now: Timestamp,
) -> Result<ValueWritten> {
    match outcome {
        Outcome::Done(new) => {
            let version = version.or_else(|| item::get_number(&new, "version"));
            let damaged = || StoreError::unavailable(&table.name, ACTION, Damaged("version"));
            Ok(ValueWritten::Done(version.ok_or_else(damaged)?))
        }
        Outcome::Refused(item) => {
            let value = item.and_then(|item| there(table, &item, now)).transpose()?;
            Ok(ValueWritten::Conflict(value))
        }
    }
}

fn attributes(put: &PutValue, now: Timestamp) -> Attributes {
    let keep = put.keep.at(now);
    vec![
        ("mark", Some(item::number(put.mark))),
        ("text", Some(item::text(&put.text))),
        ("keep", Some(item::millis(keep))),
        ("ttl", Some(item::number(item::ttl(keep, now)))),
    ]
}

/// The value of an item, unless its time is over.
fn there(table: &Table, item: &Item, now: Timestamp) -> Option<Result<Value>> {
    let unavailable = |error| StoreError::unavailable(&table.name, "read a value", error);
    item::is_there(item, now).then(|| value(item).map_err(unavailable))
}

fn value(item: &Item) -> std::result::Result<Value, Damaged> {
    let key = item::get_text(item, SK).and_then(|sk| sk.strip_prefix('='));
    let number = |name| item::get_number(item, name).ok_or(Damaged(name));
    Ok(Value {
        key: key.ok_or(Damaged(SK))?.to_owned(),
        version: number("version")?,
        mark: number("mark")?,
        text: item::get_text(item, "text").ok_or(Damaged("text"))?.to_owned(),
        keep: item::get_time(item, "keep").ok_or(Damaged("keep"))?,
    })
}
