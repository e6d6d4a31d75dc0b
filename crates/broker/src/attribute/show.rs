//! What `GetQueueAttributes` answers.

use std::collections::BTreeSet;

use longshore_engine::{Counts, QueueEntry, QueueKind};
use longshore_types::attribute::Access;
use longshore_types::{AttributeName, Timestamp};
use longshore_wire::SqsError;

use super::{Attributes, KEY_REUSE_PERIOD, default_text};

/// What is shown of a queue beside what it is set to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) counts: Counts,
    /// By the wall clock.
    pub(crate) created_at: Timestamp,
    /// By the wall clock.
    pub(crate) modified_at: Timestamp,
}

/// The attributes that a request names of a queue of that kind; `All` stands for every one.
pub(crate) fn wanted(
    names: &[String],
    kind: QueueKind,
) -> Result<BTreeSet<AttributeName>, SqsError> {
    let applies =
        |name: &AttributeName| name.access() != Access::FifoOnly || kind == QueueKind::Fifo;
    let mut wanted = BTreeSet::new();
    for name in names {
        if name == "All" {
            wanted.extend(AttributeName::ALL.iter().filter(|name| applies(name)));
            continue;
        }
        let parsed = AttributeName::parse(name).filter(applies);
        wanted.insert(parsed.ok_or_else(|| SqsError::unknown_attribute(name))?);
    }
    Ok(wanted)
}

/// The values of a queue's attributes. What is not set and has no default is left out.
pub(crate) fn show(
    entry: &QueueEntry,
    facts: &Facts,
    wanted: &BTreeSet<AttributeName>,
) -> Attributes {
    let value = |name: &AttributeName| Some((*name, value_of(entry, facts, *name)?));
    wanted.iter().filter_map(value).collect()
}

fn value_of(entry: &QueueEntry, facts: &Facts, name: AttributeName) -> Option<String> {
    if name == AttributeName::KmsDataKeyReusePeriodSeconds {
        return reuse_period(entry).map(ToOwned::to_owned);
    }
    computed(entry, facts, name)
        .or_else(|| entry.attributes.get(&name).cloned())
        .or_else(|| default_text(name).map(ToOwned::to_owned))
}

/// SQS shows for how long a queue reuses data keys only while it has a KMS key to make them with.
fn reuse_period(entry: &QueueEntry) -> Option<&str> {
    entry.attributes.get(&AttributeName::KmsMasterKeyId)?;
    let set = entry.attributes.get(&AttributeName::KmsDataKeyReusePeriodSeconds);
    Some(set.map_or(KEY_REUSE_PERIOD, String::as_str))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other attributes are set, not computed")]
fn computed(entry: &QueueEntry, facts: &Facts, name: AttributeName) -> Option<String> {
    let value = match name {
        AttributeName::ApproximateNumberOfMessages => facts.counts.available.to_string(),
        AttributeName::ApproximateNumberOfMessagesNotVisible => facts.counts.in_flight.to_string(),
        AttributeName::ApproximateNumberOfMessagesDelayed => facts.counts.delayed.to_string(),
        AttributeName::CreatedTimestamp => facts.created_at.as_secs().to_string(),
        AttributeName::LastModifiedTimestamp => facts.modified_at.as_secs().to_string(),
        AttributeName::QueueArn => entry.arn.to_string(),
        _ => return None,
    };
    Some(value)
}
