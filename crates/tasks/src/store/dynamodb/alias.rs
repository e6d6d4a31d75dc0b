//! Which task a `MessageId` stands for: an item of its own, which never moves a record's version.

use aws_sdk_dynamodb::types::ReturnValue;
use futures::{StreamExt as _, TryStreamExt as _};
use longshore_types::Timestamp;

use super::expression::Expression;
use super::item;
use super::key::Key;
use super::read;
use super::table::{CONCURRENT, Table};
use crate::store::{Alias, Result, Row};

const ACTION: &str = "note message ids";

/// Notes the aliases, and answers the rows that stand under the `MessageId`s themselves.
pub(super) async fn alias(
    table: &Table,
    aliases: &[Alias],
    now: Timestamp,
) -> Result<Vec<Option<Row>>> {
    let notes: Vec<_> = aliases.iter().map(|alias| note(table, alias, now)).collect();
    let notes = futures::stream::iter(notes).buffer_unordered(CONCURRENT);
    notes.try_for_each(|()| async { Ok(()) }).await?;
    // Looked for after the alias is there: a reply that comes from now on finds the alias.
    let ids: Vec<String> = aliases.iter().map(|alias| alias.message_id.to_string()).collect();
    let early = read::read_tasks(table, ACTION, &ids, now).await?;
    Ok(ids.iter().map(|id| early.get(id).cloned()).collect())
}

async fn note(table: &Table, alias: &Alias, now: Timestamp) -> Result<()> {
    let keep = alias.keep.at(now);
    let mut item = Key::alias(alias.message_id.as_str()).attributes();
    item.insert("id".to_owned(), item::text(alias.id.as_str()));
    item.insert("keep".to_owned(), item::millis(keep));
    item.insert("ttl".to_owned(), item::number(item::ttl(keep, now)));
    table.put(ACTION, item, &Expression::default()).await?;
    // The record may not be there yet, or no more.
    let message_id = vec![("message_id", Some(item::text(alias.message_id.as_str())))];
    let expression = Expression::default().must("attribute_exists(#pk)").set_all(message_id);
    let key = Key::task(alias.id.as_str());
    table.update(ACTION, &key, &expression, ReturnValue::None).await.map(drop)
}
