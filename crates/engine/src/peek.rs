//! Looking at messages without receiving them: nothing is counted, leased or moved.

use crate::{Delivery, MessageKey, Queue};

/// Which messages somebody wants to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// Those in flight too.
    pub in_flight: bool,
    /// The delayed ones too.
    pub delayed: bool,
    /// At most so many: the oldest, if no more than that are in flight and delayed.
    pub count_max: usize,
}

impl Queue {
    /// Messages with what a receive would tell of them, in the order in which they came. Those of a
    /// locked group of a FIFO queue are among the available ones, as they are where messages are
    /// counted.
    pub fn peek(&self, peek: Peek) -> Vec<(MessageKey, Delivery<'_>)> {
        let at_most = |shown: bool| if shown { peek.count_max } else { 0 };
        let in_flight = self.in_flight.keys().take(at_most(peek.in_flight));
        let delayed = self.delayed.keys().take(at_most(peek.delayed));
        let available = self.sends.quiet_first(&[]).take(peek.count_max);
        let keys = available.chain(in_flight).chain(delayed);
        let mut seen: Vec<_> = keys.map(|key| (key, self.told(key))).collect();
        seen.sort_by_key(|(key, told)| (told.sequence, told.sent_at, *key));
        seen.truncate(peek.count_max);
        seen
    }
}
