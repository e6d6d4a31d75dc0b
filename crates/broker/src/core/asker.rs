//! For whom an operation is carried out, and what that one may do.

use longshore_types::QueueArn;
use longshore_wire::SqsError;

use crate::access::Identity;
use crate::caller::{Caller, Place, Rights};
use crate::policy::{Access, Decision, Policy, Principal, RequestContext, decide};
use crate::queue_url::is_elsewhere;

/// For whom an operation is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    place: &'a Place,
    /// Under which URL they reach the broker, empty within the process.
    base_url: &'a str,
    /// `None` may do everything.
    checked: Option<Checked<'a>>,
}

/// Somebody whom the owner of a queue must allow what is done.
#[derive(Clone, Copy, Debug)]
struct Checked<'a> {
    identity: Option<&'a Identity>,
    /// The action's name.
    action: &'static str,
    context: &'a RequestContext,
}

impl<'a> Asker<'a> {
    /// A caller that asks for an action.
    pub(crate) fn new(caller: &'a Caller, action: &'static str) -> Self {
        let checked = match &caller.rights {
            Rights::Owner => None,
            Rights::Granted(context) => {
                Some(Checked { identity: caller.identity.as_ref(), action, context })
            }
        };
        Self { place: &caller.place, base_url: &caller.base_url, checked }
    }

    /// Whose queues a name means.
    pub(crate) const fn place(&self) -> &'a Place {
        self.place
    }

    /// Whether policies have a say in what it may do.
    pub(crate) const fn is_checked(&self) -> bool {
        self.checked.is_some()
    }

    /// Refuses a `QueueUrl` that AWS would serve elsewhere; one that the broker itself gave out is
    /// not, whatever the name that it is reached by.
    pub(crate) fn check_address(&self, url: &str) -> Result<(), SqsError> {
        if !url.starts_with(self.base_url) && is_elsewhere(url, &self.place.region) {
            return Err(SqsError::InvalidAddress(url.to_owned()));
        }
        Ok(())
    }

    /// Refuses what the owner of the queue, by its policy, does not let the asker do. The policy is
    /// looked for only if somebody is checked.
    pub(crate) fn check<'p>(
        &self,
        queue: &QueueArn,
        policy: impl FnOnce() -> Option<&'p Policy>,
    ) -> Result<(), SqsError> {
        let Some(Checked { identity, action, context }) = self.checked else { return Ok(()) };
        let principal = principal(identity);
        let access = Access { principal: &principal, action, queue, context };
        match decide(policy(), &access) {
            Decision::Allowed => Ok(()),
            Decision::Denied(denial) => Err(denial.error(&access)),
        }
    }
}

fn principal(identity: Option<&Identity>) -> Principal {
    identity.map_or(Principal::Anonymous, |identity| Principal::Iam {
        account: identity.account.clone(),
        arn: identity.arn(),
    })
}

impl<'a> From<&'a Place> for Asker<'a> {
    /// The broker itself, which may do everything.
    fn from(place: &'a Place) -> Self {
        Self { place, base_url: "", checked: None }
    }
}
