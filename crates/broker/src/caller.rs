//! Who asks, and how they reach the broker.

use longshore_types::{AccountId, QueueArn, Region};

use crate::queue_url::queue_url;

/// Who asks, and how they reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The scheme, host and port under which this caller reaches the broker: queue URLs begin so,
    /// because a client may use a queue's URL as its endpoint.
    pub base_url: String,
    /// The `X-Amzn-Trace-Id` header of the request, which a send keeps as `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// Whose the request is, and for which region: the same name elsewhere is another queue. What
    /// the caller's messages bear as `SenderId` is the account.
    pub place: Place,
}

/// Whose queues, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The region, which a signed request names in its credential scope.
    pub region: Region,
    /// The account, to which the request's access key belongs.
    pub account: AccountId,
}

impl Caller {
    /// A caller of `place` that reaches the broker at `base_url`.
    pub fn new(base_url: impl Into<String>, place: Place) -> Self {
        Self { base_url: base_url.into(), trace_header: None, place }
    }

    pub(crate) fn queue_url(&self, arn: &QueueArn) -> String {
        queue_url(&self.base_url, &arn.account, &arn.name)
    }
}
