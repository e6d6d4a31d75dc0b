//! The redrive policy: `{"deadLetterTargetArn": "arn:…", "maxReceiveCount": 3}`.
//!
//! The text is kept and given back as it was sent, without members that are `null`. The order of the
//! checks is that of SQS. A queue can name itself.

use longshore_types::{AttributeName, QueueArn, RedrivePolicy, arn::QueueArnError, limits};
use longshore_wire::{RedriveFault, SqsError};
use serde_json::Value;

use super::{Attributes, allows, members};

const TARGET: &str = "deadLetterTargetArn";
const COUNT: &str = "maxReceiveCount";

/// Checks a policy's text; an empty one removes it. Whether its target exists is not asked.
pub(super) fn check(text: &str) -> Result<Option<String>, SqsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let target = parse(text)?.target.to_string();
    let text = members::text(
        text,
        members::read(text).ok_or_else(|| refuse(text, RedriveFault::NotAMap))?,
    );
    // The catalog finds the target in the text as it stands, so it must not hide behind escapes.
    if !text.contains(&target) {
        return Err(refuse(&text, RedriveFault::NotAnArn));
    }
    Ok(Some(text))
}

/// The policy that a text describes.
pub(super) fn parse(text: &str) -> Result<RedrivePolicy, SqsError> {
    let map = members::read(text).ok_or_else(|| refuse(text, RedriveFault::NotAMap))?;
    let count = map.get(COUNT).ok_or_else(|| refuse(text, RedriveFault::Lacks(COUNT)))?;
    let target = map.get(TARGET).ok_or_else(|| refuse(text, RedriveFault::Lacks(TARGET)))?;
    if map.len() > 2 {
        return Err(refuse(text, RedriveFault::OtherMembers));
    }
    let receive_count_max = parse_count(text, count)?;
    Ok(RedrivePolicy { target: parse_target(text, target)?, receive_count_max })
}

fn parse_count(text: &str, value: &Value) -> Result<u32, SqsError> {
    let shown = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let count = shown.parse().ok();
    let in_range = |count: &u32| limits::RECEIVE_COUNT_BEFORE_DEAD_LETTER.contains(count);
    count.filter(in_range).ok_or_else(|| refuse(text, RedriveFault::Count(&shown)))
}

fn parse_target(text: &str, value: &Value) -> Result<QueueArn, SqsError> {
    QueueArn::parse(value.as_str().unwrap_or_default()).map_err(|fault| match fault {
        QueueArnError::NotAnArn => refuse(text, RedriveFault::NotAnArn),
        QueueArnError::NotAQueue => refuse(text, RedriveFault::NotAQueue),
    })
}

/// Checks a policy of queue `source` against its target, whose attributes are looked up by `find`.
pub(crate) fn check_target<'a>(
    text: &str,
    source: &QueueArn,
    find: impl FnOnce(&QueueArn) -> Option<&'a Attributes>,
) -> Result<(), SqsError> {
    let policy = parse(text)?;
    if policy.target.account != source.account {
        return Err(refuse(text, RedriveFault::OtherAccount));
    }
    let target = find(&policy.target).filter(|_| policy.target.region == source.region);
    let target = target.ok_or_else(|| refuse(text, RedriveFault::NoTarget))?;
    if policy.target.name.is_fifo() != source.name.is_fifo() {
        return Err(refuse(text, RedriveFault::OtherType));
    }
    if !allows(target.get(&AttributeName::RedriveAllowPolicy).map(String::as_str), source) {
        return Err(refuse(text, RedriveFault::NotPermitted));
    }
    Ok(())
}

fn refuse(text: &str, fault: RedriveFault<'_>) -> SqsError {
    SqsError::redrive_policy(text, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

    #[track_caller]
    fn refused(text: &str, reason: &str) {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.ends_with(reason), "{text}: {message}");
    }

    #[test]
    fn a_count_can_be_a_number_or_its_digits() {
        for count in ["3", "\"3\""] {
            let text = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":{count}}}"#);
            let policy = parse(&text).unwrap();
            assert_eq!((policy.receive_count_max, policy.target.to_string()), (3, ARN.to_owned()));
        }
    }

    #[test]
    fn each_fault_has_its_own_reason() {
        refused("[]", "Redrive policy is not a valid JSON map.");
        refused("{}", "does not contain mandatory attribute: maxReceiveCount.");
        refused(r#""{\"maxReceiveCount\":1}""#, "Redrive policy is not a valid JSON map.");
        refused(r#"{"maxReceiveCount":1}"#, "mandatory attribute: deadLetterTargetArn.");
        let with = |count: &str, target: &str| {
            format!(r#"{{"maxReceiveCount":{count},"deadLetterTargetArn":"{target}"}}"#)
        };
        refused(
            &with("1001", ARN),
            "maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive.",
        );
        refused(
            &with("\"x\"", ARN),
            "maxReceiveCount: x, valid values are from 1 to 1000 both inclusive.",
        );
        refused(&with("3", "dummy"), "Dead-letter target ARN should be fully qualified ARN.");
        refused(
            &with("3", "arn:aws:sns:a:000000000000:b"),
            "Only SQS queues are valid resources for deadLetterTargetArn.",
        );
    }

    #[test]
    fn q5_a_member_that_is_null_is_absent() {
        let policy = format!(r#"{{"deadLetterTargetArn":"{ARN}","maxReceiveCount":3}}"#);
        let with_null = policy.replace('}', r#","redrivePermission":null}"#);
        assert_eq!(check(&with_null), Ok(Some(policy)));
        refused(r#"{"maxReceiveCount":null}"#, "mandatory attribute: maxReceiveCount.");
    }
}
