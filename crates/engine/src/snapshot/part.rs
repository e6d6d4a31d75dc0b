//! The parts of a queue, as a checkpoint has them.

use std::sync::Arc;

use longshore_types::{MessageId, QueueArn, Settings, Timestamp};
use minicbor::{Decode, Encode};

use super::run::Run;
use super::share;
use crate::event::settings_codec;
use crate::fifo::attempts::Attempt;
use crate::group::GroupNumber;
use crate::message::{Kept, Stage};
use crate::{DeduplicationScope, MessageKey, MoveTask, Queue, SequenceNumber};

/// What of a queue is told at once: it is small.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct QueueHead {
    #[cbor(n(0), with = "settings_codec")]
    pub(super) settings: Settings,
    #[n(1)]
    pub(super) fifo: Option<FifoHead>,
    /// The number of the last group, if messages with groups came to this standard queue.
    #[n(2)]
    pub(super) fair_groups: Option<u64>,
    /// The newest first.
    #[n(3)]
    pub(super) moves: Vec<MoveTask>,
}

/// What a FIFO queue has beside.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub(super) struct FifoHead {
    #[n(0)]
    by_group: bool,
    #[n(1)]
    pub(super) last_sequence: SequenceNumber,
    #[n(2)]
    pub(super) last_group: u64,
    #[n(3)]
    pub(super) last_turn: u64,
}

impl QueueHead {
    pub(super) fn of(queue: &Queue) -> Self {
        let fifo = queue.fifo.as_ref().map(|fifo| {
            let (last_group, last_turn) = fifo.groups.last();
            let by_group = fifo.window.scope() == DeduplicationScope::MessageGroup;
            FifoHead { by_group, last_sequence: fifo.last_sequence, last_group, last_turn }
        });
        Self {
            settings: queue.settings.clone(),
            fifo,
            fair_groups: queue.fair.as_ref().map(|fair| fair.last_group()),
            moves: queue.moves.newest_first().cloned().collect(),
        }
    }
}

impl FifoHead {
    pub(super) const fn scope(&self) -> DeduplicationScope {
        if self.by_group { DeduplicationScope::MessageGroup } else { DeduplicationScope::Queue }
    }
}

/// A part of what a queue held.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[cbor(transparent)]
pub struct QueuePart(#[n(0)] pub(crate) Part);

/// What a part is.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Part {
    /// A message.
    #[n(0)]
    Message {
        #[n(0)]
        key: MessageKey,
        #[n(1)]
        message: Told,
    },
    /// A message group of a FIFO queue.
    #[n(1)]
    Group {
        #[n(0)]
        number: GroupNumber,
        #[n(1)]
        id: String,
        #[n(2)]
        turn: u64,
    },
    /// The group of a message, and its place.
    #[n(2)]
    Member {
        #[n(0)]
        key: MessageKey,
        #[n(1)]
        group: GroupNumber,
        #[n(2)]
        sequence: SequenceNumber,
    },
    /// A deduplication window that is open.
    #[n(3)]
    Original {
        #[n(0)]
        key: String,
        #[n(1)]
        id: MessageId,
        #[n(2)]
        sequence: SequenceNumber,
        #[n(3)]
        end: Timestamp,
    },
    /// A receive that can be asked for again.
    #[n(4)]
    Attempt {
        #[n(0)]
        id: String,
        #[n(1)]
        attempt: Attempt,
    },
    /// A message group of a standard queue.
    #[n(5)]
    FairGroup {
        #[n(0)]
        number: GroupNumber,
        #[n(1)]
        id: String,
    },
    /// The group of a message of a standard queue.
    #[n(6)]
    FairMember {
        #[n(0)]
        key: MessageKey,
        #[n(1)]
        group: GroupNumber,
    },
    /// Messages that nothing has happened to since they were sent.
    #[n(7)]
    Fresh(#[n(0)] Run),
}

impl Part {
    /// Messages in the order of their keys, those side by side that are fresh as one part.
    pub(super) fn of_messages(messages: Vec<(MessageKey, Kept)>) -> Vec<Self> {
        let mut parts = Vec::new();
        for (key, message) in messages {
            match parts.last_mut() {
                Some(Self::Fresh(run)) if message.is_fresh() => run.push(key, &message),
                _ if message.is_fresh() => {
                    let mut run = Run::default();
                    run.push(key, &message);
                    parts.push(Self::Fresh(run));
                }
                _ => parts.push(Self::Message { key, message: Told::of(&message) }),
            }
        }
        parts
    }
}

impl QueuePart {
    /// How many entries it tells of.
    pub fn entries(&self) -> usize {
        if let Part::Fresh(run) = &self.0 { run.len() } else { 1 }
    }
}

/// What is told of a message.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) struct Told {
    #[n(0)]
    id: MessageId,
    #[n(1)]
    sent_at: Timestamp,
    #[n(2)]
    first_received_at: Timestamp,
    #[n(3)]
    stage: Stage,
    #[n(4)]
    bytes: u32,
    #[n(5)]
    receive_count: u32,
    #[n(6)]
    redrive_count: u32,
    #[n(7)]
    delivery: u32,
    #[n(8)]
    dead_letter_source: Option<QueueArn>,
}

impl Told {
    fn of(kept: &Kept) -> Self {
        Self {
            id: kept.id,
            sent_at: kept.sent_at,
            first_received_at: kept.first_received_at,
            stage: kept.stage,
            bytes: kept.bytes,
            receive_count: kept.receive_count,
            redrive_count: kept.redrive_count,
            delivery: kept.delivery,
            dead_letter_source: kept.dead_letter_source.as_deref().cloned(),
        }
    }

    /// What a queue keeps of it. `shared` is the source of the message before.
    pub(super) fn kept(self, shared: Option<&Arc<QueueArn>>) -> Kept {
        Kept {
            id: self.id,
            sent_at: self.sent_at,
            first_received_at: self.first_received_at,
            stage: self.stage,
            bytes: self.bytes,
            receive_count: self.receive_count,
            redrive_count: self.redrive_count,
            delivery: self.delivery,
            dead_letter_source: self.dead_letter_source.map(|source| share(source, shared)),
        }
    }
}
