//! Who asks, and how they reach the broker.

use longshore_types::{AccountId, QueueArn, Region};

use crate::access::Identity;
use crate::policy::RequestContext;
use crate::queue_url::queue_url;

/// Who asks, and how they reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The scheme, host and port under which this caller reaches the broker: queue URLs begin so,
    /// because a client may use a queue's URL as its endpoint.
    pub base_url: String,
    /// The `X-Amzn-Trace-Id` header of the request, which a send keeps as `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// Whose the request is, and for which region: the same name elsewhere is another queue.
    pub place: Place,
    /// Who asks, if an access key that the broker knows says so: its unique id is what the
    /// caller's messages bear as `SenderId`. Of anybody else they bear the account.
    pub identity: Option<Identity>,
    /// What the caller may do.
    pub rights: Rights,
}

/// What a caller may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rights {
    /// Whatever the owner of a queue may: nobody is checked. So it is within the process, and at a
    /// broker that requires no signatures.
    #[default]
    Owner,
    /// What the owner of a queue lets the caller's identity do, which a signature has proven, under
    /// these circumstances.
    Granted(RequestContext),
}

/// Whose queues, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The region, which a signed request names in its credential scope.
    pub region: Region,
    /// The account, to which the request's access key belongs.
    pub account: AccountId,
}

impl Caller {
    /// A caller of `place` that reaches the broker at `base_url`, whom nobody checks.
    pub fn new(base_url: impl Into<String>, place: Place) -> Self {
        Self {
            base_url: base_url.into(),
            trace_header: None,
            place,
            identity: None,
            rights: Rights::Owner,
        }
    }

    pub(crate) fn queue_url(&self, arn: &QueueArn) -> String {
        queue_url(&self.base_url, &arn.account, &arn.name)
    }

    /// What the caller's messages bear as `SenderId`.
    pub(crate) fn sender_id(&self) -> String {
        let account = || self.place.account.to_string();
        self.identity.as_ref().map_or_else(account, Identity::unique_id)
    }
}
