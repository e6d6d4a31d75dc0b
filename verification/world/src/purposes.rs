//! What a change of visibility is for: a runtime renews leases by the same call as it hands messages back. The account
//! that the request meter reads says which.

use longshore_tasks::transport::{Action, Purpose, RequestMeter};

/// Whether the call that is just made hands messages back.
pub(crate) fn hands_back() -> bool {
    let probe = RequestMeter::default();
    probe.count(Action::ChangeMessageVisibilityBatch, "", 0);
    probe.snapshot().of(Purpose::HandBack) > 0.0
}
