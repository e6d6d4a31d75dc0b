//! Actions: which of them a statement means, and which an owner can grant to others.

use super::PolicyError;
use super::error::malformed;
use super::json::Json;
use super::read::texts;
use super::wildcard;

/// The actions that other accounts can be allowed, by their single form.
const GRANTABLE: [&str; 8] = [
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ListDeadLetterSourceQueues",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
];

/// The actions that only a queue's owner can carry out.
const OWNER_ONLY: [&str; 12] = [
    "AddPermission",
    "CancelMessageMoveTask",
    "CreateQueue",
    "DeleteQueue",
    "ListMessageMoveTasks",
    "ListQueueTags",
    "ListQueues",
    "RemovePermission",
    "SetQueueAttributes",
    "StartMessageMoveTask",
    "TagQueue",
    "UntagQueue",
];

/// Whether other accounts can be allowed an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grantable {
    /// They can.
    Yes,
    /// Only the owner can do that.
    OwnerOnly,
    /// There is no such action to grant; a batch is granted with its single action.
    Unknown,
}

/// Whether other accounts can be allowed the action of that name; `*` is every action.
pub(crate) fn grantable(action: &str) -> Grantable {
    if action == "*" || GRANTABLE.contains(&action) {
        Grantable::Yes
    } else if OWNER_ONLY.contains(&action) {
        Grantable::OwnerOnly
    } else {
        Grantable::Unknown
    }
}

/// The action that a batch is many of; any other is itself.
pub(super) fn single(action: &str) -> &str {
    action.strip_suffix("Batch").unwrap_or(action)
}

/// The actions that a statement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Actions {
    /// Patterns of an action with its prefix, in lower case.
    patterns: Vec<String>,
    /// Whether it means all others.
    negated: bool,
}

impl Actions {
    /// Reads `Action` or, if `negated`, `NotAction`.
    pub(super) fn from_json(json: Json, negated: bool) -> Result<Self, PolicyError> {
        let texts = texts("an action", json)?.into_iter();
        let patterns = texts.map(|text| parse(&text)).collect::<Result<_, _>>()?;
        Ok(Self { patterns, negated })
    }

    /// Whether an action is meant, which is given by its name without a prefix.
    pub(super) fn mean(&self, action: &str) -> bool {
        let action = format!("sqs:{}", single(action).to_ascii_lowercase());
        self.patterns.iter().any(|pattern| wildcard::matches(pattern, &action)) != self.negated
    }
}

/// Reads `*` or `<service>:<pattern>`; the case does not count.
fn parse(text: &str) -> Result<String, PolicyError> {
    if text == "*" || text.contains(':') {
        Ok(text.to_ascii_lowercase())
    } else {
        malformed(format!("{text} is not an action: an action is sqs:<Action>"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use longshore_wire::Request;

    use super::*;

    #[test]
    fn every_action_that_is_no_batch_can_be_granted_or_is_the_owners_alone() {
        let singles: BTreeSet<_> = Request::ACTIONS.iter().map(|action| single(action)).collect();
        let known: BTreeSet<_> = GRANTABLE.into_iter().chain(OWNER_ONLY).collect();
        assert_eq!(singles, known);
    }
}
