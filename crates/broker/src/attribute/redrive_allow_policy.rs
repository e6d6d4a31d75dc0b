//! The redrive allow policy: which queues can name this one as their dead-letter queue.

use longshore_types::QueueArn;
use longshore_wire::{RedriveAllowFault, SqsError};
use serde_json::{Map, Value};

use super::members;

const PERMISSION: &str = "redrivePermission";
const SOURCES: &str = "sourceQueueArns";

/// Source queues that a policy can name.
const SOURCES_MAX: usize = 10;

enum Policy {
    AllowAll,
    DenyAll,
    ByQueue(Vec<String>),
}

/// Checks a policy's text; an empty one removes it. What is kept of it is what it says.
pub(super) fn check(text: &str) -> Result<Option<String>, SqsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let map = read(text)?;
    if map.keys().any(|name| ![PERMISSION, SOURCES].contains(&name.as_str())) {
        return Err(unsupported());
    }
    parse(text)?;
    Ok(Some(members::text(text, map)))
}

/// Whether a dead-letter queue with that policy takes messages of `source`.
pub(crate) fn allows(policy: Option<&str>, source: &QueueArn) -> bool {
    match policy.map(parse) {
        None | Some(Ok(Policy::AllowAll)) => true,
        Some(Ok(Policy::DenyAll) | Err(_)) => false,
        Some(Ok(Policy::ByQueue(sources))) => sources.contains(&source.to_string()),
    }
}

fn parse(text: &str) -> Result<Policy, SqsError> {
    let map = read(text)?;
    let sources = map.get(SOURCES).map(arns).transpose()?;
    match (map.get(PERMISSION).and_then(Value::as_str), sources) {
        (Some("byQueue"), Some(sources)) if !sources.is_empty() => by_queue(text, sources),
        (Some("byQueue"), _) => Err(refuse(text, RedriveAllowFault::NoSources)),
        (Some("allowAll"), None) => Ok(Policy::AllowAll),
        (Some("denyAll"), None) => Ok(Policy::DenyAll),
        (Some("allowAll" | "denyAll"), Some(_)) => Err(refuse(text, RedriveAllowFault::Sources)),
        _ => Err(unsupported()),
    }
}

/// The members of a policy. An empty list of sources says nothing but to a policy that needs one.
fn read(text: &str) -> Result<Map<String, Value>, SqsError> {
    let mut map = members::read(text).ok_or_else(unsupported)?;
    let is_empty = map.get(SOURCES).and_then(Value::as_array).is_some_and(Vec::is_empty);
    if is_empty {
        map.remove(SOURCES);
    }
    Ok(map)
}

fn by_queue(text: &str, sources: Vec<String>) -> Result<Policy, SqsError> {
    if sources.len() <= SOURCES_MAX {
        return Ok(Policy::ByQueue(sources));
    }
    Err(refuse(text, RedriveAllowFault::TooManySources))
}

fn arns(value: &Value) -> Result<Vec<String>, SqsError> {
    let texts = value.as_array().ok_or_else(unsupported)?.iter();
    texts.map(|text| text.as_str().map(ToOwned::to_owned).ok_or_else(unsupported)).collect()
}

fn unsupported() -> SqsError {
    SqsError::redrive_allow_policy("", RedriveAllowFault::Unsupported)
}

fn refuse(text: &str, fault: RedriveAllowFault) -> SqsError {
    SqsError::redrive_allow_policy(text, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> QueueArn {
        QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:jobs").unwrap()
    }

    #[test]
    fn a_policy_permits_whom_it_names() {
        let by_queue =
            format!(r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#, source());
        assert!(allows(None, &source()));
        assert!(allows(Some(r#"{"redrivePermission":"allowAll"}"#), &source()));
        assert!(!allows(Some(r#"{"redrivePermission":"denyAll"}"#), &source()));
        assert!(allows(Some(&by_queue), &source()));
        assert!(!allows(Some(&by_queue.replace("jobs", "other")), &source()));
    }

    #[test]
    fn sources_go_with_by_queue_and_by_queue_with_sources() {
        for bad in [
            "x",
            "{}",
            r#"{"redrivePermission":"byQueue"}"#,
            r#"{"redrivePermission":"denyAll","sourceQueueArns":["a"]}"#,
            r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#,
            r#"{"redrivePermission":"some"}"#,
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn q5_sources_that_are_null_or_none_are_left_out() {
        let denies = r#"{"redrivePermission":"denyAll"}"#;
        for sources in ["null", "[]"] {
            let text = denies.replace('}', &format!(r#","sourceQueueArns":{sources}}}"#));
            assert_eq!(check(&text), Ok(Some(denies.to_owned())), "{text}");
            assert!(!allows(Some(&text), &source()), "{text}");
        }
    }

    #[test]
    fn q20_a_member_that_there_is_not_is_refused_as_in_a_redrive_policy() {
        let text = r#"{"redrivePermission":"denyAll","maxReceiveCount":1}"#;
        assert_eq!(check(text), Err(unsupported()));
    }
}
