//! A row as an item, and back.

use std::collections::HashMap;

use longshore_types::Timestamp;

use super::item::{self, Attributes, Damaged, Item};
use super::key::{self, INDEX_BUCKETS, Key};
use super::parts::{self, Parts, Which};
use super::table::Table;
use crate::id::TaskId;
use crate::life::{Standing, When};
use crate::store::{AskedRow, LifeRow, Place, Result, Row, StoreError};

/// The texts of a record, or what names their parts.
fn text_attributes(which: Which, text: &str, parts: Option<Parts>) -> Attributes {
    let whole = parts.is_none().then(|| item::text(text));
    let named = parts.map(|parts| item::text(parts.to_text()));
    vec![(which.text(), whole), (which.parts(), named)]
}

/// What was asked; its parts are kept until `ttl`.
pub(super) fn asked_attributes(
    id: &TaskId,
    asked: &AskedRow,
    parts: Option<Parts>,
    ttl: u64,
) -> Attributes {
    let place = Place { created_at: asked.created_at, id: id.to_string() };
    let tags = asked.tags.iter().map(item::text).collect();
    let mut attributes = text_attributes(Which::Asked, &asked.text, parts);
    attributes.extend([
        ("asked_ttl", parts.map(|_| item::number(ttl))),
        ("name", asked.name.as_ref().map(item::text)),
        ("queue", Some(item::text(&asked.queue))),
        ("key", asked.key.as_ref().map(item::text)),
        ("tags", Some(aws_sdk_dynamodb::types::AttributeValue::L(tags))),
        ("created_at", Some(item::millis(asked.created_at))),
        ("bucket", Some(item::number(key::bucket(id.as_str(), INDEX_BUCKETS)))),
        ("place", Some(item::text(sortable(&place)))),
    ]);
    attributes
}

/// How the task lives, written at `now`.
pub(super) fn life_attributes(
    life: &LifeRow<When>,
    parts: Option<Parts>,
    now: Timestamp,
) -> Attributes {
    let at = |when: When| when.at(now);
    let keep = at(life.keep);
    let mut attributes = text_attributes(Which::Life, &life.text, parts);
    attributes.extend([
        ("standing", Some(item::text(life.standing.as_str()))),
        ("until", life.until.map(at).map(item::millis)),
        ("wake", life.wake.map(at).map(item::millis)),
        ("keep", Some(item::millis(keep))),
        ("ttl", Some(item::number(item::ttl(keep, now)))),
    ]);
    attributes
}

/// A place as the sort key of the index `list`: as text in the order of places.
pub(super) fn sortable(place: &Place) -> String {
    format!("{:020}.{}", place.created_at.as_millis(), place.id)
}

/// A place from the sort key of the index `list`.
pub(super) fn place(item: &Item) -> Option<Place> {
    Place::parse(item::get_text(item, "place")?)
}

/// The rows of items that are records, with the parts of their texts. One that this version cannot
/// read is there, and fails alone.
pub(super) async fn rows(table: &Table, items: Vec<Item>) -> Result<Vec<Row>> {
    let parts = parts::get(table, &items).await?;
    items.iter().map(|item| row(table, item, &parts)).collect()
}

fn row(table: &Table, item: &Item, parts: &HashMap<Key, Item>) -> Result<Row> {
    let id = item::get_text(item, key::PK).and_then(|id| TaskId::parse(id).ok());
    let Some(id) = id else {
        return Err(StoreError::unavailable(&table.name, "read a record", Damaged(key::PK)));
    };
    Ok(readable(&id, item, parts))
}

fn readable(id: &TaskId, item: &Item, parts: &HashMap<Key, Item>) -> Row {
    let texts = |which| parts::text_of(item, which, parts);
    let read = asked(item, texts(Which::Asked)).and_then(|asked| {
        let life = life(item, texts(Which::Life))?;
        let number = |name| item::get_number(item, name).ok_or(Damaged(name));
        let message_id = item::get_text(item, "message_id").map(str::to_owned);
        let (version, mark) = (number("version")?, number("mark")?);
        Ok(Row { id: id.clone(), version, mark, message_id, asked, life })
    });
    let version = item::get_number(item, "version").unwrap_or_default();
    read.unwrap_or_else(|error| Row::unreadable(id.clone(), version, &error.to_string()))
}

fn asked(item: &Item, text: String) -> std::result::Result<AskedRow, Damaged> {
    let owned = |name| item::get_text(item, name).map(str::to_owned);
    Ok(AskedRow {
        text,
        name: owned("name"),
        queue: owned("queue").ok_or(Damaged("queue"))?,
        key: owned("key"),
        tags: item::get_texts(item, "tags").ok_or(Damaged("tags"))?,
        created_at: item::get_time(item, "created_at").ok_or(Damaged("created_at"))?,
    })
}

fn life(item: &Item, text: String) -> std::result::Result<LifeRow<Timestamp>, Damaged> {
    let standing = item::get_text(item, "standing").and_then(Standing::parse);
    Ok(LifeRow {
        text,
        standing: standing.ok_or(Damaged("standing"))?,
        until: item::get_time(item, "until"),
        wake: item::get_time(item, "wake"),
        keep: item::get_time(item, "keep").ok_or(Damaged("keep"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_texts_and_are_read_back() {
        let at = |millis, id: &str| Place {
            created_at: Timestamp::from_millis(millis),
            id: id.to_owned(),
        };
        let mut places = [at(10, "a"), at(9, "z"), at(u64::MAX, "-"), at(10, "-a"), at(10, "A")];
        places.sort();
        let texts: Vec<String> = places.iter().map(sortable).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        for (place_before, text) in places.iter().zip(texts) {
            let item = Item::from([("place".to_owned(), item::text(text))]);
            assert_eq!(place(&item).as_ref(), Some(place_before));
        }
    }

    #[test]
    fn an_item_of_a_later_version_stands_for_a_row_that_fails_alone() {
        let item = Item::from([("version".to_owned(), item::number(3))]);
        let row = readable(&TaskId::parse("t").unwrap(), &item, &HashMap::new());
        assert_eq!(row.version, 3);
        assert!(crate::life::life_from_text(&row.life.text).is_err());
    }
}
