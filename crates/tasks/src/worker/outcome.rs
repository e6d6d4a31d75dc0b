//! How a run of a task ends: a closed set, and what each does to the message.

use std::time::Duration;

use longshore_types::Timestamp;

/// How a run ended. What it does to the message is in the executor.
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
        /// Why, for the log and, after the last attempt, for the reply.
        reason: String,
    },
    /// Given up: FAILED is replied, a copy with the reason goes to the dead-letter queue, the
    /// message is deleted.
    Dead {
        /// Why, for the reply and the copy.
        reason: String,
    },
    /// Given up as expected, such as for an argument that is invalid: FAILED is replied, the
    /// message deleted, and nothing dead-lettered.
    Discard {
        /// Why, for the reply.
        reason: String,
    },
    /// To be run later, as if it had not been run: no attempt counts.
    Snooze {
        /// When.
        until: Timestamp,
    },
}

/// How a handler says that it has no reply.
///
/// Every error is one, by `?`, and means another attempt by the policy; the constructors say
/// otherwise. (So this type is itself no [`std::error::Error`].)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(Outcome);

impl Failure {
    /// Another attempt, when the policy says.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self(Outcome::Retry { after: None, reason: reason.into() })
    }

    /// Another attempt, `after` that time.
    pub fn retry_after(after: Duration, reason: impl Into<String>) -> Self {
        Self(Outcome::Retry { after: Some(after), reason: reason.into() })
    }

    /// No further attempt: FAILED, and to the dead-letter queue.
    pub fn dead(reason: impl Into<String>) -> Self {
        Self(Outcome::Dead { reason: reason.into() })
    }

    /// No further attempt: FAILED, and not to the dead-letter queue; the caller has its answer.
    pub fn discard(reason: impl Into<String>) -> Self {
        Self(Outcome::Discard { reason: reason.into() })
    }

    /// Not now: run again at `until`, counting no attempt. At most 12 hours ahead; a later time
    /// runs the handler again by then, which can snooze again.
    pub fn snooze(until: Timestamp) -> Self {
        Self(Outcome::Snooze { until })
    }

    /// What the failure says about the task.
    pub fn outcome(&self) -> &Outcome {
        &self.0
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_error_means_another_attempt() {
        fn parse(text: &str) -> Result<u8, Failure> {
            Ok(text.parse()?)
        }
        let failure = parse("x").unwrap_err();
        assert!(matches!(failure.outcome(), Outcome::Retry { after: None, .. }));
    }
}
