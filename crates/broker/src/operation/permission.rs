//! `AddPermission` and `RemovePermission`: a statement of the queue's policy more, or one fewer.
//!
//! Both set the attribute `Policy`, as `SetQueueAttributes` could, and so they change when the
//! queue was last modified. A permission that is already there just so is added by nothing.

use longshore_engine::QueueId;
use longshore_types::{AccountId, AttributeName, limits};
use longshore_wire::{AddPermission, LabelFault, RemovePermission, SqsError};

use crate::attribute::{Checked, policy_refused};
use crate::core::{Operation, Turn};
use crate::log::Room;
use crate::policy::{self, Counted, Grantable, Policy, PolicyError};

impl Operation for AddPermission {
    type Reply = ();

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        check_label(&self.label)?;
        let actions = check_actions(self.actions)?;
        let accounts = parse_accounts(&self.aws_account_ids)?;
        let present = present(turn, id)?;
        let (queue, label) = (&turn.entry(id)?.arn, &self.label);
        let is_there = |policy: &str| policy::has_grant(policy, queue, label, &accounts, &actions);
        if present.as_deref().is_some_and(is_there) {
            return Ok(());
        }
        if has(present.as_deref(), label)? {
            return Err(SqsError::label(label, LabelFault::Exists));
        }
        let policy = policy::add(present.as_deref(), queue, label, &accounts, &actions);
        set(turn, id, Some(policy.map_err(|fault| over_limit(&fault))?))
    }
}

impl Operation for RemovePermission {
    type Reply = ();

    fn room(&self) -> Room {
        Room::catalog()
    }

    fn run(self, turn: &mut Turn<'_>) -> Result<(), SqsError> {
        let id = turn.resolve(&self.queue_url)?;
        let unknown = |fault| SqsError::label(&self.label, fault);
        let present = present(turn, id)?.ok_or_else(|| unknown(LabelFault::NoPolicy))?;
        if !has(Some(&present), &self.label)? {
            return Err(unknown(LabelFault::NotInPolicy));
        }
        let left = policy::remove(&present, &self.label).map_err(|fault| policy_refused(&fault))?;
        set(turn, id, left)
    }
}

/// The text of the queue's policy.
fn present(turn: &Turn<'_>, id: QueueId) -> Result<Option<String>, SqsError> {
    Ok(turn.entry(id)?.attributes.get(&AttributeName::Policy).cloned())
}

/// Whether a statement of a policy has that label.
fn has(policy: Option<&str>, label: &str) -> Result<bool, SqsError> {
    let policy = policy.map(Policy::parse).transpose().map_err(|fault| policy_refused(&fault))?;
    Ok(policy.is_some_and(|policy| policy.has(label)))
}

fn set(turn: &mut Turn<'_>, id: QueueId, policy: Option<String>) -> Result<(), SqsError> {
    let attributes = Checked::from([(AttributeName::Policy, policy)]);
    let event =
        turn.catalog().set_attributes(id, attributes).map_err(|_| SqsError::QueueDoesNotExist)?;
    turn.commit_catalog(event, None)?;
    Ok(())
}

fn check_label(label: &str) -> Result<(), SqsError> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if label.len() <= limits::PERMISSION_LABEL_BYTES_MAX && label.bytes().all(letter) {
        return Ok(());
    }
    Err(SqsError::label(label, LabelFault::Malformed))
}

/// The actions, each once.
fn check_actions(actions: Vec<String>) -> Result<Vec<String>, SqsError> {
    if actions.len() > limits::PERMISSION_ACTIONS_MAX {
        let max = limits::PERMISSION_ACTIONS_MAX;
        return Err(SqsError::permission_over_limit(actions.len(), "Actions", max));
    }
    actions.iter().try_for_each(|action| check_action(action))?;
    Ok(each_once(actions))
}

fn check_action(action: &str) -> Result<(), SqsError> {
    match policy::grantable(action) {
        Grantable::Yes => Ok(()),
        Grantable::OwnerOnly => Err(SqsError::not_grantable(action, true)),
        Grantable::Unknown => Err(SqsError::not_grantable(action, false)),
    }
}

/// The accounts, each once. Whether there are such accounts is not asked.
fn parse_accounts(texts: &[String]) -> Result<Vec<AccountId>, SqsError> {
    let max = limits::POLICY_PRINCIPALS_MAX;
    if texts.len() > max {
        return Err(SqsError::permission_over_limit(texts.len(), "Principals", max));
    }
    let accounts: Result<_, _> = texts.iter().map(|text| AccountId::parse(text)).collect();
    accounts.map(each_once).map_err(|_| SqsError::no_principals(texts))
}

/// The first of each, in their order.
fn each_once<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut kept = Vec::with_capacity(all.len());
    for one in all {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// How SQS says that a policy would be over a limit, which differs from how it says that one is.
fn over_limit(fault: &PolicyError) -> SqsError {
    match *fault {
        PolicyError::Malformed(_) => policy_refused(fault),
        PolicyError::TooLong { found, max } => SqsError::permission_over_limit(found, "Bytes", max),
        PolicyError::TooMany { what, found, max } => {
            let what = match what {
                Counted::Statements => "Statements",
                Counted::Principals => "Principals",
                Counted::Conditions => "Conditions",
            };
            SqsError::permission_over_limit(found, what, max)
        }
    }
}
