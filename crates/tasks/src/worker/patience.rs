//! How long a receive is put off until more tasks have ended: it costs the same for one message and for ten.
//!
//! # Invariants
//!
//! - Never for longer than the worker may linger, nor than what was just waited for anyway: a place among
//!   the tasks that run, or the last message. So where places and messages come at once, nothing is put off.
//! - A wait that brought no place is not repeated at once: tasks that run for hours put off less and less.

use std::time::Duration;

use crate::trials::Trials;

/// Knows how long a receive may be put off.
#[derive(Debug)]
pub(super) struct Patience {
    linger: Duration,
    /// How long the last receive waited for its messages.
    receive_took: Duration,
    waits: Trials,
}

impl Patience {
    /// A receive may be put off for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        Self { linger, receive_took: Duration::ZERO, waits: Trials::default() }
    }

    /// How long the next receive may be put off, after a place was waited for that long.
    pub(super) fn of_next(&mut self, place_took: Duration) -> Duration {
        let wait = place_took.max(self.receive_took).min(self.linger);
        if self.waits.is_due() { wait } else { Duration::ZERO }
    }

    /// Learns whether a wait brought a further place.
    pub(super) fn note_wait(&mut self, brought_a_place: bool) {
        self.waits.note(brought_a_place);
    }

    /// Learns how long a receive took.
    pub(super) fn note_receive(&mut self, took: Duration) {
        self.receive_took = took;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_millis(50);

    #[test]
    fn a_receive_is_put_off_for_as_long_as_was_waited_anyway_and_no_longer_than_the_linger() {
        let mut patience = Patience::new(LINGER);
        assert_eq!(patience.of_next(Duration::ZERO), Duration::ZERO);
        assert_eq!(patience.of_next(Duration::from_millis(7)), Duration::from_millis(7));
        patience.note_receive(Duration::from_millis(20));
        assert_eq!(patience.of_next(Duration::from_millis(7)), Duration::from_millis(20));
        assert_eq!(patience.of_next(Duration::from_secs(5)), LINGER);
    }

    #[test]
    fn a_wait_in_vain_is_not_repeated_at_once() {
        let mut patience = Patience::new(LINGER);
        patience.note_wait(false);
        assert_eq!(patience.of_next(LINGER), Duration::ZERO);
        assert_eq!(patience.of_next(LINGER), LINGER);
        patience.note_wait(true);
        assert_eq!(patience.of_next(LINGER), LINGER);
    }
}
