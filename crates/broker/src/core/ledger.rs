//! The catalog and the queues, and the one way to change them: append, then apply.
//!
//! # Invariants
//!
//! - [`Ledger::commit`] appends what it applies, in the same order, and at the same time.
//! - Replaying the log through [`Replay`] rebuilds the same catalog and queues.
//! - Time never runs backwards, over restarts neither: it is never before the last record's.

use std::collections::BTreeSet;

use longshore_engine::{
    Catalog, CatalogEvent, Event, MessageKey, Queue, QueueEntry, QueueId, QueueKind,
};
use longshore_storage::{BodyKey, Lsn, Progress, Purpose, ReplayError, ReserveError};
use longshore_types::Timestamp;
use longshore_wire::SqsError;

use super::Need;
use super::state::State;
use crate::journal::{Change, Entry};
use crate::log::{Append, Body, Log, Room, body_key};
use crate::metrics::Tally;
use crate::policy::Policy;

/// Which of the rules that SQS leaves to taste are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Whether the 60-second rules hold: to purge again, and to create a deleted queue again.
    pub(crate) strict: bool,
}

/// The catalog and the queues.
#[derive(Debug)]
pub(crate) struct Ledger {
    rules: Rules,
    log: Box<dyn Log>,
    state: State,
    next_key: u64,
    now: Timestamp,
    /// Queues that changed since somebody looked who waits for them.
    touched: BTreeSet<QueueId>,
    /// Queues whose waiters could not be served for want of room in the log.
    blocked: BTreeSet<QueueId>,
    /// Queues that have a move task running, as of when they were last looked at.
    moving: BTreeSet<QueueId>,
}

/// What a log says, on the way to being a [`Ledger`].
#[derive(Debug, Default)]
pub(crate) struct Replay {
    state: State,
    next_key: u64,
    now: Timestamp,
}

impl Replay {
    /// Applies one record; `released` gets the bodies that nothing needs any more.
    pub(crate) fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        let entry = Entry::decode(events).map_err(ReplayError::new)?;
        self.now = self.now.max(entry.at);
        for change in &entry.changes {
            self.next_key = self.next_key.max(next_key(change));
            let gone = self.state.apply(change, entry.at, lsn);
            released.extend(gone.into_iter().map(body_key));
        }
        Ok(())
    }

    /// The ledger, on the log that was replayed.
    pub(crate) fn finish(self, rules: Rules, log: Box<dyn Log>) -> Ledger {
        let Self { state, next_key, now } = self;
        let touched = state.queues.keys().copied().collect();
        let (blocked, moving) = (BTreeSet::new(), BTreeSet::new());
        Ledger { rules, log, state, next_key, now, touched, blocked, moving }
    }
}

/// The key after a change's own, if it brings a message.
fn next_key(change: &Change) -> u64 {
    match change {
        Change::Queue(_, Event::Sent { key, .. } | Event::SentFifo { key, .. }) => key.get() + 1,
        Change::Queue(..) | Change::Catalog(_) => 0,
    }
}

impl Ledger {
    /// Which rules are kept.
    pub(crate) const fn rules(&self) -> Rules {
        self.rules
    }

    /// The time of the turn that is under way.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves time on; it never runs backwards.
    pub(crate) fn advance_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// Which queues there are.
    pub(crate) const fn catalog(&self) -> &Catalog {
        &self.state.catalog
    }

    /// A queue, as it was when it was last advanced.
    pub(crate) fn queue(&self, id: QueueId) -> Option<&Queue> {
        self.state.queues.get(&id).map(|owned| &owned.queue)
    }

    /// When a queue was last purged, since the broker started or its log says.
    pub(crate) fn purged_at(&self, id: QueueId) -> Option<Timestamp> {
        self.state.queues.get(&id)?.purged_at
    }

    /// A queue's access policy.
    pub(crate) fn policy(&self, id: QueueId) -> Option<&Policy> {
        self.state.queues.get(&id)?.policy.as_ref()
    }

    /// What happened at a queue since the broker started.
    pub(crate) fn tally(&self, id: QueueId) -> Option<&Tally> {
        self.state.queues.get(&id).map(|owned| &owned.tally)
    }

    /// Counts what happens at a queue.
    pub(crate) fn count(&mut self, id: QueueId, count: impl FnOnce(&mut Tally)) {
        if let Some(owned) = self.state.queues.get_mut(&id) {
            count(&mut owned.tally);
        }
    }

    /// What is known of a queue beside its messages.
    pub(crate) fn entry(&self, id: QueueId) -> Option<&QueueEntry> {
        self.state.catalog.get(id)
    }

    /// How far the log has come.
    pub(crate) fn progress(&self) -> Progress {
        self.log.progress()
    }

    /// How far the log must come before an answer about the queue may leave.
    pub(crate) fn settled(&self, id: QueueId) -> Need {
        let queue = self.state.queues.get(&id).map(|owned| Need::durable(owned.settled));
        self.catalog_settled().and(queue.unwrap_or_default())
    }

    /// How far the log must come before an answer about the catalog may leave.
    pub(crate) const fn catalog_settled(&self) -> Need {
        Need::durable(self.state.catalog_settled)
    }

    /// Moves what has come due in a queue, and has its waiters and timer looked at.
    pub(crate) fn advance(&mut self, id: QueueId) {
        self.advance_quietly(id);
        self.touched.insert(id);
    }

    /// Moves what has come due in a queue that is being looked at already.
    pub(super) fn advance_quietly(&mut self, id: QueueId) {
        let Some(owned) = self.state.queues.get_mut(&id) else { return };
        for key in owned.queue.advance(self.now) {
            self.log.release(key);
        }
    }

    /// The key of a message that is about to be sent.
    pub(crate) fn new_key(&mut self) -> MessageKey {
        let key = MessageKey::new(self.next_key);
        self.next_key += 1;
        key
    }

    /// Whether the log has room for what is about to be decided.
    pub(crate) fn check_room(&self, room: Room) -> Result<(), ReserveError> {
        self.log.check_room(room)
    }

    /// Appends `changes` as one record and applies them. Nothing changes if the log has no room.
    pub(crate) fn commit(
        &mut self,
        changes: Vec<Change>,
        body: Option<Body>,
        purpose: Purpose,
    ) -> Result<Lsn, ReserveError> {
        let entry = Entry { at: self.now, changes };
        let sync = entry.changes.iter().any(|change| self.must_be_durable(change));
        let append = Append { events: &entry.encode(), body, sync, purpose };
        let lsn = self.log.append(append)?;
        for change in &entry.changes {
            self.apply(change, lsn);
        }
        Ok(lsn)
    }

    fn apply(&mut self, change: &Change, lsn: Lsn) {
        for key in self.state.apply(change, self.now, lsn) {
            self.log.release(key);
        }
        self.touched.extend(changed_queue(change));
        if let Change::Queue(id, event) = change {
            self.count(*id, |tally| tally.count_send(event));
        }
        if let Change::Catalog(CatalogEvent::Deleted { id }) = change {
            self.moving.remove(id);
            // A task that moves messages to the queue that is gone is to fail now.
            self.touched.extend(&self.moving);
        }
    }

    /// Only the record of a standard receive may be lost in a power cut: the message comes again,
    /// and nobody was promised an order.
    fn must_be_durable(&self, change: &Change) -> bool {
        let Change::Queue(id, Event::Received { .. }) = change else { return true };
        self.queue(*id).is_none_or(|queue| queue.kind() == QueueKind::Fifo)
    }

    /// Has the queue's waiters and timer looked at before the turn ends.
    pub(crate) fn touch(&mut self, id: QueueId) {
        self.touched.insert(id);
    }

    /// A queue whose waiters and timer are to be looked at.
    pub(crate) fn next_touched(&mut self) -> Option<QueueId> {
        self.touched.pop_first()
    }

    /// Notes whether the queue has a move task running.
    pub(super) fn note_moving(&mut self, id: QueueId, is_moving: bool) {
        if is_moving {
            self.moving.insert(id);
        } else {
            self.moving.remove(&id);
        }
    }

    /// The queues that have a move task running.
    pub(crate) fn moving(&self) -> impl Iterator<Item = QueueId> + '_ {
        self.moving.iter().copied()
    }

    /// The queue's waiters are served again when the log has moved on.
    pub(super) fn block(&mut self, id: QueueId) {
        self.blocked.insert(id);
    }

    /// The log has moved on: serves again whom it had no room for.
    pub(crate) fn retry_blocked(&mut self) {
        self.touched.append(&mut self.blocked);
    }
}

const fn changed_queue(change: &Change) -> Option<QueueId> {
    match change {
        Change::Queue(id, _) | Change::Catalog(CatalogEvent::Deleted { id }) => Some(*id),
        Change::Catalog(_) => None,
    }
}

/// What a caller is told when the log takes no record. Nothing has changed.
pub(crate) fn log_failure(failure: ReserveError) -> SqsError {
    if matches!(failure, ReserveError::Poisoned | ReserveError::Closed) {
        return SqsError::InternalFailure;
    }
    SqsError::ServiceUnavailable(failure.to_string())
}
