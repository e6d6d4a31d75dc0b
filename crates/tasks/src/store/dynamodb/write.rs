//! Writing a record: parts first, then the record under its condition.

use aws_sdk_dynamodb::types::ReturnValue;
use longshore_types::Timestamp;

use super::expression::Expression;
use super::item::{self, Attributes};
use super::key::Key;
use super::parts::{self, Parts, Which};
use super::record;
use super::table::{Outcome, Table};
use crate::store::{Result, Write, Written};

const ACTION: &str = "write a task record";

/// A write whose parts are written.
struct Prepared<'a> {
    write: &'a Write,
    now: Timestamp,
    /// When the record is removed, in seconds.
    ttl: u64,
    attributes: Attributes,
}

/// Writes a row if the version that it expects is there.
pub(super) async fn write(table: &Table, write: Write, now: Timestamp) -> Result<Written> {
    let prepared = prepare(table, &write, now).await?;
    let outcome = match write.expected {
        None => prepared.put(table).await?,
        Some(expected) => prepared.update(table, expected).await?,
    };
    let there = match outcome {
        Outcome::Done(_) => return Ok(Written::Done),
        Outcome::Refused(there) => there.filter(|item| item::is_there(item, now)),
    };
    let row = record::rows(table, there.into_iter().collect()).await?.pop();
    Ok(Written::Conflict(row.map(Box::new)))
}

/// Writes the parts of both texts, and says what the record is to have.
async fn prepare<'a>(table: &Table, write: &'a Write, now: Timestamp) -> Result<Prepared<'a>> {
    let (id, mark) = (write.id.as_str(), write.mark);
    let ttl = item::ttl(write.life.keep.at(now), now);
    let life = parts::put(table, id, mark, (Which::Life, &write.life.text), ttl).await?;
    let mut attributes = record::life_attributes(&write.life, life, now);
    attributes.push(("version", Some(item::number(write.version()))));
    attributes.push(("mark", Some(item::number(mark))));
    let nothing = write.expected.is_none().then(Default::default);
    if let Some(asked) = write.asked.as_ref().or(nothing.as_ref()) {
        let asked_ttl = parts::asked_ttl(ttl);
        let parts = parts::put(table, id, mark, (Which::Asked, &asked.text), asked_ttl).await?;
        attributes.extend(record::asked_attributes(&write.id, asked, parts, asked_ttl));
    }
    Ok(Prepared { write, now, ttl, attributes })
}

impl Prepared<'_> {
    fn key(&self) -> Key {
        Key::task(self.write.id.as_str())
    }

    /// Puts a first version where nothing is.
    async fn put(self, table: &Table) -> Result<Outcome> {
        let expression = Expression::default()
            .must("attribute_not_exists(#pk) OR #keep <= :now")
            .with("now", item::millis(self.now));
        let mut item = self.key().attributes();
        let given = self.attributes.into_iter();
        item.extend(given.filter_map(|(name, value)| Some((name.to_owned(), value?))));
        table.put(ACTION, item, &expression).await
    }

    /// Writes over the version that is expected; renews the parts of what was asked before, if
    /// they would go before the record.
    async fn update(self, table: &Table, expected: u64) -> Result<Outcome> {
        let expression = self.over(expected).set_all(self.attributes.clone());
        if self.write.asked.is_some() {
            return table.update(ACTION, &self.key(), &expression, ReturnValue::None).await;
        }
        let kept = "attribute_not_exists(#asked_ttl) OR #asked_ttl >= :ttl";
        let expression = expression.must(kept).with("ttl", item::number(self.ttl));
        let outcome = table.update(ACTION, &self.key(), &expression, ReturnValue::None).await?;
        match self.short_parts(&outcome, expected) {
            Some(parts) => self.update_with_renewal(table, expected, parts).await,
            None => Ok(outcome),
        }
    }

    async fn update_with_renewal(
        self,
        table: &Table,
        expected: u64,
        parts: Parts,
    ) -> Result<Outcome> {
        let ttl = parts::asked_ttl(self.ttl);
        parts::renew(table, self.write.id.as_str(), parts, ttl).await?;
        let mut attributes = self.attributes.clone();
        attributes.push(("asked_ttl", Some(item::number(ttl))));
        let expression = self.over(expected).set_all(attributes);
        table.update(ACTION, &self.key(), &expression, ReturnValue::None).await
    }

    /// The condition that the expected version is there.
    fn over(&self, expected: u64) -> Expression {
        Expression::default()
            .must("#version = :expected AND #keep > :now")
            .with("expected", item::number(expected))
            .with("now", item::millis(self.now))
    }

    /// The parts of what was asked, if it was they that the write was refused for.
    fn short_parts(&self, outcome: &Outcome, expected: u64) -> Option<Parts> {
        let Outcome::Refused(Some(there)) = outcome else { return None };
        let as_expected = item::get_number(there, "version") == Some(expected);
        let refused_for_them = as_expected && item::is_there(there, self.now);
        Parts::of(there, Which::Asked).filter(|_| refused_for_them)
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::Item;
    use super::*;
    use crate::id::TaskId;
    use crate::life::{Standing, Survives, When};
    use crate::store::LifeRow;

    fn prepared(write: &Write) -> Prepared<'_> {
        Prepared { write, now: Timestamp::from_millis(5), ttl: 1, attributes: Vec::new() }
    }

    #[test]
    fn parts_are_renewed_only_where_the_expected_version_stands() {
        let keep = When::At(Timestamp::from_millis(10));
        let standing = Standing::Pending;
        let life = LifeRow { text: String::new(), standing, until: None, wake: None, keep };
        let id = TaskId::parse("a").unwrap();
        let write = Write {
            id,
            expected: Some(3),
            mark: 1,
            asked: None,
            life,
            survives: Survives::PowerCut,
        };
        let there = |version, keep| {
            let item = Item::from([
                ("version".to_owned(), item::number(version)),
                ("keep".to_owned(), item::number(keep)),
                ("asked_parts".to_owned(), item::text("1f.2")),
            ]);
            prepared(&write).short_parts(&Outcome::Refused(Some(item)), 3).is_some()
        };
        assert_eq!([there(3, 6), there(4, 6), there(3, 5)], [true, false, false]);
    }
}
