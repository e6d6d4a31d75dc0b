//! How a run of a task ends: a closed set, and what each does to the message.
//!
//! A handler's result becomes one; a layer sees it, and may answer another.

use std::time::Duration;

use crate::failure::{Failure, Reason, Verdict};

/// How a run of a task ended, as a [layer](crate::Worker::layer) sees it.
///
/// A handler answers a reply or a [`Failure`], which become one:
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::{Failure, Outcome};
///
/// let wait = Duration::from_secs(60);
/// assert_eq!(Outcome::from(Failure::snooze(wait)), Outcome::Snooze { wait });
/// assert!(matches!(Failure::discard("no such page").into(), Outcome::Discard { .. }));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: the body of the reply. COMPLETED is replied, the message deleted.
    Done {
        /// The reply, as the codec wrote it.
        body: String,
    },
    /// To be run again. Counts as an attempt; after the last one it is `Dead`.
    Retry {
        /// How long to wait; `None` leaves it to the retry policy.
        after: Option<Duration>,
        /// Why.
        reason: Reason,
    },
    /// Given up: FAILED is replied, a copy with the reason goes to the dead-letter queue, the
    /// message is deleted.
    Dead {
        /// Why.
        reason: Reason,
    },
    /// Given up as expected, such as for an argument that is invalid: FAILED is replied, the
    /// message deleted, and nothing dead-lettered.
    Discard {
        /// Why.
        reason: Reason,
    },
    /// To be run later, as if it had not been run: no attempt counts.
    Snooze {
        /// How long to wait.
        wait: Duration,
    },
    /// Nobody here can run it, as when the handler cannot read the argument: left to a worker that can, and dead
    /// if none does for the [time](crate::Worker::unknown_patience) that is granted.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        let reason = failure.reason();
        match failure.verdict() {
            Verdict::Retry(after) => Self::Retry { after, reason },
            Verdict::Dead => Self::Dead { reason },
            Verdict::Discard => Self::Discard { reason },
            Verdict::Snooze(wait) => Self::Snooze { wait },
        }
    }
}

impl Outcome {
    /// Its name in small letters, for logs and metrics.
    ///
    /// ```
    /// assert_eq!(longshore_tasks::Outcome::Done { body: "8".to_owned() }.name(), "done");
    /// ```
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Retry { .. } => "retry",
            Self::Dead { .. } => "dead",
            Self::Discard { .. } => "discard",
            Self::Snooze { .. } => "snooze",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// To be run again when the policy says, for that reason alone.
    pub(super) fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { after: None, reason: Reason::text(reason) }
    }

    /// Given up, for that reason alone.
    pub(super) fn dead(reason: impl Into<String>) -> Self {
        Self::Dead { reason: Reason::text(reason) }
    }
}
