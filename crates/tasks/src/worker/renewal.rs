//! One renewal of a batch of leases: the claims in the store first, then the messages at the queue.
//!
//! # Invariants
//!
//! - A store that does not answer is asked again before the lease ends: what it may still write then is refused
//!   by its version. A call of the queue is never cut off while its lease lasts: it could land after the message
//!   was handed back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::heartbeat::{Entry, Heartbeat, HeartbeatParts, Held};
use crate::error_chain::in_one_line;
use crate::life::{self, Refusal, TaskRecord};
use crate::store::{Answer, Change, Found};
use crate::transport::meter::{Charged, Item, charge};
use crate::transport::{Action, EntryResult, Purpose};

/// Decisions on what others wrote meanwhile, before a renewal is tried again later.
const ROUNDS_MAX: u32 = 3;

const CHANGE: Action = Action::ChangeMessageVisibilityBatch;

/// A lease that is being renewed.
#[derive(Clone, Debug)]
pub(super) struct Renewal {
    pub(super) id: u64,
    pub(super) receipt: String,
    /// The label of the message's task.
    pub(super) task: Arc<str>,
    pub(super) held: Option<Held>,
    pub(super) ends_at: Instant,
    pub(super) timeout: Duration,
}

/// What became of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Renewed {
    At(Instant),
    TryAgain,
    /// Another claim has the task, or another delivery the message.
    Lost,
    /// The task has ended elsewhere.
    Ended,
}

impl From<Refusal> for Renewed {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Ended => Self::Ended,
            Refusal::Overtaken | Refusal::NotKnown => Self::Lost,
        }
    }
}

impl Heartbeat {
    pub(super) async fn extend_and_renew(&self, batch: &[Renewal]) -> Vec<Renewed> {
        let claims = self.extend_in_time(batch).await;
        let begun_at = Instant::now();
        let extended = batch.iter().zip(&claims).filter(|(_, claim)| claim.is_ok());
        let changes = extended.map(|(renewal, _)| renewal.charged()).collect();
        let mut answers = self.change_visibility(changes).await.into_iter();
        let settle = |claim: Result<(), Renewed>| match claim {
            Err(not_extended) => not_extended,
            Ok(()) => match answers.next() {
                Some(Ok(())) => Renewed::At(begun_at),
                Some(Err(fault)) if fault.is_stale_receipt(CHANGE) => Renewed::Lost,
                _ => Renewed::TryAgain,
            },
        };
        claims.into_iter().map(settle).collect()
    }

    /// Extends the claims of a batch while that leaves time to try again.
    async fn extend_in_time(&self, batch: &[Renewal]) -> Vec<Result<(), Renewed>> {
        let patience = self.patience_with_the_store(batch);
        timeout_at(patience, self.extend(batch)).await.unwrap_or_else(|_| {
            tracing::warn!("the store does not answer: claims were not extended; trying again");
            let claim = |renewal: &Renewal| match renewal.held {
                None => Ok(()),
                Some(_) => Err(Renewed::TryAgain),
            };
            batch.iter().map(claim).collect()
        })
    }

    /// Half of what is left of the lease that ends first, and a quarter of an ordinary one at most.
    fn patience_with_the_store(&self, batch: &[Renewal]) -> Instant {
        let now = Instant::now();
        let left = batch.iter().map(|renewal| renewal.ends_at.saturating_duration_since(now)).min();
        let most = self.parts.visibility_timeout / 4;
        now + left.map_or(most, |left| (left / 2).min(most))
    }

    /// Extends the claims of a batch in one call, and again those that others wrote meanwhile.
    async fn extend(&self, batch: &[Renewal]) -> Vec<Result<(), Renewed>> {
        let margin = self.claim_margin();
        let mut ended: Vec<Option<Result<(), Renewed>>> = Vec::new();
        let mut open = Vec::new();
        for (place, renewal) in batch.iter().enumerate() {
            ended.push(renewal.held.is_none().then_some(Ok(())));
            let held = renewal.held.as_ref().map(|held| (place, held.fence, held.record.clone()));
            open.extend(held);
        }
        for _ in 0..ROUNDS_MAX {
            if open.is_empty() {
                break;
            }
            open = self.extend_once(batch, open, margin, &mut ended).await;
        }
        ended.into_iter().map(|ended| ended.unwrap_or(Err(Renewed::TryAgain))).collect()
    }

    async fn extend_once(
        &self,
        batch: &[Renewal],
        open: Vec<(usize, u64, TaskRecord)>,
        margin: Duration,
        ended: &mut [Option<Result<(), Renewed>>],
    ) -> Vec<(usize, u64, TaskRecord)> {
        let (mut places, mut changes) = (Vec::new(), Vec::new());
        for (place, fence, record) in open {
            match life::extended(&record, fence, batch[place].timeout + margin) {
                Err(refusal) => ended[place] = Some(Err(refusal.into())),
                Ok(next) => {
                    places.push((place, fence));
                    changes.push(Change::of(record, next));
                }
            }
        }
        let answers = match self.parts.records.write(changes).await {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(%error, "claims were not extended; trying again");
                return Vec::new();
            }
        };
        let mut again = Vec::new();
        for ((place, fence), answer) in places.into_iter().zip(answers) {
            match self.take_answer(batch[place].id, answer) {
                Ok(None) => ended[place] = Some(Ok(())),
                Ok(Some(record)) => again.push((place, fence, record)),
                Err(renewed) => ended[place] = Some(Err(renewed)),
            }
        }
        again
    }

    /// Takes down what a write answered: the record that is there, if it has to be decided again.
    fn take_answer(&self, id: u64, answer: Answer) -> Result<Option<TaskRecord>, Renewed> {
        match answer {
            Answer::Written(record) => {
                self.note(id, *record);
                Ok(None)
            }
            Answer::Conflict(Found { record: Some(record), .. }) => {
                self.note(id, record.clone());
                Ok(Some(record))
            }
            Answer::Conflict(Found { record: None, .. }) => Err(Renewed::Lost),
            Answer::Unreadable(error) => {
                tracing::warn!(%error, "a claim was not extended");
                Err(Renewed::Lost)
            }
        }
    }

    /// The record as it is now. Whoever holds the lease is told what others want of it.
    pub(super) fn note(&self, id: u64, record: TaskRecord) {
        if let Some(entry) = self.leases().by_id.get_mut(&id) {
            entry.note(record);
        }
    }

    async fn change_visibility(
        &self,
        changes: Vec<Charged<(String, Duration)>>,
    ) -> Vec<EntryResult<()>> {
        if changes.is_empty() {
            return Vec::new();
        }
        let HeartbeatParts { transport, queue, .. } = &self.parts;
        let change = |changes| transport.change_visibility_batch(queue, changes);
        let answer = charge(changes, change).await;
        answer.unwrap_or_else(|error| {
            let error = in_one_line(&error);
            tracing::warn!(queue = queue.name(), error, "leases were not renewed; trying again");
            Vec::new()
        })
    }
}

impl Renewal {
    fn charged(&self) -> Charged<(String, Duration)> {
        let item = Item::new(Purpose::Renew, &self.task);
        Charged { entry: (self.receipt.clone(), self.timeout), item }
    }
}

impl Entry {
    fn note(&mut self, record: TaskRecord) {
        let Some(held) = self.held.as_mut() else { return };
        let ours = record.claim().is_some_and(|claim| claim.fence == held.fence);
        if record.life.cancel.is_some() {
            self.signals.mark_cancelled();
        }
        if ours {
            held.record = record;
        } else if matches!(record.life.phase, life::Phase::Ended | life::Phase::Expired) {
            self.signals.mark_ended();
        } else {
            self.signals.mark_lost();
        }
    }
}
