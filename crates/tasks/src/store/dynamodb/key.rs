//! What the items of the table are found by.
//!
//! ```text
//! pk                sk                            what
//! <task id>         task                          a record
//! <task id>         part.<mark>.<text>.<number>   a part of a text that is too long for its record
//! <message id>      alias                         which task a MessageId stands for
//! values.<bucket>   =<key>                        a value
//! longshore         format                        the format of them all
//! ```
//!
//! No task id has a point or is `longshore` with the sort key `format`, so that nothing meets.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// The name of the hash key.
pub(super) const PK: &str = "pk";
/// The name of the sort key.
pub(super) const SK: &str = "sk";
/// Hash keys over which each index spreads its records: a single one takes 1,000 writes a second.
pub(super) const INDEX_BUCKETS: u64 = 16;
/// Hash keys over which values are spread. Fewer, for a list of values asks for each of them.
pub(super) const VALUE_BUCKETS: u64 = 4;

/// An item's key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    /// A task's record.
    pub(super) fn task(id: &str) -> Self {
        Self::new(id, "task")
    }

    /// What a `MessageId` stands for.
    pub(super) fn alias(message_id: &str) -> Self {
        Self::new(message_id, "alias")
    }

    /// A part of a text of a record, as the write with that mark put it.
    pub(super) fn part(id: &str, mark: u64, text: &str, number: usize) -> Self {
        Self::new(id, format!("part.{mark:016x}.{text}.{number:03}"))
    }

    /// A value.
    pub(super) fn value(key: &str) -> Self {
        Self::new(value_pk(bucket(key, VALUE_BUCKETS)), value_sk(key))
    }

    /// The format of all items.
    pub(super) fn format() -> Self {
        Self::new("longshore", "format")
    }

    /// The key as attributes.
    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        let text = |text: &String| AttributeValue::S(text.clone());
        [(PK.to_owned(), text(&self.pk)), (SK.to_owned(), text(&self.sk))].into()
    }
}

/// The hash key of a bucket of values.
pub(super) fn value_pk(bucket: u64) -> String {
    format!("values.{bucket}")
}

/// The sort key of a value, or the beginning of those whose keys begin so. Never empty, which no
/// sort key may be.
pub(super) fn value_sk(key: &str) -> String {
    format!("={key}")
}

/// The bucket of an id or a key, the same in every version (FNV-1a).
pub(super) fn bucket(text: &str, count: u64) -> u64 {
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix) % count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_spread_over_all_buckets_in_the_same_way_always() {
        assert_eq!([bucket("", 16), bucket("a", 16), bucket("foobar", 16)], [5, 12, 8]);
        let mut counts = [0; 16];
        for number in 0..1600 {
            counts[usize::try_from(bucket(&format!("id-{number}"), 16)).unwrap()] += 1;
        }
        assert!(counts.iter().all(|count| (50..200).contains(count)), "{counts:?}");
    }
}
