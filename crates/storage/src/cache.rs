//! Bodies kept in memory, within a budget of bytes: the last ones appended or read.
//!
//! First in, first out. A queue that is kept short reads what was just sent, and never reaches the
//! end of the line; a long backlog is read in order, where no order of eviction would help.

use std::collections::VecDeque;

use bytes::Bytes;
use foldhash::HashMap;

use crate::BodyKey;

/// What an entry costs beside its bytes: its places in a map that is not full and in the line, some 80, what
/// shares the bytes, and the room behind them that whoever made them left and the allocator adds.
const ENTRY_BYTES: usize = 192;

/// Bodies by key, oldest first to go.
#[derive(Debug)]
pub(crate) struct Cache {
    bytes_max: usize,
    bytes: usize,
    bodies: HashMap<BodyKey, Bytes>,
    /// In the order of arrival; some are gone already.
    order: VecDeque<BodyKey>,
}

impl Cache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, bytes: 0, bodies: HashMap::default(), order: VecDeque::new() }
    }

    /// What the bodies cost, with what each costs beside its bytes.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn get(&self, key: BodyKey) -> Option<Bytes> {
        self.bodies.get(&key).cloned()
    }

    /// Keeps a body, and lets the oldest go until the budget is kept.
    pub(crate) fn insert(&mut self, key: BodyKey, body: Bytes) {
        let cost = ENTRY_BYTES + body.len();
        if cost > self.bytes_max || self.bodies.contains_key(&key) {
            return;
        }
        self.bytes += cost;
        self.bodies.insert(key, body);
        self.order.push_back(key);
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.order.pop_front() else { break };
            self.drop_body(oldest);
        }
        self.forget_the_gone();
    }

    pub(crate) fn remove(&mut self, key: BodyKey) {
        self.drop_body(key);
    }

    fn drop_body(&mut self, key: BodyKey) {
        if let Some(body) = self.bodies.remove(&key) {
            self.bytes -= ENTRY_BYTES + body.len();
        }
    }

    /// Keeps the line no longer than twice the bodies in it, at a constant cost for each arrival.
    fn forget_the_gone(&mut self) {
        if self.order.len() > 2 * self.bodies.len() + 16 {
            let bodies = &self.bodies;
            self.order.retain(|key| bodies.contains_key(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Bytes {
        Bytes::from_static(&[7; 4])
    }

    #[test]
    fn the_oldest_body_goes_when_the_budget_is_spent() {
        let mut cache = Cache::new(2 * (ENTRY_BYTES + 4));
        (1..=3).for_each(|key| cache.insert(BodyKey(key), body()));
        assert_eq!(cache.get(BodyKey(1)), None);
        assert_eq!(cache.get(BodyKey(3)), Some(body()));
    }

    #[test]
    fn bodies_that_come_and_go_leave_nothing_behind() {
        let mut cache = Cache::new(1 << 20);
        cache.insert(BodyKey(0), body());
        for key in 1..10_000 {
            cache.insert(BodyKey(key), body());
            cache.remove(BodyKey(key));
        }
        assert!(cache.order.len() < 32, "{}", cache.order.len());
        assert_eq!(cache.bytes, ENTRY_BYTES + 4);
    }
}
