//! How long a receive is put off until more tasks have ended: it costs the same for one message and for ten.
//!
//! # Invariants
//!
//! - Never for longer than the worker may linger, nor than what was just waited for anyway: a place among
//!   the tasks that run, or the last message. So where places and messages come at once, nothing is put off.
//! - A wait after which no or few messages came becomes seldom: where few tasks come, nobody waits.

use std::time::Duration;

use crate::trials::Trials;

/// Messages of a receive that was worth being put off.
pub(super) const WORTH_MESSAGES: usize = 3;

/// Knows how long a receive may be put off.
#[derive(Debug)]
pub(super) struct Patience {
    linger: Duration,
    /// How long the last receive waited for its messages.
    receive_took: Duration,
    waits: Trials,
    /// Whether the next receive was put off.
    put_off: bool,
}

impl Patience {
    /// A receive may be put off for up to `linger`.
    pub(super) fn new(linger: Duration) -> Self {
        let (receive_took, waits) = (Duration::ZERO, Trials::default());
        Self { linger, receive_took, waits, put_off: false }
    }

    /// How long the next receive may be put off, after a place was waited for that long.
    pub(super) fn of_next(&mut self, place_took: Duration) -> Duration {
        let wait = place_took.max(self.receive_took).min(self.linger);
        self.put_off = !wait.is_zero() && self.waits.is_due();
        if self.put_off { wait } else { Duration::ZERO }
    }

    /// Learns of a receive: how long it took, and how many messages came.
    pub(super) fn note_receive(&mut self, took: Duration, messages: usize) {
        self.receive_took = took;
        if std::mem::take(&mut self.put_off) {
            self.waits.note(messages >= WORTH_MESSAGES);
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
        assert_eq!(patience.of_next(Duration::ZERO), Duration::ZERO);
        assert_eq!(patience.of_next(Duration::from_millis(7)), Duration::from_millis(7));
        patience.note_receive(Duration::from_millis(20), 10);
        assert_eq!(patience.of_next(Duration::from_millis(7)), Duration::from_millis(20));
        assert_eq!(patience.of_next(Duration::from_secs(5)), LINGER);
    }

    #[test]
    fn waits_that_bring_few_messages_become_seldom() {
        let mut patience = Patience::new(LINGER);
        let mut put_off = |messages: usize| {
            let wait = patience.of_next(LINGER);
            patience.note_receive(LINGER, messages);
            !wait.is_zero()
        };
        assert_eq!((0..1000).filter(|_| put_off(2)).count(), 11);
        while !put_off(3) {}
        assert!((0..100).all(|_| put_off(3)));
    }
}
