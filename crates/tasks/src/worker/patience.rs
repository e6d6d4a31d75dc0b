//! How long a receive is put off until more tasks have ended: it costs the same for one message and for ten.
//!
//! # Invariants
//!
//! - Never for longer than the worker may linger, nor than what was just waited for anyway: a place among
//!   the tasks that run, or the last message. So where places and messages come at once, nothing is put off.
//! - A wait after which no more messages came than there were places before is not repeated at once: where
//!   few tasks come, and where some run for hours, less and less is put off.

use std::time::Duration;

use crate::trials::Trials;

/// Knows how long a receive may be put off.
#[derive(Debug)]
pub(super) struct Patience {
    linger: Duration,
    /// How long the last receive waited for its messages.
    receive_took: Duration,
    waits: Trials,
    /// The places that there were before the next receive was put off, if it was.
    free_before: Option<usize>,
}

impl Patience {
    /// A receive may be put off for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        let (receive_took, waits) = (Duration::ZERO, Trials::default());
        Self { linger, receive_took, waits, free_before: None }
    }

    /// How long the next receive may be put off, while only so many places are free, after the first of
    /// them was waited for that long.
    pub(super) fn of_next(&mut self, free: usize, first_took: Duration) -> Duration {
        let wait = first_took.max(self.receive_took).min(self.linger);
        if wait.is_zero() || !self.waits.is_due() {
            return Duration::ZERO;
        }
        self.free_before = Some(free);
        wait
    }

    /// Learns of a receive: how long it took, and how many messages came.
    pub(super) fn note_receive(&mut self, took: Duration, messages: usize) {
        self.receive_took = took;
        if let Some(free) = self.free_before.take() {
            self.waits.note(messages > free);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(50);

    #[test]
    fn a_receive_is_put_off_for_as_long_as_was_waited_anyway_and_no_longer_than_the_linger() {
        let mut patience = Patience::new(LINGER);
        assert_eq!(patience.of_next(1, Duration::ZERO), Duration::ZERO);
        assert_eq!(patience.of_next(1, Duration::from_millis(7)), Duration::from_millis(7));
        patience.note_receive(Duration::from_millis(20), 10);
        assert_eq!(patience.of_next(1, Duration::from_millis(7)), Duration::from_millis(20));
        assert_eq!(patience.of_next(1, Duration::from_secs(5)), LINGER);
    }

    #[test]
    fn a_wait_that_brought_no_more_messages_is_not_repeated_at_once() {
        let mut patience = Patience::new(LINGER);
        assert_eq!(patience.of_next(8, LINGER), LINGER);
        patience.note_receive(LINGER, 8);
        assert_eq!(patience.of_next(8, LINGER), Duration::ZERO);
        patience.note_receive(LINGER, 8);
        assert_eq!(patience.of_next(8, LINGER), LINGER);
        patience.note_receive(LINGER, 9);
        assert_eq!(patience.of_next(8, LINGER), LINGER);
    }
}
