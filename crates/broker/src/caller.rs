//! Who asks, and how they reach the broker.

use longshore_types::{AccountId, QueueArn};

use crate::queue_url::queue_url;

/// Who asks, and how they reach the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The scheme, host and port under which this caller reaches the broker: queue URLs begin so,
    /// because a client may use a queue's URL as its endpoint.
    pub base_url: String,
    /// The `X-Amzn-Trace-Id` header of the request, which a send keeps as `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// What the caller's messages bear as `SenderId`.
    pub sender: String,
}

impl Caller {
    /// A caller that reaches the broker at `base_url` and sends for `account`.
    pub fn new(base_url: impl Into<String>, account: &AccountId) -> Self {
        Self { base_url: base_url.into(), trace_header: None, sender: account.to_string() }
    }

    pub(crate) fn queue_url(&self, arn: &QueueArn) -> String {
        queue_url(&self.base_url, &arn.account, &arn.name)
    }
}
