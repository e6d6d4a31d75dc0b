//! What a log with gaps makes: the state of a broker, as far as the records that are left tell it.
//!
//! A replay relies on every record being there. Where some are missing, the next ones may speak of queues that
//! nobody has heard of, and bring messages that have not left elsewhere. Here they are made to fit.
//!
//! # Invariants
//!
//! - A message is in one queue: the one that the last record says.

use std::collections::BTreeMap;

use longshore_engine::{CatalogEvent, Event, MessageKey, Queue, QueueEntry, QueueId};
use longshore_storage::{BodyKey, Lsn, Rebuild, ReplayError};
use longshore_types::{QueueArn, Settings, Timestamp, limits};

use super::replay::Replay;
use super::state::Owned;
use crate::journal::{Change, Entry};
use crate::log::body_key;

/// What is left of a broker's state.
#[derive(Debug, Default)]
pub(crate) struct Salvaging(Replay);

impl Rebuild for Salvaging {
    fn restore(&mut self, piece: &[u8]) -> Result<(), ReplayError> {
        self.0.restore(piece)
    }

    fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        self.0.end_restoring();
        let entry = Entry::decode(events).map_err(ReplayError::new)?;
        for change in &entry.changes {
            self.make_way(change, entry.at, lsn, released);
        }
        self.0.record(lsn, events, released)
    }
}

impl Salvaging {
    /// All records were taken in.
    #[must_use]
    pub(crate) fn ended(mut self) -> Self {
        self.0.end_restoring();
        self
    }

    /// The queues that there are, with their messages.
    pub(crate) fn queues(&self) -> impl Iterator<Item = (&QueueEntry, &Queue)> {
        let state = &self.0.state;
        state.catalog.queues().filter_map(|entry| {
            let owned = state.queues.get(&entry.id)?;
            Some((entry, &owned.queue))
        })
    }

    /// What the wall clock showed at an internal time.
    pub(crate) fn shown(&self, time: Timestamp) -> Timestamp {
        self.0.state.shown.at(time)
    }

    /// Has a change find what it relies on.
    fn make_way(&mut self, change: &Change, at: Timestamp, lsn: Lsn, released: &mut Vec<BodyKey>) {
        match change {
            Change::Catalog(CatalogEvent::Created { arn, .. }) => {
                // The queue of that name was deleted, and that is what is missing.
                let before = self.0.state.catalog.by_arn(arn);
                let deleted = before.map(|id| Change::Catalog(CatalogEvent::Deleted { id }));
                let gone = deleted.map(|deleted| self.0.state.apply(&deleted, at, lsn));
                released.extend(gone.into_iter().flatten().map(body_key));
            }
            Change::Catalog(_) => {}
            Change::Queue(id, event) => {
                if brings(event) && !self.0.state.queues.contains_key(id) {
                    self.adopt(*id, matches!(event, Event::SentFifo { .. }), at, lsn);
                }
                self.take_out(&moved(event), at, lsn);
            }
        }
    }

    /// Makes a queue whose creation is missing, under a name that says so. It keeps messages for as
    /// long as any queue can.
    fn adopt(&mut self, id: QueueId, is_fifo: bool, at: Timestamp, lsn: Lsn) {
        let suffix = if is_fifo { ".fifo" } else { "" };
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:salvaged-{id}{suffix}");
        let arn = QueueArn::parse(&arn).expect("it is written as ARNs are");
        let (attributes, tags) = (BTreeMap::new(), BTreeMap::new());
        let created = CatalogEvent::Created { id, arn, attributes, tags };
        self.0.state.apply(&Change::Catalog(created), at, lsn);
        let settings = Settings { retention: limits::RETENTION_MAX, ..Settings::default() };
        self.0.state.apply(&Change::Queue(id, Event::SettingsChanged { settings }), at, lsn);
    }

    /// Takes messages out of the queues that they must have left.
    fn take_out(&mut self, keys: &[MessageKey], at: Timestamp, lsn: Lsn) {
        for key in keys {
            let has_it = |(id, owned): (&QueueId, &Owned)| owned.queue.id_of(*key).map(|_| *id);
            let found: Vec<_> = self.0.state.queues.iter().filter_map(has_it).collect();
            for id in found {
                let left = Change::Queue(id, Event::DeadLettered { keys: vec![*key] });
                self.0.state.apply(&left, at, lsn);
            }
        }
    }
}

/// Whether an event brings messages to its queue.
fn brings(event: &Event) -> bool {
    matches!(event, Event::Sent { .. } | Event::SentFifo { .. }) || !moved(event).is_empty()
}

/// The messages that an event brings from another queue.
fn moved(event: &Event) -> Vec<MessageKey> {
    match event {
        Event::Arrived { messages, .. } => messages.iter().map(|message| message.key).collect(),
        Event::Redriven { messages } => messages.iter().map(|message| message.key).collect(),
        Event::Sent { .. }
        | Event::SentFifo { .. }
        | Event::Received { .. }
        | Event::VisibilityChanged { .. }
        | Event::Deleted { .. }
        | Event::Purged
        | Event::DeadLettered { .. }
        | Event::SettingsChanged { .. }
        | Event::Attempted { .. }
        | Event::Repeated { .. }
        | Event::MoveStarted { .. }
        | Event::MoveEnded { .. }
        | Event::Left { .. } => Vec::new(),
    }
}
