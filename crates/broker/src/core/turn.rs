//! One operation's turn at the ledger.
//!
//! An operation looks queues up and commits through its turn, which remembers what it saw: its
//! answer waits for all of that to be durable.

use std::collections::{BTreeMap, BTreeSet};

use longshore_engine::{
    Catalog, CatalogEvent, CatalogRefusal, Event, MessageKey, Queue, QueueEntry, QueueId,
};
use longshore_storage::Purpose;
use longshore_types::arn::QueueArnError;
use longshore_types::{AttributeName, QueueArn, Timestamp};
use longshore_wire::SqsError;

use super::ledger::{Rules, log_failure};
use super::{Asker, Delivered, Ledger, Need, ReceiveSpec, Received};
use crate::caller::Place;
use crate::journal::Change;
use crate::log::Body;
use crate::metrics::Tally;
use crate::queue_url::QueueAddress;

/// One operation's turn.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    ledger: &'a mut Ledger,
    /// For whom it is.
    asker: Asker<'a>,
    seen: BTreeSet<QueueId>,
    /// What a receive found its answer to need, which is less than its queue's last record.
    received: Option<Need>,
}

impl<'a> Turn<'a> {
    pub(crate) const fn new(ledger: &'a mut Ledger, asker: Asker<'a>) -> Self {
        Self { ledger, asker, seen: BTreeSet::new(), received: None }
    }

    /// What the answer must wait for.
    pub(crate) fn need(&self) -> Need {
        let seen = self.seen.iter().map(|id| self.ledger.settled(*id));
        let need = seen.fold(self.ledger.catalog_settled(), Need::and);
        need.and(self.received.unwrap_or_default())
    }

    /// The time of this turn.
    pub(crate) const fn now(&self) -> Timestamp {
        self.ledger.now()
    }

    /// What the wall clock showed at an internal time: what clients are told.
    pub(crate) fn shown(&self, time: Timestamp) -> Timestamp {
        self.ledger.shown(time)
    }

    /// Which rules are kept.
    pub(crate) const fn rules(&self) -> Rules {
        self.ledger.rules()
    }

    /// Whose queues a name means.
    pub(crate) const fn place(&self) -> &'a Place {
        self.asker.place()
    }

    /// Which queues there are.
    pub(crate) const fn catalog(&self) -> &Catalog {
        self.ledger.catalog()
    }

    /// The full name of the queue that an address means to this caller.
    pub(crate) fn arn(&self, address: QueueAddress) -> QueueArn {
        let account = address.account.unwrap_or_else(|| self.place().account.clone());
        QueueArn { region: self.place().region.clone(), account, name: address.name }
    }

    /// The queue that a `QueueUrl` means, advanced to now, if its owner lets the asker do this.
    pub(crate) fn resolve(&mut self, url: &str) -> Result<QueueId, SqsError> {
        self.asker.check_address(url)?;
        let address = QueueAddress::parse(url).ok_or(SqsError::QueueDoesNotExist)?;
        let arn = self.arn(address);
        self.find(&arn)
    }

    /// The queue of that name, advanced to now, if its owner lets the asker do this.
    fn find(&mut self, arn: &QueueArn) -> Result<QueueId, SqsError> {
        let id = self.permitted(arn)?;
        self.ledger.advance(id);
        self.seen.insert(id);
        Ok(id)
    }

    /// The queue that the ARN in a parameter means, advanced to now. What belongs to somebody else,
    /// or is elsewhere, does not exist for this caller.
    pub(crate) fn resolve_arn(&mut self, text: &str, parameter: &str) -> Result<QueueId, SqsError> {
        let arn = match QueueArn::parse(text) {
            Err(QueueArnError::NotAnArn) => return Err(SqsError::no_arn(parameter)),
            Err(QueueArnError::NotAQueue) => return Err(SqsError::no_queue_of_arn(parameter)),
            Ok(arn) => arn,
        };
        let Place { region, account } = self.place();
        if arn.region != *region || arn.account != *account {
            return Err(SqsError::no_queue_of_arn(parameter));
        }
        let is_gone = |refusal: &SqsError| *refusal == SqsError::QueueDoesNotExist;
        self.find(&arn).map_err(|refusal| {
            if is_gone(&refusal) { SqsError::no_queue_of_arn(parameter) } else { refusal }
        })
    }

    /// How many move tasks of the caller's account run.
    pub(crate) fn running_moves(&self) -> usize {
        let Place { region, account } = self.place();
        let entries = self.ledger.moving().filter_map(|id| self.ledger.entry(id));
        entries.filter(|entry| entry.arn.region == *region && entry.arn.account == *account).count()
    }

    /// The queue of a full name, if its owner lets the asker do this: the one place where that is
    /// checked. What does not exist is said not to, whoever asks.
    pub(crate) fn permitted(&self, arn: &QueueArn) -> Result<QueueId, SqsError> {
        let id = self.catalog().by_arn(arn).ok_or(SqsError::QueueDoesNotExist)?;
        self.asker.check(arn, || self.ledger.policy(id))?;
        Ok(id)
    }

    /// A queue that was resolved in this turn.
    pub(crate) fn queue(&self, id: QueueId) -> Result<&Queue, SqsError> {
        self.ledger.queue(id).ok_or(SqsError::QueueDoesNotExist)
    }

    /// What is known of a queue beside its messages.
    pub(crate) fn entry(&self, id: QueueId) -> Result<&QueueEntry, SqsError> {
        self.ledger.entry(id).ok_or(SqsError::QueueDoesNotExist)
    }

    /// Decides the creation of a queue, and answers its id.
    pub(crate) fn decide_create(
        &self,
        arn: QueueArn,
        attributes: BTreeMap<AttributeName, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<(QueueId, CatalogEvent), SqsError> {
        let created = self.catalog().create(arn, attributes, tags);
        let event = created.map_err(|refusal| catalog_refused(&refusal))?;
        let CatalogEvent::Created { id, .. } = event else {
            unreachable!("a creation decides a creation, not {event:?}")
        };
        Ok((id, event))
    }

    /// When the queue was last purged.
    pub(crate) fn purged_at(&self, id: QueueId) -> Option<Timestamp> {
        self.ledger.purged_at(id)
    }

    /// The key of a message that is about to be sent.
    pub(crate) fn new_key(&mut self) -> MessageKey {
        self.ledger.new_key()
    }

    /// Appends and applies a send, with the message's content.
    pub(crate) fn commit_send(
        &mut self,
        id: QueueId,
        event: Event,
        body: Body,
    ) -> Result<(), SqsError> {
        self.commit_record(vec![Change::Queue(id, event)], Some(body), Purpose::Grow)
    }

    /// Appends and applies an event of a queue: what is deleted may use the last of a full disk.
    pub(crate) fn commit(&mut self, id: QueueId, event: Event) -> Result<(), SqsError> {
        let frees = matches!(event, Event::Deleted { .. } | Event::Purged);
        let purpose = if frees { Purpose::Shrink } else { Purpose::Keep };
        self.commit_record(vec![Change::Queue(id, event)], None, purpose)
    }

    /// Appends and applies an event of a queue that must not eat what a full disk keeps for deletes.
    pub(crate) fn commit_growth(&mut self, id: QueueId, event: Event) -> Result<(), SqsError> {
        self.commit_record(vec![Change::Queue(id, event)], None, Purpose::Grow)
    }

    /// Appends and applies an event of the catalog, and with it what it means for the queue. What
    /// makes the catalog larger than it may be is refused; so is, on a full disk, what makes it larger at
    /// all, for deletes must still find room there.
    pub(crate) fn commit_catalog(
        &mut self,
        event: CatalogEvent,
        of_queue: Option<(QueueId, Event)>,
    ) -> Result<(), SqsError> {
        self.ledger.check_catalog(&event)?;
        let purpose = match &event {
            CatalogEvent::Deleted { .. } => Purpose::Shrink,
            CatalogEvent::Founded { .. }
            | CatalogEvent::Booted { .. }
            | CatalogEvent::Created { .. }
            | CatalogEvent::AttributesSet { .. }
            | CatalogEvent::Tagged { .. }
            | CatalogEvent::Untagged { .. } => self.purpose_of_growth(&event),
        };
        let mut changes = vec![Change::Catalog(event)];
        changes.extend(of_queue.map(|(id, event)| Change::Queue(id, event)));
        self.commit_record(changes, None, purpose)
    }

    fn purpose_of_growth(&self, event: &CatalogEvent) -> Purpose {
        if self.ledger.catalog_growth(event) == 0 { Purpose::Keep } else { Purpose::Grow }
    }

    fn commit_record(
        &mut self,
        changes: Vec<Change>,
        body: Option<Body>,
        purpose: Purpose,
    ) -> Result<(), SqsError> {
        self.ledger.commit(changes, body, purpose).map(drop).map_err(log_failure)
    }

    /// Counts what happens at a queue.
    pub(crate) fn count(&mut self, id: QueueId, count: impl FnOnce(&mut Tally)) {
        self.ledger.count(id, count);
    }

    /// Withholds messages of a receive that cannot be handed out, and answers which others must not be either.
    pub(crate) fn withhold(
        &mut self,
        id: QueueId,
        received: &Received,
    ) -> Result<Vec<MessageKey>, SqsError> {
        self.seen.insert(id);
        self.ledger.withhold(id, received)
    }

    /// Receives from a queue; nothing, if nothing is available to `spec`.
    pub(crate) fn deliver(
        &mut self,
        id: QueueId,
        spec: &ReceiveSpec,
    ) -> Result<Vec<Delivered>, SqsError> {
        let Some((delivered, need)) = self.ledger.deliver(id, spec)? else {
            return Ok(Vec::new());
        };
        self.received = Some(need);
        Ok(delivered)
    }
}

/// How SQS says that the catalog refused.
pub(crate) fn catalog_refused(refusal: &CatalogRefusal) -> SqsError {
    match refusal {
        CatalogRefusal::TooManyTags { arn, .. } => SqsError::too_many_tags(&arn.name),
        CatalogRefusal::Exists { .. } => SqsError::QueueNameExists("QueueName".to_owned()),
        CatalogRefusal::Unknown { .. } => SqsError::QueueDoesNotExist,
    }
}
