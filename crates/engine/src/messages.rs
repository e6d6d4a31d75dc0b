//! All messages of a queue, by key: 28 bytes for one that nothing has happened to since it was sent.
//!
//! ```text
//! entries:   key, id, time of the send, bytes      of every message; marked: it has a history
//! histories: stage, receives, source               of a message that is delayed, was received or moved
//! ```
//!
//! What is told of a message while it changes is set aside before it does ([`Walk`]).
//!
//! # Invariants
//!
//! - A message has a history exactly if it is not as a fresh one is: that is its entry's mark.

use std::sync::Arc;

use longshore_types::{MessageId, QueueArn, Timestamp};

use crate::MessageKey;
use crate::chunks::{Chunks, Item, base_before, offset};
use crate::message::{Kept, Stage};
use crate::walked::Walk;

/// What every message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fresh {
    key: MessageKey,
    id: MessageId,
    sent_at: Timestamp,
    bytes: u32,
}

/// The same, in relation to a key and a time near by.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    sent_at: u32,
    bytes: u32,
    id: MessageId,
}

impl Item for Entry {
    type Full = Fresh;
    type Place = MessageKey;
    type Base = (MessageKey, Timestamp);

    fn place_of(full: &Fresh) -> MessageKey {
        full.key
    }

    fn base_of(full: &Fresh) -> Self::Base {
        (full.key, base_before(full.sent_at))
    }

    fn pack(full: &Fresh, (key, time): Self::Base) -> Option<Self> {
        let key = u32::try_from(full.key.get().checked_sub(key.get())?).ok()?;
        Some(Self { key, sent_at: offset(full.sent_at, time)?, bytes: full.bytes, id: full.id })
    }

    fn full(&self, base: Self::Base) -> Fresh {
        let sent_at = Timestamp::from_millis(base.1.as_millis() + u64::from(self.sent_at));
        Fresh { key: self.place(base), id: self.id, sent_at, bytes: self.bytes }
    }

    fn place(&self, (key, _): Self::Base) -> MessageKey {
        MessageKey::new(key.get() + u64::from(self.key))
    }

    fn guess(first: MessageKey, key: MessageKey) -> u64 {
        key.get().wrapping_sub(first.get())
    }
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct History {
    key: MessageKey,
    first_received_at: Timestamp,
    stage: Stage,
    receive_count: u32,
    redrive_count: u32,
    delivery: u32,
    dead_letter_source: Option<Arc<QueueArn>>,
}

impl Item for History {
    type Full = Self;
    type Place = MessageKey;
    type Base = ();

    fn place_of(full: &Self) -> MessageKey {
        full.key
    }

    fn base_of(_full: &Self) {}

    fn pack(full: &Self, (): ()) -> Option<Self> {
        Some(full.clone())
    }

    fn full(&self, (): ()) -> Self {
        self.clone()
    }

    fn place(&self, (): ()) -> MessageKey {
        self.key
    }

    fn guess(first: MessageKey, key: MessageKey) -> u64 {
        key.get().wrapping_sub(first.get())
    }
}

impl Kept {
    fn fresh(&self, key: MessageKey) -> Fresh {
        Fresh { key, id: self.id, sent_at: self.sent_at, bytes: self.bytes }
    }

    /// Whether nothing has happened to it since it was sent.
    pub(crate) fn is_fresh(&self) -> bool {
        *self == Self::sent(self.id, self.bytes, self.sent_at, self.sent_at)
    }

    fn history(&self, key: MessageKey) -> Option<History> {
        (!self.is_fresh()).then(|| History {
            key,
            first_received_at: self.first_received_at,
            stage: self.stage,
            receive_count: self.receive_count,
            redrive_count: self.redrive_count,
            delivery: self.delivery,
            dead_letter_source: self.dead_letter_source.clone(),
        })
    }

    fn of(Fresh { id, sent_at, bytes, .. }: Fresh, history: Option<History>) -> Self {
        let as_sent = Self::sent(id, bytes, sent_at, sent_at);
        let Some(history) = history else { return as_sent };
        Self {
            first_received_at: history.first_received_at,
            stage: history.stage,
            receive_count: history.receive_count,
            redrive_count: history.redrive_count,
            delivery: history.delivery,
            dead_letter_source: history.dead_letter_source,
            ..as_sent
        }
    }
}

/// The messages of a queue.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages {
    entries: Chunks<Entry>,
    histories: Chunks<History>,
    walk: Option<Box<Walk<MessageKey, Kept>>>,
}

impl Messages {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn contains(&self, key: MessageKey) -> bool {
        self.entries.mark_of(key).is_some()
    }

    pub(crate) fn get(&self, key: MessageKey) -> Option<Kept> {
        let (fresh, has_history) = self.entries.get_with_mark(key)?;
        Some(self.kept(fresh, has_history))
    }

    /// A message that is known to be here.
    pub(crate) fn known(&self, key: MessageKey) -> Kept {
        self.get(key).unwrap_or_else(|| panic!("the message {key} is not here"))
    }

    fn kept(&self, fresh: Fresh, has_history: bool) -> Kept {
        Kept::of(fresh, if has_history { self.histories.get(fresh.key) } else { None })
    }

    /// The queue that a message was last dead-lettered from.
    pub(crate) fn source_of(&self, key: MessageKey) -> Option<&Arc<QueueArn>> {
        self.histories.item(key)?.dead_letter_source.as_ref()
    }

    /// Where the last message that was moved here came from.
    pub(crate) fn last_source(&self) -> Option<Arc<QueueArn>> {
        self.histories.last()?.dead_letter_source
    }

    /// The keys, in ascending order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = MessageKey> + '_ {
        self.entries.iter().map(|fresh| fresh.key)
    }

    /// Takes in a message that is not here.
    pub(crate) fn insert(&mut self, key: MessageKey, message: &Kept) {
        self.set_aside(key, || None);
        let history = message.history(key);
        self.entries.insert(&message.fresh(key), history.is_some());
        history.inspect(|history| _ = self.histories.insert(history, false));
    }

    pub(crate) fn remove(&mut self, key: MessageKey) -> Option<Kept> {
        let (fresh, has_history) = self.entries.remove(key)?;
        let history = if has_history { self.histories.remove(key) } else { None };
        let message = Kept::of(fresh, history.map(|(history, _)| history));
        self.set_aside(key, || Some(message.clone()));
        Some(message)
    }

    /// Has a message be as `change` makes it, but for its id, its time and its bytes. Answers how it was
    /// and how it is.
    pub(crate) fn change(
        &mut self,
        key: MessageKey,
        change: impl FnOnce(&mut Kept),
    ) -> Option<(Kept, Kept)> {
        let (fresh, had_history) = self.entries.get_with_mark(key)?;
        let before = self.kept(fresh, had_history);
        self.set_aside(key, || Some(before.clone()));
        let mut after = before.clone();
        change(&mut after);
        let history = after.history(key);
        if history.is_some() != had_history {
            self.entries.set_mark(key, !had_history);
        }
        match history {
            Some(history) => self.histories.put(&history),
            None if had_history => drop(self.histories.remove(key)),
            None => {}
        }
        Some((before, after))
    }

    fn set_aside(&mut self, key: MessageKey, value: impl FnOnce() -> Option<Kept>) {
        if let Some(walk) = &mut self.walk {
            walk.set_aside(&key, value);
        }
    }

    /// Begins to tell what is here now.
    pub(crate) fn begin_walk(&mut self) {
        self.walk = self.entries.last().map(|last| Box::new(Walk::to(last.key)));
    }

    /// Ends a walk before its end.
    pub(crate) fn end_walk(&mut self) {
        self.walk = None;
    }

    /// The next messages, at most `count`. None: the walk has come to its end, or there is none.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<(MessageKey, Kept)> {
        let Some(mut walk) = self.walk.take() else { return Vec::new() };
        let now = self.entries.after_with_marks(walk.told());
        let same = now.filter(|(fresh, _)| !walk.has_changed(&fresh.key)).take(count);
        let now = same.map(|(fresh, has_history)| (fresh.key, self.kept(fresh, has_history)));
        let now: Vec<_> = now.collect();
        let next = walk.next(now.into_iter(), count);
        self.walk = Some(walk).filter(|_| !next.is_empty());
        next
    }
}

/// What it holds counts, and not who is being told of it.
impl PartialEq for Messages {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.histories == other.histories
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_fresh_message_takes_28_bytes_and_one_with_a_history_56_more() {
        assert_eq!((size_of::<Entry>(), size_of::<History>()), (28, 56));
    }

    /// Times that are near one another, or as far as times can be.
    fn sent_at(number: u64) -> Timestamp {
        Timestamp::from_millis(if number.is_multiple_of(5) { number << 34 } else { number % 1000 })
    }

    fn message(number: u64) -> Kept {
        let (at, id) = (sent_at(number), MessageId::from_random([9; 16]));
        let mut message = Kept::sent(id, u32::try_from(number % 100).unwrap(), at, at);
        if number.is_multiple_of(3) {
            message.count_receive(at);
        }
        message
    }

    #[test]
    fn messages_are_a_map_whatever_their_keys_and_times() {
        for seed in 0..40_u64 {
            let (mut messages, mut model) = (Messages::default(), BTreeMap::new());
            for step in 0..4000_u64 {
                let number = (seed * 10_000 + step).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 25;
                let spread = if seed % 2 == 0 { 1 } else { 1 << 30 };
                let key = MessageKey::new(number % 600 * spread);
                match number / 600 % 4 {
                    0 | 1 if !model.contains_key(&key) => {
                        messages.insert(key, &message(number));
                        model.insert(key, message(number));
                    }
                    2 => assert_eq!(messages.remove(key), model.remove(&key)),
                    _ => {
                        let receive = |message: &mut Kept| message.count_receive(sent_at(1));
                        let forget = |message: &mut Kept| message.receive_count = 0;
                        let change = if number % 2 == 0 { receive } else { forget };
                        messages.change(key, change);
                        model.entry(key).and_modify(change);
                    }
                }
            }
            assert!(messages.keys().eq(model.keys().copied()));
            assert!(model.iter().all(|(key, kept)| messages.get(*key).as_ref() == Some(kept)));
            messages.begin_walk();
            assert!(messages.walk(usize::MAX).into_iter().eq(model));
        }
    }
}
