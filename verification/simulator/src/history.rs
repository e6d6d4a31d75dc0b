//! What clients asked and were told, message by message: plain facts, of which `book.rs` and `checks.rs` make sense.

use crate::clock::Millis;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is under way.
    Pending,
    /// It was acknowledged then.
    Done(Millis),
    /// It was refused for a reason: nothing happened.
    Refused,
    /// Nobody knows: it happened, or it did not.
    Unknown,
}

/// One attempt to send a message. Its number is in its body.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) queue: usize,
    pub(crate) body: String,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
    pub(crate) delay: Millis,
    pub(crate) start: Millis,
    /// All jumps ahead of the wall clock that a start may have believed until then.
    pub(crate) gained: Millis,
    pub(crate) end: End,
    /// The ids that it is known by: a message that is moved by a task gets another one.
    pub(crate) ids: Vec<String>,
    pub(crate) sequence: Option<u128>,
    /// A power cut may have taken it, though it was acknowledged.
    pub(crate) may_be_lost: bool,
    pub(crate) gone: Gone,
    /// How often its queue may have been purged, and has forgotten its deduplication id then.
    pub(crate) purges: u64,
    pub(crate) deliveries: Vec<Delivered>,
    /// Changes of its visibility that are under way.
    pub(crate) changes: u64,
    /// When the last of them ended.
    pub(crate) changed: Millis,
}

impl Sent {
    /// Somebody asks for the end of everything in its queue.
    pub(crate) fn purge(&mut self, at: Millis) {
        self.gone.ask(at);
        self.purges += 1;
    }

    /// One who asked was refused, so that nothing came of it.
    pub(crate) fn refuse_purge(&mut self) {
        self.gone.refuse();
        self.purges -= 1;
    }

    /// Whether its queue may have been purged.
    pub(crate) const fn may_be_purged(&self) -> bool {
        self.purges > 0
    }
}

/// What is known of the end of a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Gone {
    /// When somebody first asked for it.
    pub(crate) asked: Option<Millis>,
    /// When it was acknowledged.
    pub(crate) told: Option<Millis>,
    /// How many asked, but for those that were refused.
    asks: u64,
}

impl Gone {
    /// Somebody asks for it.
    pub(crate) fn ask(&mut self, at: Millis) {
        self.asked.get_or_insert(at);
        self.asks += 1;
    }

    /// One who asked was refused.
    pub(crate) fn refuse(&mut self) {
        self.asks -= 1;
        if self.asks == 0 {
            self.asked = None;
        }
    }

    /// It was acknowledged.
    pub(crate) fn tell(&mut self, at: Millis) {
        self.told.get_or_insert(at);
    }
}

/// One delivery of a message.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    /// A message that a task moved is another one, with another id.
    pub(crate) id: String,
    pub(crate) queue: usize,
    pub(crate) boot: u64,
    pub(crate) start: Millis,
    pub(crate) end: Millis,
    pub(crate) gained: Millis,
    /// Until when it was leased at the least.
    pub(crate) until: Millis,
    pub(crate) count: u64,
    /// A power cut may have taken it back.
    pub(crate) may_be_lost: bool,
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) handle: String,
    pub(crate) count: u64,
    pub(crate) sequence: Option<u128>,
}

/// A receive, from when to when, and what it asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receive {
    pub(crate) queue: usize,
    pub(crate) start: Millis,
    pub(crate) boot: u64,
    pub(crate) visibility: Millis,
}

/// The delivery that a client holds a handle of.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) queue: usize,
    pub(crate) sent: usize,
    pub(crate) delivery: usize,
    pub(crate) handle: String,
}

/// The number in a body.
pub(crate) fn number_of(body: &str) -> Option<usize> {
    body.split(':').next()?.parse().ok()
}
