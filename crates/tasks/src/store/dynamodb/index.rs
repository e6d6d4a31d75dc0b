//! Lists, and what is due: candidates from an index, then the records themselves.
//!
//! An index of `DynamoDB` follows its table some time later, mostly within a second. So each candidate
//! is read again from the table, consistently, and left out if it does not fit any more. What was
//! written a moment ago may be missing from a list, and a wake may be found a moment late.
//!
//! Both indexes are spread over buckets, each of which is asked; the answers are merged. So asking
//! what is due costs 8 read units where nothing is. A list with conditions reads the entries of an
//! index from the latest on until it has enough that fit: all of them, if few fit.

use std::cmp::Reverse;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_types::Timestamp;

use super::create::{DUE, LIST};
use super::expression::Expression;
use super::item::{self, Item};
use super::key::{INDEX_BUCKETS, PK};
use super::table::{CONCURRENT, Table};
use super::{read, record};
use crate::store::{ListQuery, Page, Place, Result, Row};

const LIST_ACTION: &str = "list tasks";
const DUE_ACTION: &str = "find what is due";
/// Index entries that a query reads at once where most of them may not fit.
const FILTERED_PAGE: usize = 1000;

/// Rows by what was asked and how they stand, the latest first.
pub(super) async fn list(table: &Table, query: &ListQuery, now: Timestamp) -> Result<Page> {
    let one_more = query.count_max.saturating_add(1);
    let conditions = conditions(query, now);
    let page = if is_filtered(query) { one_more.max(FILTERED_PAGE) } else { one_more };
    let asked = |bucket| {
        let expression = bucket_of(list_range(query), bucket);
        let query = entries(table, LIST, &expression, &conditions).scan_index_forward(false);
        table.query(LIST_ACTION, query.limit(limit(page)), one_more)
    };
    let mut places: Vec<Place> = merged(asked).await?.iter().filter_map(record::place).collect();
    places.sort_by(|one, other| other.cmp(one));
    let more = places.len() > query.count_max;
    places.truncate(query.count_max);
    let next = places.last().filter(|_| more).map(Place::to_cursor);
    let ids: Vec<String> = places.into_iter().map(|place| place.id).collect();
    let rows = read::read_tasks(table, LIST_ACTION, &ids, now).await?;
    let mut rows: Vec<Row> = rows.into_values().filter(|row| query.matches(row)).collect();
    rows.sort_by_key(|row| Reverse(Place::of(row)));
    Ok(Page { rows, next })
}

/// Whether a query wants only some rows.
fn is_filtered(query: &ListQuery) -> bool {
    let ListQuery { standings, name, queue, key, tag, after: _, count_max: _ } = query;
    let texts = [name, queue, key, tag];
    !standings.is_empty() || texts.iter().any(|wanted| wanted.is_some())
}

/// Rows whose time to wake has come, the earliest first.
pub(super) async fn due(table: &Table, count_max: usize, now: Timestamp) -> Result<Vec<Row>> {
    let there = Expression::default().must("#keep > :now").with("now", item::millis(now));
    let asked = |bucket| {
        let range = Expression::default().must("#wake <= :until").with("until", item::millis(now));
        let query = entries(table, DUE, &bucket_of(range, bucket), &there);
        table.query(DUE_ACTION, query.limit(limit(count_max)), count_max)
    };
    let mut entries = merged(asked).await?;
    entries.sort_by_key(|entry| item::get_number(entry, "wake"));
    entries.truncate(count_max);
    let id = |entry: &Item| item::get_text(entry, PK).map(str::to_owned);
    let ids: Vec<String> = entries.iter().filter_map(id).collect();
    let rows = read::read_tasks(table, DUE_ACTION, &ids, now).await?;
    let is_due = |row: &Row| row.life.wake.is_some_and(|wake| wake <= now);
    let mut rows: Vec<Row> = rows.into_values().filter(is_due).collect();
    rows.sort_by_key(|row| row.life.wake);
    Ok(rows)
}

/// What all buckets answer.
async fn merged<F>(asked: impl Fn(u64) -> F) -> Result<Vec<Item>>
where
    F: Future<Output = Result<Vec<Item>>>,
{
    let asked: Vec<F> = (0..INDEX_BUCKETS).map(asked).collect();
    let answers = futures::stream::iter(asked).buffer_unordered(CONCURRENT);
    Ok(answers.try_collect::<Vec<_>>().await?.concat())
}

/// A query of the entries of an index: `range` says which are read, `conditions` which of them are
/// answered.
fn entries(
    table: &Table,
    index: &str,
    range: &Expression,
    conditions: &Expression,
) -> QueryFluentBuilder {
    let names = range.names().into_iter().chain(conditions.names()).flatten();
    let values = range.values().into_iter().chain(conditions.values()).flatten();
    let request = table.client.query().index_name(index);
    request
        .set_key_condition_expression(range.condition())
        .set_filter_expression(conditions.condition())
        .set_expression_attribute_names(Some(names.collect()))
        .set_expression_attribute_values(Some(values.collect()))
}

fn bucket_of(range: Expression, bucket: u64) -> Expression {
    range.must("#bucket = :bucket").with("bucket", item::number(bucket))
}

fn list_range(query: &ListQuery) -> Expression {
    match query.after.as_deref().and_then(Place::parse) {
        None => Expression::default(),
        Some(after) => Expression::default()
            .must("#place < :after")
            .with("after", item::text(record::sortable(&after))),
    }
}

/// The conditions of a list, over what the index holds.
fn conditions(query: &ListQuery, now: Timestamp) -> Expression {
    let expression = Expression::default().must("#keep > :now").with("now", item::millis(now));
    let mut expression = standings(expression, query);
    let ListQuery { name, queue, key, tag, .. } = query;
    for (wanted, condition, value) in [
        (name, "#name = :name", "name"),
        (queue, "#queue = :queue", "queue"),
        (key, "#key = :key", "key"),
        (tag, "contains(#tags, :tag)", "tag"),
    ] {
        if let Some(wanted) = wanted {
            expression = expression.must(condition).with(value, item::text(wanted));
        }
    }
    expression
}

fn standings(mut expression: Expression, query: &ListQuery) -> Expression {
    let mut names = Vec::new();
    for standing in &query.standings {
        let name = format!("standing_{}", standing.as_str());
        names.push(format!(":{name}"));
        expression = expression.with(&name, AttributeValue::S(standing.as_str().to_owned()));
    }
    if names.is_empty() {
        return expression;
    }
    expression.must(&format!("#standing IN ({})", names.join(", ")))
}

fn limit(count: usize) -> i32 {
    i32::try_from(count.max(1)).unwrap_or(i32::MAX)
}
