//! The attributes that only FIFO queues have.

use longshore_types::AttributeName;
use longshore_wire::SqsError;

use super::{Attributes, Checked, default_text};

const SCOPES: [&str; 2] = ["queue", "messageGroup"];
const LIMITS: [&str; 2] = ["perQueue", "perMessageGroupId"];

/// Checks `FifoQueue` of a queue that is one: saying so again changes nothing.
pub(super) fn check_kind(value: &str) -> Result<Option<String>, SqsError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(Some("true".to_owned())),
        "false" => Err(SqsError::queue_type_stays()),
        _ => Err(SqsError::invalid_attribute(AttributeName::FifoQueue)),
    }
}

/// Checks a deduplication scope.
pub(super) fn check_scope(value: &str) -> Result<Option<String>, SqsError> {
    check_choice(AttributeName::DeduplicationScope, value, SCOPES)
}

/// Checks a throughput limit. It is kept and shown; this broker throttles nobody.
pub(super) fn check_limit(value: &str) -> Result<Option<String>, SqsError> {
    check_choice(AttributeName::FifoThroughputLimit, value, LIMITS)
}

fn check_choice(
    name: AttributeName,
    value: &str,
    choices: [&str; 2],
) -> Result<Option<String>, SqsError> {
    let chosen = choices.contains(&value).then(|| value.to_owned());
    chosen.map(Some).ok_or_else(|| SqsError::invalid_attribute(name))
}

/// Checks that scope and limit go together, as they will be.
pub(super) fn settle(checked: &Checked, present: &Attributes) -> Result<(), SqsError> {
    let will_be = |name| {
        let asked = checked.get(&name).and_then(Option::as_deref);
        asked.or_else(|| present.get(&name).map(String::as_str)).or_else(|| default_text(name))
    };
    let by_group = will_be(AttributeName::FifoThroughputLimit) == Some("perMessageGroupId");
    if by_group && will_be(AttributeName::DeduplicationScope) != Some("messageGroup") {
        return Err(SqsError::limit_without_its_scope());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(attributes: &[(AttributeName, &str)]) -> Checked {
        attributes.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect()
    }

    #[test]
    fn a_limit_per_group_needs_the_scope_of_a_group() {
        let limit = (AttributeName::FifoThroughputLimit, "perMessageGroupId");
        let scope = (AttributeName::DeduplicationScope, "messageGroup");
        assert!(settle(&asked(&[limit]), &Attributes::new()).is_err());
        assert!(settle(&asked(&[limit, scope]), &Attributes::new()).is_ok());
        let present: Attributes =
            [limit, scope].into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let back = asked(&[(AttributeName::DeduplicationScope, "queue")]);
        assert!(settle(&back, &present).is_err());
    }

    #[test]
    fn values_are_those_of_sqs_in_their_own_case() {
        assert!(check_scope("messageGroup").is_ok());
        assert!(check_scope("messagegroup").is_err());
        assert!(check_limit("perQueue").is_ok());
        assert!(check_limit("").is_err());
    }
}
