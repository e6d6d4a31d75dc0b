//! The catalog and the queues, and the one way to change them: append, then apply.
//!
//! # Invariants
//!
//! - [`Ledger::commit`] appends what it applies, in the same order, and at the same time; what does
//!   not hold stops the process before it is appended.
//! - Replaying the log through [`Replay`](super::replay::Replay) rebuilds the same catalog and queues.
//! - Time never runs backwards, over restarts neither: it is never before the last record's.
//!   It is internal time (`times`), which clients are not told.

use std::collections::BTreeSet;
use std::time::Duration;

use longshore_engine::{
    Catalog, CatalogEvent, Event, MessageKey, Queue, QueueEntry, QueueId, QueueKind,
};
use longshore_storage::{Lsn, Progress, Purpose, ReserveError};
use longshore_types::{AttributeName, MessageId, QueueArn, Timestamp};
use longshore_wire::SqsError;

use super::state::State;
use super::{ClockMark, Lapse, Need, Times, catalog_size};
use crate::clock::Reading;
use crate::journal::{Change, Entry};
use crate::log::{Append, Body, Log, Room};
use crate::metrics::Tally;
use crate::policy::Policy;

/// How much of its time a broker that is killed can forget.
const TIME_NOTED_EVERY: Duration = Duration::from_secs(600);

/// Which of the rules that SQS leaves to taste are kept, and how large all may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Whether the 60-second rules hold: to purge again, and to create a deleted queue again.
    pub(crate) strict: bool,
    /// Queues that there may be.
    pub(crate) queues_max: usize,
    /// Bytes of all queues' tags and attributes.
    pub(crate) catalog_bytes_max: u64,
    /// Receives that may wait for one queue.
    pub(crate) waiting_receives_max: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            strict: false,
            queues_max: 10_000,
            catalog_bytes_max: 32 << 20,
            waiting_receives_max: 20_000,
        }
    }
}

/// How often each bound was met since the broker started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Queues that were not created, because there were too many.
    pub(crate) queues: u64,
    /// Queues, tags and attributes that were refused, because there were too many bytes of them.
    pub(crate) catalog_bytes: u64,
    /// Receives that did not wait, because too many did.
    pub(crate) waiting_receives: u64,
}

/// The catalog and the queues.
#[derive(Debug)]
pub(crate) struct Ledger {
    rules: Rules,
    refused: Refused,
    log: Box<dyn Log>,
    state: State,
    next_key: u64,
    times: Times,
    /// Queues that changed since somebody looked who waits for them.
    touched: BTreeSet<QueueId>,
    /// Queues whose waiters could not be served for want of room in the log.
    blocked: BTreeSet<QueueId>,
    /// Queues whose access policy was set.
    new_policies: BTreeSet<QueueId>,
    /// Queues that have a move task running, as of when they were last looked at.
    moving: BTreeSet<QueueId>,
}

impl Ledger {
    /// The ledger of a log that was replayed.
    pub(super) fn new(
        rules: Rules,
        log: Box<dyn Log>,
        state: State,
        next_key: u64,
        times: Times,
    ) -> Self {
        Self {
            rules,
            refused: Refused::default(),
            log,
            touched: state.queues.keys().copied().collect(),
            state,
            next_key,
            times,
            blocked: BTreeSet::new(),
            new_policies: BTreeSet::new(),
            moving: BTreeSet::new(),
        }
    }

    /// Which rules are kept.
    pub(crate) const fn rules(&self) -> Rules {
        self.rules
    }

    /// How often each bound was met.
    pub(crate) const fn refused(&self) -> &Refused {
        &self.refused
    }

    pub(crate) const fn refused_mut(&mut self) -> &mut Refused {
        &mut self.refused
    }

    /// The bytes of all queues' tags and attributes.
    pub(crate) const fn catalog_bytes(&self) -> u64 {
        self.state.catalog_bytes
    }

    /// The bytes of tags and attributes that an event adds.
    pub(crate) fn catalog_growth(&self, event: &CatalogEvent) -> u64 {
        catalog_size::growth(&self.state.catalog, event)
    }

    /// Refuses what would make the catalog larger than it may be.
    pub(crate) fn check_catalog(&mut self, event: &CatalogEvent) -> Result<(), SqsError> {
        let Rules { queues_max, catalog_bytes_max, .. } = self.rules;
        let is_new = matches!(event, CatalogEvent::Created { .. });
        if is_new && self.state.catalog.count() >= queues_max {
            self.refused.queues += 1;
            return Err(SqsError::OverLimit(format!(
                "The broker has {queues_max} queues and takes no more: delete queues, or start it with a larger --queues-max."
            )));
        }
        let growth = self.catalog_growth(event);
        if growth > 0 && self.state.catalog_bytes + growth > catalog_bytes_max {
            self.refused.catalog_bytes += 1;
            return Err(SqsError::OverLimit(format!(
                "The tags and attributes of all queues have {catalog_bytes_max} bytes at most: delete queues or tags, or start the broker with a larger --catalog-bytes-max."
            )));
        }
        Ok(())
    }

    /// The time of the turn that is under way.
    pub(crate) const fn now(&self) -> Timestamp {
        self.times.now()
    }

    /// Moves time on, by what the clocks show.
    pub(crate) fn advance_time(&mut self, reading: Reading) {
        self.times.advance(reading);
        if let Some(lapse) = self.times.confirmed() {
            self.commit_lapse(lapse);
        }
    }

    /// Has a stop count. If the log has no room, it does not yet.
    fn commit_lapse(&mut self, lapse: Lapse) {
        let mark = ClockMark { doubt: 0, doubted_from: None, ..self.times.mark() };
        let entry = Entry { lapse: Some(lapse), ..Entry::new(self.now(), mark, Vec::new()) };
        if let Ok(lsn) = self.append(&entry, Vec::new(), Purpose::Shrink) {
            self.times.settle();
            self.state.lapse(lapse, lsn);
            self.touched.extend(self.state.queues.keys());
        }
    }

    /// The internal time and the shown one.
    pub(crate) const fn times(&self) -> &Times {
        &self.times
    }

    /// What the wall clock showed at an internal time: what clients are told.
    pub(crate) fn shown(&self, time: Timestamp) -> Timestamp {
        self.state.shown.at(time)
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

    /// The full name of a queue.
    pub(crate) fn arn(&self, id: QueueId) -> Option<QueueArn> {
        Some(self.entry(id)?.arn.clone())
    }

    /// The queue that a message is in, and its id. Looks at all queues.
    pub(crate) fn named(&self, key: MessageKey) -> Option<(QueueArn, MessageId)> {
        self.state.named(key)
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
        let now = self.now();
        let Some(owned) = self.state.changing(id) else { return };
        for key in owned.queue.advance(now) {
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
        let entry = Entry::new(self.now(), self.times.mark(), changes);
        self.state.assert_upheld(&entry.changes);
        let lsn = self.append(&entry, body.into_iter().collect(), purpose)?;
        for change in &entry.changes {
            self.apply(change, lsn);
        }
        Ok(lsn)
    }

    fn append(
        &mut self,
        entry: &Entry,
        bodies: Vec<Body>,
        purpose: Purpose,
    ) -> Result<Lsn, ReserveError> {
        let must_be = |change| self.must_be_durable(change);
        let sync = entry.lapse.is_some() || entry.changes.iter().any(must_be);
        let lsn = self.log.append(Append { events: &entry.encode(), bodies, sync, purpose })?;
        self.state.shown.note(entry.at, entry.mark().offset);
        Ok(lsn)
    }

    /// Appends what time it is, so that a start need not take an idle while for a stop. A log that has no
    /// room does without.
    pub(crate) fn note_time(&mut self) {
        self.commit(Vec::new(), None, Purpose::Keep).ok();
    }

    /// Appends bodies once more that a segment should no longer hold. What is gone by now stays so: all
    /// that is said after this comes later in the log.
    pub(super) fn move_on(&mut self, bodies: Vec<Body>) -> Result<(), ReserveError> {
        let wanted = bodies.into_iter().filter(|(key, _)| self.log.holds(*key)).collect();
        let entry = Entry::new(self.now(), self.times.mark(), Vec::new());
        self.append(&entry, wanted, Purpose::Keep).map(drop)
    }

    /// Begins to tell all that is here.
    pub(super) fn begin_telling(&mut self) {
        self.state.begin_telling((self.now(), self.times.mark()), self.next_key);
    }

    pub(super) fn next_piece(&mut self) -> Option<Vec<u8>> {
        self.state.next_piece()
    }

    pub(super) fn end_telling(&mut self) {
        self.state.end_telling();
    }

    /// All that is here, with each queue as it is now. The counter of keys is left out: a replay knows of those alone
    /// that came to be a message's.
    #[cfg(feature = "simulation")]
    pub(crate) fn tell_all(&mut self) -> Vec<Vec<u8>> {
        let queues: Vec<_> = self.state.queues.keys().copied().collect();
        for id in queues {
            self.advance_quietly(id);
        }
        self.state.begin_telling((self.now(), self.times.mark()), 0);
        let pieces = std::iter::from_fn(|| self.next_piece()).collect();
        self.end_telling();
        pieces
    }

    /// Notes the time at which all was told: what expired until then is gone after a replay too.
    pub(super) fn note_told(&mut self) -> Option<Lsn> {
        self.commit(Vec::new(), None, Purpose::Start).ok()
    }

    /// [`Ledger::note_time`], if nothing else has told it for a while.
    pub(crate) fn note_idle_time(&mut self) {
        if self.now().since(self.state.shown.last_record()) >= TIME_NOTED_EVERY {
            self.note_time();
        }
    }

    fn apply(&mut self, change: &Change, lsn: Lsn) {
        for key in self.state.apply(change, self.now(), lsn) {
            self.log.release(key);
        }
        self.touched.extend(changed_queue(change));
        if let Change::Queue(id, event) = change {
            self.count(*id, |tally| tally.count_send(event));
        }
        self.new_policies.extend(queue_of_new_policy(change));
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

    /// The queues whose access policy was set since this was asked.
    pub(crate) fn take_new_policies(&mut self) -> BTreeSet<QueueId> {
        std::mem::take(&mut self.new_policies)
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

fn queue_of_new_policy(change: &Change) -> Option<QueueId> {
    let Change::Catalog(CatalogEvent::AttributesSet { id, attributes }) = change else {
        return None;
    };
    attributes.contains_key(&AttributeName::Policy).then_some(*id)
}

/// What a caller is told when the log takes no record. Nothing has changed.
pub(crate) fn log_failure(failure: ReserveError) -> SqsError {
    if matches!(failure, ReserveError::Poisoned | ReserveError::Closed) {
        return SqsError::InternalFailure;
    }
    SqsError::ServiceUnavailable(failure.to_string())
}
