//! For whom an operation is carried out, and what that one may do.

use longshore_engine::QueueEntry;
use longshore_types::AttributeName;
use longshore_wire::SqsError;

use crate::access::Identity;
use crate::caller::{Caller, Place, Rights};
use crate::policy::{Access, Decision, Policy, Principal, RequestContext, decide};

/// For whom an operation is carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    place: &'a Place,
    /// Who must be allowed what is done, and under which circumstances it is asked; `None` may do
    /// everything.
    checked: Option<(&'a Caller, &'a RequestContext)>,
}

impl<'a> Asker<'a> {
    /// Whose queues a name means.
    pub(crate) const fn place(&self) -> &'a Place {
        self.place
    }

    /// Refuses what the owner of the queue does not let the asker do. A policy of an older log that
    /// cannot be read grants nothing and denies nothing.
    pub(crate) fn check(&self, queue: &QueueEntry) -> Result<(), SqsError> {
        let Some((caller, context)) = self.checked else { return Ok(()) };
        let text = queue.attributes.get(&AttributeName::Policy);
        let policy = text.and_then(|text| Policy::parse(text).ok());
        let principal = principal(caller.identity.as_ref());
        let access =
            Access { principal: &principal, action: caller.action, queue: &queue.arn, context };
        match decide(policy.as_ref(), &access) {
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
        Self { place, checked: None }
    }
}

impl<'a> From<&'a Caller> for Asker<'a> {
    fn from(caller: &'a Caller) -> Self {
        let checked = match &caller.rights {
            Rights::Owner => None,
            Rights::Granted(context) => Some((caller, context)),
        };
        Self { place: &caller.place, checked }
    }
}
