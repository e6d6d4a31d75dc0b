//! Actions: which of them a statement means, and which an owner can grant to others.

use longshore_wire::Request;

use super::PolicyError;
use super::error::malformed;
use super::json::Json;
use super::read::texts;
use super::wildcard;

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
    if action == "*" {
        return Grantable::Yes;
    }
    match Request::is_for_anyone(action).filter(|_| single(action) == action) {
        Some(true) => Grantable::Yes,
        Some(false) => Grantable::OwnerOnly,
        None => Grantable::Unknown,
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
    use super::*;

    #[test]
    fn what_others_can_be_allowed_is_what_access_md_says() {
        let docs = include_str!("../../../../docs/access.md");
        let (_, said) = docs.split_once("What can be granted is ").unwrap();
        let (said, _) = said.split_once(", at most seven").unwrap();
        let can_be = |action: &&&str| grantable(action) == Grantable::Yes;
        let granted: Vec<_> = Request::ACTIONS.iter().filter(can_be).collect();
        assert!(granted.iter().all(|action| said.contains(&format!("`{action}`"))), "{granted:?}");
        assert_eq!(granted.len() + 1, said.matches('`').count() / 2, "`*` too");
    }

    #[test]
    fn a_batch_is_granted_with_its_single_action() {
        assert_eq!(grantable("SendMessageBatch"), Grantable::Unknown);
        assert_eq!(grantable(single("SendMessageBatch")), Grantable::Yes);
        assert_eq!(grantable("CreateQueue"), Grantable::OwnerOnly);
        assert_eq!(grantable("MakeTea"), Grantable::Unknown);
    }
}
