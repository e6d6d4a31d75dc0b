//! The catalog and the queues as events leave them: by the same code, whether a change is live or
//! replayed.
//!
//! # Invariants
//!
//! - What is here follows from the log's records alone, but for the tallies, which begin with the
//!   broker.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_engine::{
    Catalog, CatalogEvent, CatalogPart, DeduplicationScope, Event, Lapses, MessageKey, Queue,
    QueueId, QueueKind,
};
use longshore_storage::Lsn;
use longshore_types::{AttributeName, MessageId, QueueArn, QueueName, Settings, Timestamp};

use super::shown::Shown;
use super::telling::{OfBroker, Part, Telling, millis};
use super::{ClockMark, Lapse, catalog_size};
use crate::attribute::policy_of;
use crate::journal::Change;
use crate::metrics::Tally;
use crate::policy::Policy;

/// A queue, and how far the log must come before an answer about it may leave.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) queue: Queue,
    /// The last record that changed the queue by more than a receive that may be lost.
    pub(super) settled: Lsn,
    pub(super) purged_at: Option<Timestamp>,
    /// What the attribute `Policy` says, parsed when it is set and not at each request.
    pub(super) policy: Option<Policy>,
    /// What happened since the broker started.
    pub(super) tally: Tally,
}

impl Owned {
    fn created(queue: Queue, policy: Option<Policy>, lsn: Lsn) -> Self {
        Self { queue, settled: lsn, purged_at: None, policy, tally: Tally::default() }
    }

    /// Has the queue begin to tell what it holds, and answers its head.
    pub(super) fn begin(&mut self, id: QueueId) -> Part {
        Part::Queue { id, purged_at: self.purged_at, head: self.queue.begin_snapshot() }
    }
}

/// What events change.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) catalog: Catalog,
    /// The last record that changed the catalog.
    pub(super) catalog_settled: Lsn,
    /// The bytes of what is written about all queues.
    pub(super) catalog_bytes: u64,
    pub(super) queues: BTreeMap<QueueId, Owned>,
    /// What the wall clock showed at the times that all of these bear.
    pub(super) shown: Shown,
    /// The stops that count: those of before a queue was created can concern what is moved to it.
    lapses: Lapses,
    /// Who is being told all of this.
    telling: Option<Telling>,
}

impl State {
    /// Applies a change, and answers the messages that are gone with it.
    pub(super) fn apply(&mut self, change: &Change, at: Timestamp, lsn: Lsn) -> Vec<MessageKey> {
        match change {
            Change::Catalog(event) => self.apply_to_catalog(event, at, lsn),
            Change::Queue(id, event) => self.apply_to_queue(*id, event, at, lsn),
        }
    }

    /// Checks what applying `changes` will rely on.
    pub(super) fn assert_upheld(&self, changes: &[Change]) {
        for change in changes {
            if let Change::Queue(id, event) = change
                && let Some(owned) = self.queues.get(id)
            {
                owned.queue.assert_upheld(event);
            }
        }
    }

    /// Has a stop of the broker count, for what was sent before it. What expires by it can be told in
    /// any answer, so all of them wait for its record, as for one of the catalog.
    pub(super) fn lapse(&mut self, Lapse { from, millis }: Lapse, lsn: Lsn) {
        self.catalog_settled = lsn;
        self.lapses.add(from, Duration::from_millis(millis));
        for owned in self.queues.values_mut() {
            owned.queue.set_lapses(self.lapses.clone());
        }
    }

    /// Lets what has come due by `at` happen in all queues, and answers the messages that are gone with it: in a
    /// replay, where nobody is told of it.
    pub(super) fn advance(&mut self, at: Timestamp) -> Vec<MessageKey> {
        self.queues.values_mut().flat_map(|owned| owned.queue.advance(at)).collect()
    }

    fn apply_to_catalog(
        &mut self,
        event: &CatalogEvent,
        at: Timestamp,
        lsn: Lsn,
    ) -> Vec<MessageKey> {
        let id = catalog_size::queue_of(event);
        let before = self.bytes_of(id);
        self.catalog.apply(event, at);
        self.catalog_bytes = self.catalog_bytes + self.bytes_of(id) - before;
        self.catalog_settled = lsn;
        if let CatalogEvent::Created { id, arn, attributes, .. } = event {
            let mut queue = new_queue(*id, &arn.name, attributes);
            queue.set_lapses(self.lapses.clone());
            self.queues.insert(*id, Owned::created(queue, policy_of(attributes), lsn));
        }
        if let CatalogEvent::AttributesSet { id, .. } = event
            && let (Some(owned), Some(entry)) = (self.queues.get_mut(id), self.catalog.get(*id))
        {
            owned.policy = policy_of(&entry.attributes);
        }
        if let CatalogEvent::Deleted { id } = event {
            self.changing(*id);
            return self
                .queues
                .remove(id)
                .map(|owned| self.forget(owned.queue))
                .unwrap_or_default();
        }
        Vec::new()
    }

    /// Answers the messages of a queue that is gone.
    fn forget(&mut self, queue: Queue) -> Vec<MessageKey> {
        let keys = queue.keys().collect();
        if let Some(telling) = &mut self.telling {
            telling.take_over(queue);
        }
        keys
    }

    /// Begins to tell all of this, as it is now.
    pub(super) fn begin_telling(&mut self, (at, mark): (Timestamp, ClockMark), next_key: u64) {
        let offsets = self.shown.offsets();
        let last_record = self.shown.last_record();
        let lapses = self.lapses.iter().map(|(from, length)| (from, millis(length))).collect();
        let of_broker = OfBroker { at, mark, next_key, offsets, last_record, lapses };
        let catalog = self.catalog.parts().into_iter().map(Part::Catalog);
        let first = [Part::Broker(of_broker)].into_iter().chain(catalog).collect();
        let queues = self.queues.keys().copied().collect();
        self.telling = Some(Telling::new(first, self.catalog.entries(), queues));
    }

    /// The next piece; `None` when all is told.
    pub(super) fn next_piece(&mut self) -> Option<Vec<u8>> {
        self.telling.as_mut()?.next(&mut self.queues)
    }

    /// A queue that is about to change. If all of this is being told, it has begun to tell what it holds.
    pub(super) fn changing(&mut self, id: QueueId) -> Option<&mut Owned> {
        let owned = self.queues.get_mut(&id)?;
        if let Some(telling) = self.telling.as_mut().filter(|telling| telling.must_begin(id)) {
            telling.keep_head(id, owned.begin(id));
        }
        Some(owned)
    }

    /// Ends it, at its end or before.
    pub(super) fn end_telling(&mut self) {
        let Some(telling) = self.telling.take() else { return };
        for id in telling.queues() {
            if let Some(owned) = self.queues.get_mut(&id) {
                owned.queue.end_snapshot();
            }
        }
    }

    /// Takes in a part that was told.
    pub(super) fn restore(&mut self, part: Part) {
        match part {
            Part::Broker(OfBroker { offsets, last_record, lapses, .. }) => {
                self.shown = Shown::restored(offsets, last_record);
                for (from, millis) in lapses {
                    self.lapses.add(from, Duration::from_millis(millis));
                }
            }
            Part::Catalog(part) => {
                if let CatalogPart::Entry(entry) = &part {
                    self.catalog_bytes += catalog_size::of_queue(entry);
                }
                self.catalog.restore(part);
            }
            Part::Queue { id, purged_at, head } => {
                let mut queue = Queue::from_head(id, head);
                queue.set_lapses(self.lapses.clone());
                let entry = self.catalog.get(id);
                let policy = entry.and_then(|entry| policy_of(&entry.attributes));
                let owned = Owned { purged_at, ..Owned::created(queue, policy, Lsn::ZERO) };
                self.queues.insert(id, owned);
            }
            Part::OfQueue(id, part) => {
                if let Some(owned) = self.queues.get_mut(&id) {
                    owned.queue.restore(part);
                }
            }
        }
    }

    /// All parts were taken in.
    pub(super) fn restored(&mut self) {
        self.queues.values_mut().for_each(|owned| owned.queue.restored());
    }

    /// The queue that a message is in, and its id. Looks at all queues.
    pub(super) fn named(&self, key: MessageKey) -> Option<(QueueArn, MessageId)> {
        let mut found = self.queues.iter().filter_map(|(id, owned)| {
            Some((self.catalog.get(*id)?.arn.clone(), owned.queue.id_of(key)?))
        });
        found.next()
    }

    fn bytes_of(&self, id: Option<QueueId>) -> u64 {
        id.and_then(|id| self.catalog.get(id)).map_or(0, catalog_size::of_queue)
    }

    fn apply_to_queue(
        &mut self,
        id: QueueId,
        event: &Event,
        at: Timestamp,
        lsn: Lsn,
    ) -> Vec<MessageKey> {
        let Some(owned) = self.changing(id) else { return Vec::new() };
        let mut gone = owned.queue.advance(at);
        gone.extend(owned.queue.apply(event, at));
        match event {
            Event::Received { .. } if owned.queue.kind() == QueueKind::Standard => {}
            Event::Purged => (owned.settled, owned.purged_at) = (lsn, Some(at)),
            Event::Sent { .. }
            | Event::Received { .. }
            | Event::SentFifo { .. }
            | Event::Attempted { .. }
            | Event::Repeated { .. }
            | Event::VisibilityChanged { .. }
            | Event::Deleted { .. }
            | Event::DeadLettered { .. }
            | Event::Arrived { .. }
            | Event::MoveStarted { .. }
            | Event::MoveEnded { .. }
            | Event::Left { .. }
            | Event::Redriven { .. }
            | Event::SettingsChanged { .. } => owned.settled = lsn,
        }
        gone
    }
}

/// A queue as it is created: its name says of which kind it is, and its first attributes for ever
/// what its deduplication ids are compared with.
fn new_queue(id: QueueId, name: &QueueName, attributes: &BTreeMap<AttributeName, String>) -> Queue {
    if !name.is_fifo() {
        return Queue::new(id, Settings::default());
    }
    let scope = match attributes.get(&AttributeName::DeduplicationScope).map(String::as_str) {
        Some("messageGroup") => DeduplicationScope::MessageGroup,
        _ => DeduplicationScope::Queue,
    };
    Queue::fifo(id, Settings::default(), scope)
}
