//! Whether somebody may do something with a queue.

use longshore_types::QueueArn;
use longshore_wire::SqsError;

use super::action::{Grantable, grantable, single};
use super::statement::Effect;
use super::verdict::Verdict;
use super::{Policy, Principal, RequestContext};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Access<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The action's name, as SQS spells it and without a prefix.
    pub action: &'a str,
    /// The queue, whose ARN says who owns it.
    pub queue: &'a QueueArn,
    /// From where, when and how.
    pub context: &'a RequestContext,
}

/// Whether it may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied(Denial),
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A statement of the queue's policy denies it.
    Explicit,
    /// No statement of the queue's policy allows it to somebody of another account, or none can.
    NotAllowed,
}

impl Denial {
    /// The error that says so.
    pub fn error(self, access: &Access<'_>) -> SqsError {
        let who = access.principal.arn().unwrap_or("anonymous");
        let action = single(access.action).to_ascii_lowercase();
        let explicit = self == Self::Explicit;
        SqsError::not_authorized(who, &action, access.queue, explicit)
    }
}

/// Decides by a queue's policy.
///
/// A statement that denies counts before all else, for the owner too. Then whoever belongs to the
/// owner's account may do everything; anybody else what a statement allows, among the actions that
/// can be granted at all. A batch is allowed or denied as its single action is.
pub fn decide(policy: Option<&Policy>, access: &Access<'_>) -> Decision {
    let policy = policy.map(|policy| effect(policy, access));
    let own = access.principal.account() == Some(&access.queue.account);
    match policy.flatten() {
        Some(Effect::Deny) => Decision::Denied(Denial::Explicit),
        _ if own => Decision::Allowed,
        Some(Effect::Allow) if grantable(single(access.action)) == Grantable::Yes => {
            Decision::Allowed
        }
        Some(Effect::Allow) | None => Decision::Denied(Denial::NotAllowed),
    }
}

/// What the statements that apply come to. One of which it cannot be told whether it applies does
/// so if it denies, and does not if it allows.
fn effect(policy: &Policy, access: &Access<'_>) -> Option<Effect> {
    let mut found = None;
    for statement in &policy.statements {
        match (statement.effect, statement.applies(access)) {
            (Effect::Deny, Verdict::Holds | Verdict::Unknown) => return Some(Effect::Deny),
            (Effect::Allow, Verdict::Holds) => found = Some(Effect::Allow),
            (Effect::Deny | Effect::Allow, Verdict::Fails) | (Effect::Allow, Verdict::Unknown) => {}
        }
    }
    found
}
