//! Texts of SQS about access policies, permissions, and what nobody permitted.

use std::fmt::Display;

use super::SqsError;

/// What is wrong with the label of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelFault {
    /// It is not 1 to 80 letters, digits, hyphens and underscores.
    Malformed,
    /// Another permission has it.
    Exists,
    /// The queue has no policy.
    NoPolicy,
    /// The queue's policy has no such label.
    NotInPolicy,
}

impl SqsError {
    /// The label of a permission is refused.
    pub fn label(label: &str, fault: LabelFault) -> Self {
        let reason = match fault {
            LabelFault::Malformed => {
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in \
                 length."
            }
            LabelFault::Exists => "Already exists.",
            LabelFault::NoPolicy => "can't find label.",
            LabelFault::NotInPolicy => "can't find label on existing policy.",
        };
        Self::invalid_value(label, "Label", reason)
    }

    /// An action cannot be granted: there is none of that name, or only the owner may do it.
    pub fn not_grantable(action: &str, owner_only: bool) -> Self {
        let reason = if owner_only {
            "Only the queue owner is allowed to invoke this action."
        } else {
            "Please refer to the appropriate WSDL for a list of valid actions."
        };
        Self::invalid_value(format!("SQS:{action}"), "ActionName", reason)
    }

    /// These are no accounts.
    pub fn no_principals(accounts: &[String]) -> Self {
        let value = format!("[{}]", accounts.join(", "));
        Self::invalid_value(value, "PrincipalId", "Unable to verify.")
    }

    /// A permission would have too many of something, or would make its policy have.
    pub fn permission_over_limit(found: usize, what: &str, max: usize) -> Self {
        Self::OverLimit(format!("{found} {what} were found, maximum allowed is {max}."))
    }

    /// A policy that is to be set has too many of something.
    pub fn policy_over_limit(found: usize, what: impl Display, max: usize) -> Self {
        Self::OverLimit(format!(
            "{found} {what} were found in the submitted policy, max allowed is {max}"
        ))
    }

    /// Nobody lets `who` do this with that queue, or a policy denies it explicitly.
    pub fn not_authorized(who: &str, action: &str, queue: impl Display, explicit: bool) -> Self {
        let because = if explicit {
            "with an explicit deny in a resource-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the sqs:{action} action")
        };
        Self::AccessDenied(format!(
            "User: {who} is not authorized to perform: sqs:{action} on resource: {queue} {because}"
        ))
    }
}
