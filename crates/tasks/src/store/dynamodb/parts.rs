//! Texts that are too long for their record, in items of their own.
//!
//! An item holds 400 KB. So a text of more than 160 KiB is cut into parts, which are written before
//! the record that names them; both texts of a record and all that it is found by fit into the rest.
//! A part's key has the mark of its write, so that two writers never mix theirs. Parts that no
//! record names any more, or never did, expire.
//!
//! What was asked is not written again with each version, but its record may be kept for longer
//! than it was at first. So the record notes until when these parts are kept (`asked_ttl`), and a
//! write that needs them for longer is refused by its condition until they are renewed.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::ReturnValue;
use futures::{StreamExt as _, TryStreamExt as _};

use super::expression::Expression;
use super::item::{self, Item};
use super::key::Key;
use super::table::{CONCURRENT, Table};
use crate::store::Result;

/// Bytes of a text in its record.
const INLINE_MAX: usize = 160 * 1024;
/// Bytes of a part.
const PART_MAX: usize = 350 * 1024;
/// How much longer the parts of what was asked are kept than their record at first, in seconds: a
/// few more sends do not renew them.
const SLACK: u64 = 7 * 24 * 60 * 60;

/// Which text of a record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Asked,
    Life,
}

impl Which {
    /// The attribute of the text itself.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Life => "life",
        }
    }

    /// The attribute that names its parts instead.
    pub(super) fn parts(self) -> &'static str {
        match self {
            Self::Asked => "asked_parts",
            Self::Life => "life_parts",
        }
    }
}

/// The parts of a text, as a record names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    mark: u64,
    count: usize,
}

impl Parts {
    /// The parts that a record names.
    pub(super) fn of(item: &Item, which: Which) -> Option<Self> {
        let (mark, count) = item::get_text(item, which.parts())?.split_once('.')?;
        Some(Self { mark: u64::from_str_radix(mark, 16).ok()?, count: count.parse().ok()? })
    }

    /// How a record names them.
    pub(super) fn to_text(self) -> String {
        format!("{:x}.{}", self.mark, self.count)
    }

    fn keys(self, id: &str, which: Which) -> impl Iterator<Item = Key> {
        (0..self.count).map(move |number| Key::part(id, self.mark, which.text(), number))
    }
}

/// Until when, in seconds, the parts of what was asked are kept for a record that is kept until
/// `ttl`.
pub(super) fn asked_ttl(ttl: u64) -> u64 {
    ttl.saturating_add(SLACK)
}

/// Cuts a text that is too long for its record.
fn cut(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = if text.len() > INLINE_MAX { text } else { "" };
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART_MAX));
        parts.push(part);
        rest = after;
    }
    parts
}

/// Writes the parts of a text, kept until `ttl`, if it needs any.
pub(super) async fn put(
    table: &Table,
    id: &str,
    mark: u64,
    (which, text): (Which, &str),
    ttl: u64,
) -> Result<Option<Parts>> {
    let parts = cut(text);
    let put_part = |(number, part): (usize, &&str)| {
        let mut item = Key::part(id, mark, which.text(), number).attributes();
        item.insert("text".to_owned(), item::text(*part));
        item.insert("ttl".to_owned(), item::number(ttl));
        async move { table.put("write a part of a record", item, &Expression::default()).await }
    };
    let writes: Vec<_> = parts.iter().enumerate().map(put_part).collect();
    let writes = futures::stream::iter(writes).buffer_unordered(CONCURRENT);
    writes.try_for_each(|_| async { Ok(()) }).await?;
    Ok((!parts.is_empty()).then_some(Parts { mark, count: parts.len() }))
}

/// Keeps the parts of what was asked until `ttl`. One that is gone stays gone.
pub(super) async fn renew(table: &Table, id: &str, parts: Parts, ttl: u64) -> Result<()> {
    let renew_part = |key: Key| async move {
        let ttl = vec![("ttl", Some(item::number(ttl)))];
        let expression = Expression::default().must("attribute_exists(#pk)").set_all(ttl);
        table.update("renew a part of a record", &key, &expression, ReturnValue::None).await
    };
    let writes: Vec<_> = parts.keys(id, Which::Asked).map(renew_part).collect();
    let writes = futures::stream::iter(writes).buffer_unordered(CONCURRENT);
    writes.try_for_each(|_| async { Ok(()) }).await
}

/// The parts of both texts of all these records.
pub(super) async fn get(table: &Table, records: &[Item]) -> Result<HashMap<Key, Item>> {
    let mut keys = BTreeSet::new();
    for record in records {
        let id = item::get_text(record, super::key::PK).unwrap_or_default();
        for which in [Which::Asked, Which::Life] {
            keys.extend(Parts::of(record, which).into_iter().flat_map(|it| it.keys(id, which)));
        }
    }
    table.get("read parts of records", keys).await
}

/// A text of a record, put together. One whose part is missing is empty, which is no record: its
/// task is left alone, and all others are read.
pub(super) fn text_of(record: &Item, which: Which, parts: &HashMap<Key, Item>) -> String {
    let id = item::get_text(record, super::key::PK).unwrap_or_default();
    let Some(named) = Parts::of(record, which) else {
        return item::get_text(record, which.text()).unwrap_or_default().to_owned();
    };
    let part = |key: Key| parts.get(&key).and_then(|part| item::get_text(part, "text"));
    named.keys(id, which).map(part).collect::<Option<Vec<&str>>>().unwrap_or_default().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_letters_and_a_short_one_is_not() {
        assert!(cut("").is_empty() && cut(&"x".repeat(INLINE_MAX)).is_empty());
        let text = format!("x{}", "é".repeat(PART_MAX));
        let parts = cut(&text);
        assert_eq!(parts.len(), 3);
        assert!(parts.iter().all(|part| part.len() <= PART_MAX));
        assert_eq!(parts.concat(), text);
    }

    #[test]
    fn a_record_names_its_parts() {
        let parts = Parts { mark: u64::MAX, count: 4 };
        let item = Item::from([("life_parts".to_owned(), item::text(parts.to_text()))]);
        assert_eq!(Parts::of(&item, Which::Life), Some(parts));
        assert_eq!(Parts::of(&item, Which::Asked), None);
    }
}
