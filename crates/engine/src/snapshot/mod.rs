//! What a queue held at one moment, told piece by piece while it goes on changing.
//!
//! [`Queue::begin_snapshot`] fixes the moment and gives the head: what is small. The rest is in maps that
//! know how to be told ([`Walk`](crate::walked::Walk)); [`Queue::next_parts`] gives the next few of
//! their entries until there are none. Of all else, such as the orders over the messages, nothing is told:
//! it follows.
//!
//! ```text
//! begin_snapshot ─► head;  next_parts, next_parts, … ─► groups, members, windows, attempts, messages
//! Queue::from_head ─► restore, restore, … ─► restored: the same queue
//! ```
//!
//! # Invariants
//!
//! - A queue that is restored from its parts equals the queue at the moment of the snapshot.
//! - The numbers of parts and fields are those of a file format, as those of events are.

mod part;
mod run;

use std::sync::Arc;

use crate::fair::Fair;
use crate::fifo::Fifo;
use crate::fifo::groups::Groups;
use crate::moves::Moves;
use crate::{Original, Queue, QueueId};

pub(crate) use part::Part;
pub use part::{QueueHead, QueuePart};

/// Who is being told: no part of what a queue is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Telling {
    is_on: bool,
    /// The queue as it was before it was purged, which is what is told.
    purged: Option<Box<Queue>>,
}

impl PartialEq for Telling {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

impl Queue {
    /// Begins to tell what the queue holds now, and gives the part that is not told piece by piece.
    pub fn begin_snapshot(&mut self) -> QueueHead {
        self.telling = Telling { is_on: true, purged: None };
        self.messages.begin_walk();
        if let Some(fifo) = &mut self.fifo {
            fifo.begin_walk();
        }
        if let Some(fair) = &mut self.fair {
            fair.begin_walk();
        }
        QueueHead::of(self)
    }

    /// What is told next: parts with at most `count` entries ([`QueuePart::entries`]). None: all is told.
    pub fn next_parts(&mut self, count: usize) -> Vec<QueuePart> {
        if let Some(purged) = &mut self.telling.purged {
            let parts = purged.next_parts(count);
            if parts.is_empty() {
                self.telling = Telling::default();
            }
            return parts;
        }
        let mut parts = self.fair.as_mut().map(|fair| fair.walk(count)).unwrap_or_default();
        if let Some(fifo) = self.fifo.as_mut().filter(|_| parts.is_empty()) {
            parts = fifo.walk(count);
        }
        if parts.is_empty() {
            parts = Part::of_messages(self.messages.walk(count));
        }
        self.telling.is_on &= !parts.is_empty();
        parts.into_iter().map(QueuePart).collect()
    }

    /// Ends a snapshot before its end.
    pub fn end_snapshot(&mut self) {
        self.telling = Telling::default();
        self.messages.end_walk();
        if let Some(fifo) = &mut self.fifo {
            fifo.end_walk();
        }
        if let Some(fair) = &mut self.fair {
            fair.end_walk();
        }
    }

    /// After a purge, what is being told is what was purged, unless an earlier one is.
    pub(crate) fn go_on_telling(&mut self, mut full: Self) {
        if full.telling.is_on {
            let earlier = full.telling.purged.take();
            let purged = earlier.unwrap_or_else(|| Box::new(full));
            self.telling = Telling { is_on: true, purged: Some(purged) };
        }
    }

    /// The queue that a head belongs to, as yet without anything.
    pub fn from_head(id: QueueId, head: QueueHead) -> Self {
        let QueueHead { settings, fifo, fair_groups, moves } = head;
        let fifo = fifo.map(|head| {
            let mut fifo = Fifo::new(head.scope());
            fifo.last_sequence = head.last_sequence;
            fifo.groups = Groups::after((head.last_group, head.last_turn));
            Box::new(fifo)
        });
        let fair = fair_groups.map(|last| Box::new(Fair::after(last)));
        Self { fifo, fair, moves: Moves::restored(moves), ..Self::new(id, settings) }
    }

    /// Takes in a part that was told of, in the order of their telling. After the last one comes
    /// [`Queue::restored`].
    pub fn restore(&mut self, QueuePart(part): QueuePart) {
        match (part, &mut self.fifo, &mut self.fair) {
            (Part::Message { key, message }, ..) => {
                let message = message.kept(self.messages.last_source().as_ref());
                self.put_in_place(key, &message);
            }
            (Part::Fresh(run), ..) => {
                run.messages().for_each(|(key, message)| self.put_in_place(key, &message));
            }
            (Part::FairGroup { number, id }, _, Some(fair)) => fair.restore(number, &id),
            (Part::FairMember { key, group }, _, Some(fair)) => fair.restore_member(key, group),
            (Part::Group { number, id, turn }, Some(fifo), _) => {
                fifo.groups.restore(number, &id, turn);
            }
            (Part::Member { key, group, sequence }, Some(fifo), _) => {
                fifo.groups.restore_member(key, group, sequence);
            }
            (Part::Original { key, id, sequence, end }, Some(fifo), _) => {
                fifo.window.restore(&key, Original { id, sequence }, end);
            }
            (Part::Attempt { id, attempt }, Some(fifo), _) => fifo.attempts.remember(&id, attempt),
            (
                Part::FairGroup { .. }
                | Part::FairMember { .. }
                | Part::Group { .. }
                | Part::Member { .. }
                | Part::Original { .. }
                | Part::Attempt { .. },
                ..,
            ) => panic!("a part of another sort of queue"),
        }
    }

    /// All parts were taken in.
    pub fn restored(&mut self) {
        if let Some(fifo) = &mut self.fifo {
            fifo.window.restored();
        }
    }
}

impl Fifo {
    fn begin_walk(&mut self) {
        self.groups.begin_walk();
        self.window.begin_walk();
        self.attempts.begin_walk();
    }

    fn end_walk(&mut self) {
        self.groups.end_walk();
        self.window.end_walk();
        self.attempts.end_walk();
    }

    fn walk(&mut self, count: usize) -> Vec<Part> {
        let mut parts = self.groups.walk(count);
        if parts.is_empty() {
            parts = self.window.walk(count);
        }
        if parts.is_empty() {
            let attempt = |(id, attempt)| Part::Attempt { id, attempt };
            parts = self.attempts.walk(count).into_iter().map(attempt).collect();
        }
        parts
    }
}

/// Messages that came together share the name of where they come from.
pub(crate) fn share<T: PartialEq>(value: T, shared: Option<&Arc<T>>) -> Arc<T> {
    match shared.filter(|shared| ***shared == value) {
        Some(shared) => Arc::clone(shared),
        None => Arc::new(value),
    }
}
