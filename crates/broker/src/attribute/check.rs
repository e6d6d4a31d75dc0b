//! Checks the attributes of a create or set request, all before any is set.

use std::collections::BTreeMap;

use longshore_engine::QueueKind;
use longshore_types::AttributeName;
use longshore_types::attribute::Access;
use longshore_wire::SqsError;

use super::{
    Attributes, access_policy, encryption, fifo, number, redrive_allow_policy, redrive_policy,
};

/// Attributes that a request sets; `None` removes one.
pub(crate) type Checked = BTreeMap<AttributeName, Option<String>>;

/// Checks attributes of a queue of that kind that has `present`, and normalises their values.
///
/// # Errors
///
/// Those of [`check_each`]; `InvalidAttributeName` or `InvalidAttributeValue` for attributes that
/// contradict each other or what is present.
pub(crate) fn check(
    sent: &BTreeMap<String, String>,
    present: &Attributes,
    kind: QueueKind,
) -> Result<Checked, SqsError> {
    let mut checked = check_each(sent, kind)?;
    encryption::settle(&mut checked, present)?;
    fifo::settle(&checked, present)?;
    Ok(checked)
}

/// Checks attributes of a queue of that kind one by one, and normalises their values.
///
/// # Errors
///
/// `InvalidAttributeName` for a name that is unknown, read-only, or not of that kind of queue;
/// `InvalidAttributeValue` for a value out of range; `InvalidParameterValue` for a redrive policy
/// or a redrive allow policy that is not one; `OverLimit` for an access policy that says too much.
pub(crate) fn check_each(
    sent: &BTreeMap<String, String>,
    kind: QueueKind,
) -> Result<Checked, SqsError> {
    let mut checked = Checked::new();
    for (name, value) in sent {
        let name = settable(name, kind)?;
        checked.insert(name, check_value(name, value)?);
    }
    Ok(checked)
}

fn settable(name: &str, kind: QueueKind) -> Result<AttributeName, SqsError> {
    let parsed = AttributeName::parse(name).ok_or_else(|| SqsError::unknown_attribute(name))?;
    match (parsed.access(), kind) {
        (Access::Settable, _) | (Access::FifoOnly, QueueKind::Fifo) => Ok(parsed),
        (Access::FifoOnly, QueueKind::Standard) => Err(fifo_only(parsed)),
        (Access::ReadOnly, _) => Err(SqsError::unknown_attribute(name)),
    }
}

/// What a standard queue answers to an attribute of FIFO queues.
fn fifo_only(name: AttributeName) -> SqsError {
    let explained = [AttributeName::DeduplicationScope, AttributeName::FifoThroughputLimit];
    if explained.contains(&name) {
        return SqsError::fifo_only(name);
    }
    SqsError::unknown_attribute(name)
}

fn check_value(name: AttributeName, value: &str) -> Result<Option<String>, SqsError> {
    match name {
        AttributeName::DelaySeconds => number::check(name, value, 0..=900),
        AttributeName::MaximumMessageSize => number::check(name, value, 1024..=1_048_576),
        AttributeName::MessageRetentionPeriod => number::check(name, value, 60..=1_209_600),
        AttributeName::ReceiveMessageWaitTimeSeconds => number::check(name, value, 0..=20),
        AttributeName::VisibilityTimeout => number::check(name, value, 0..=43_200),
        AttributeName::KmsDataKeyReusePeriodSeconds => number::check(name, value, 60..=86_400),
        AttributeName::SqsManagedSseEnabled | AttributeName::ContentBasedDeduplication => {
            encryption::check_bool(name, value)
        }
        AttributeName::FifoQueue => fifo::check_kind(value),
        AttributeName::DeduplicationScope => fifo::check_scope(value),
        AttributeName::FifoThroughputLimit => fifo::check_limit(value),
        AttributeName::Policy => access_policy::check(value),
        AttributeName::RedrivePolicy => redrive_policy::check(value),
        AttributeName::RedriveAllowPolicy => redrive_allow_policy::check(value),
        AttributeName::KmsMasterKeyId => Ok((!value.is_empty()).then(|| value.to_owned())),
        AttributeName::ApproximateNumberOfMessages
        | AttributeName::ApproximateNumberOfMessagesDelayed
        | AttributeName::ApproximateNumberOfMessagesNotVisible
        | AttributeName::CreatedTimestamp
        | AttributeName::LastModifiedTimestamp
        | AttributeName::QueueArn => Err(SqsError::unknown_attribute(name)),
    }
}
