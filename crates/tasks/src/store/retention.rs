//! How long the application knows a task, which does not depend on when old ones are removed.
//!
//! A task that has ended is known for as long as results are kept, counted from when its reply
//! was kept. One that is PENDING is not counted by that: its message may be on a queue for 14
//! days, the longest that SQS allows, and whoever asks in that time is told PENDING, however
//! short results are kept.

use std::time::Duration;

use longshore_types::{Timestamp, limits};

use super::reply::{Known, Status};
use crate::clock::before;

/// How long results are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    results: Duration,
}

/// The points in time before which a task is too old to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    /// For a task that has ended: when its reply was kept.
    pub ended: Timestamp,
    /// For a task that is PENDING: when it was sent.
    pub pending: Timestamp,
}

impl Retention {
    /// Keeps results that long; [`Duration::MAX`] is for ever.
    pub const fn new(results: Duration) -> Self {
        Self { results }
    }

    /// What is too old at `now`.
    pub fn horizon(self, now: Timestamp) -> Horizon {
        let pending = self.results.max(limits::RETENTION_MAX);
        Horizon { ended: before(now, self.results), pending: before(now, pending) }
    }
}

impl Horizon {
    /// Whether the task is still known.
    pub fn shows(&self, known: &Known) -> bool {
        match known.status {
            Status::Pending => known.since >= self.pending,
            Status::Completed { .. } | Status::Failed { .. } => known.since >= self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_AT: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn is_shown(status: Status, retention: Duration, age: Duration) -> bool {
        Retention::new(retention).horizon(SENT_AT + age).shows(&Known { status, since: SENT_AT })
    }

    fn ended() -> Status {
        Status::Completed { body: String::new() }
    }

    #[test]
    fn a_result_is_known_for_its_retention_and_no_longer() {
        assert!(is_shown(ended(), MINUTE, MINUTE));
        assert!(!is_shown(ended(), MINUTE, MINUTE + Duration::from_millis(1)));
        assert!(is_shown(ended(), Duration::MAX, limits::RETENTION_MAX * 100));
    }

    #[test]
    fn a_pending_task_is_known_for_as_long_as_its_message_can_be_on_a_queue() {
        assert!(is_shown(Status::Pending, MINUTE, limits::RETENTION_MAX));
        assert!(!is_shown(Status::Pending, MINUTE, limits::RETENTION_MAX + MINUTE));
        let month = limits::RETENTION_MAX * 2;
        assert!(is_shown(Status::Pending, month, month));
    }
}
