//! Queue attributes: texts that are checked once, and what they mean.
//!
//! A request's attributes are checked all together before any is set ([`check()`]). The catalog
//! keeps them as texts, because SQS gives them back so; [`settings`] turns the ones that decide a
//! queue's behaviour into [`Settings`]; [`show()`] renders what `GetQueueAttributes` answers.

mod access_policy;
mod check;
mod encryption;
mod fifo;
mod members;
mod number;
mod redrive_allow_policy;
mod redrive_policy;
mod same;
mod show;

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_types::{AttributeName, Settings};

pub(crate) use access_policy::{policy_of, refused as policy_refused};
pub(crate) use check::{Checked, check, check_each};
pub(crate) use redrive_allow_policy::allows;
pub(crate) use redrive_policy::check_target;
pub(crate) use same::first_difference;
pub(crate) use show::{Facts, show, wanted};

/// Attributes as texts.
pub(crate) type Attributes = BTreeMap<AttributeName, String>;

/// For how many seconds a key of a queue that has a KMS key serves, unless it says otherwise.
const KEY_REUSE_PERIOD: &str = "300";

/// What SQS answers for an attribute that was never set, if it answers it at all.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other attributes have no default")]
pub(crate) const fn default_text(name: AttributeName) -> Option<&'static str> {
    match name {
        AttributeName::DelaySeconds | AttributeName::ReceiveMessageWaitTimeSeconds => Some("0"),
        AttributeName::MaximumMessageSize => Some("1048576"),
        AttributeName::MessageRetentionPeriod => Some("345600"),
        AttributeName::VisibilityTimeout => Some("30"),
        AttributeName::SqsManagedSseEnabled => Some("true"),
        AttributeName::ContentBasedDeduplication => Some("false"),
        AttributeName::DeduplicationScope => Some("queue"),
        AttributeName::FifoThroughputLimit => Some("perQueue"),
        _ => None,
    }
}

/// The behaviour that attributes ask for.
pub(crate) fn settings(attributes: &Attributes) -> Settings {
    let default = Settings::default();
    let seconds = |name| number(attributes, name).map(Duration::from_secs);
    let bytes = number(attributes, AttributeName::MaximumMessageSize);
    Settings {
        visibility_timeout: seconds(AttributeName::VisibilityTimeout)
            .unwrap_or(default.visibility_timeout),
        delay: seconds(AttributeName::DelaySeconds).unwrap_or(default.delay),
        retention: seconds(AttributeName::MessageRetentionPeriod).unwrap_or(default.retention),
        receive_wait: seconds(AttributeName::ReceiveMessageWaitTimeSeconds)
            .unwrap_or(default.receive_wait),
        message_bytes_max: bytes
            .and_then(|bytes| u32::try_from(bytes).ok())
            .unwrap_or(default.message_bytes_max),
        redrive: attributes
            .get(&AttributeName::RedrivePolicy)
            .and_then(|text| redrive_policy::parse(text).ok()),
    }
}

fn number(attributes: &Attributes, name: AttributeName) -> Option<u64> {
    attributes.get(&name)?.parse().ok()
}
