//! Attributes of items: written from plain values, and read back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use longshore_types::Timestamp;
use thiserror::Error;

/// An item of the table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Attributes to write; one without a value is taken away.
pub(super) type Attributes = Vec<(&'static str, Option<AttributeValue>)>;

/// An item that this version cannot read.
#[derive(Clone, Copy, Debug, Error)]
#[error("its attribute `{0}` is missing, or is not what this version writes")]
pub(super) struct Damaged(pub(super) &'static str);

pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn millis(time: Timestamp) -> AttributeValue {
    number(time.as_millis())
}

/// When `DynamoDB` removes an item, in seconds: never before `keep`. What was over long ago it would
/// leave alone (five years), so a time that has passed counts as now.
pub(super) fn ttl(keep: Timestamp, now: Timestamp) -> u64 {
    keep.max(now).as_millis().div_ceil(1000)
}

pub(super) fn get_text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

pub(super) fn get_number(item: &Item, name: &str) -> Option<u64> {
    item.get(name).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok())
}

pub(super) fn get_time(item: &Item, name: &str) -> Option<Timestamp> {
    get_number(item, name).map(Timestamp::from_millis)
}

pub(super) fn get_texts(item: &Item, name: &str) -> Option<Vec<String>> {
    let list = item.get(name)?.as_l().ok()?;
    list.iter().map(|value| value.as_s().ok().cloned()).collect()
}

/// Whether an item is there at `now`: `DynamoDB` removes it hours or days later than it should.
pub(super) fn is_there(item: &Item, now: Timestamp) -> bool {
    get_time(item, "keep").is_some_and(|keep| keep > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_removed_in_the_second_after_its_time_and_never_before() {
        let at = Timestamp::from_millis;
        assert_eq!(ttl(at(10_000), at(1)), 10);
        assert_eq!(ttl(at(10_001), at(1)), 11);
        assert_eq!(ttl(at(0), at(9_500)), 10);
    }
}
