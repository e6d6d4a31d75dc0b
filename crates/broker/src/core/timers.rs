//! When each queue has something to do next.
//!
//! A queue has one entry, so that the next thing due is found without asking every queue.

use std::collections::{BTreeMap, BTreeSet};

use longshore_engine::QueueId;
use longshore_types::Timestamp;

/// The next deadline of each queue.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_queue: BTreeMap<QueueId, Timestamp>,
    by_time: BTreeSet<(Timestamp, QueueId)>,
}

impl Timers {
    /// Sets when `queue` is due next, or that it is not.
    pub(crate) fn set(&mut self, queue: QueueId, due: Option<Timestamp>) {
        let before = match due {
            Some(due) => self.by_queue.insert(queue, due),
            None => self.by_queue.remove(&queue),
        };
        if before == due {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, queue));
        }
        self.by_time.extend(due.map(|due| (due, queue)));
    }

    /// The queues that are due.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<QueueId> {
        self.by_time.iter().take_while(|(due, _)| *due <= now).map(|(_, queue)| *queue).collect()
    }

    /// When the first queue is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(due, _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_due_when_it_was_last_said_to_be() {
        let (one, two) = (QueueId::new(1), QueueId::new(2));
        let at = Timestamp::from_millis;
        let mut timers = Timers::default();
        timers.set(one, Some(at(10)));
        timers.set(two, Some(at(20)));
        timers.set(one, Some(at(30)));
        assert_eq!(timers.next_due(), Some(at(20)));
        assert_eq!(timers.due(at(30)), [two, one]);
        timers.set(two, None);
        assert_eq!(timers.next_due(), Some(at(30)));
    }
}
