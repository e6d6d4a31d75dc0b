//! Claims a task before it is run.
//!
//! The first delivery of a task that somebody sent by a client is claimed without reading: its record
//! is there, as its first version, because it was written before the message was sent. Otherwise, and
//! where that is not so, the claim is decided on what is there.
//!
//! Of a worker that died, the lease on the message ends first and the claim a margin later. So
//! whoever receives the message then finds the claim about to end, and waits for that here: to
//! hand the message back would cost one of its receives and a second more. A claim that lasts
//! longer was extended, so its worker lives. Where the store has no clock, the claim is over once it was
//! seen unchanged for its whole time: that is waited for here too, as far as there are places for it
//! ([`Seen`](super::seen::Seen)), and no longer than until its holder writes. A message that has hardly a receive left is not held that
//! long: were its worker killed meanwhile, SQS would soon take it. It is sent anew at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::executor::Execution;
use super::heartbeat::{Held, ProgressNote};
use crate::life::{self, Ask, Asked, Claimed, Ending, TaskRecord};
use crate::store::{Answer, Change, Found, StoreError};

/// Decisions against what others write, before the delivery is handed back.
const ROUNDS_MAX: u32 = 8;
/// How often a claim that is watched is looked at, in parts of its time: a holder that lives has extended
/// it after about half.
const LOOKS: u32 = 4;
/// How long a delivery stays away that lost every round: others are busy with its task.
const LOST_ROUNDS: Duration = Duration::from_secs(1);

/// What a claim came to.
pub(super) enum Claim {
    /// This worker runs the task.
    Run(Box<Held>),
    /// Another worker runs it, for that long at most.
    Busy(Duration),
    /// The task has ended so; its record is there.
    Ended(Box<Ending>, Box<TaskRecord>),
    /// A late message: nothing is done.
    Late,
}

/// A decision, or what to wait for.
enum Round {
    Done(Claim),
    Again(Box<Found>),
}

impl Execution {
    /// Claims the task, after the end of a claim that is about to end, or that nobody extends.
    pub(super) async fn claim(&self) -> Result<Claim, StoreError> {
        // An extension comes some time before the renewal, so a margin alone would be too little.
        let mut gives_up_at = Instant::now() + self.runtime.heartbeat.claim_margin() * 2;
        let mut watching = None;
        loop {
            let claim = self.ask_for_claim().await?;
            self.runtime.store_gate.open();
            let Claim::Busy(rest) = claim else {
                self.runtime.seen.forget(&self.task);
                return Ok(claim);
            };
            if self.is_worn_before_a_run() {
                return Ok(claim);
            }
            if watching.is_none() && !self.keeps_time() {
                watching = self.runtime.seen.try_watch();
                gives_up_at += watching.as_ref().map_or(Duration::ZERO, |_| rest);
            }
            let look = if watching.is_some() { self.lease.claim_lease() / LOOKS } else { rest };
            let is_hopeless = Instant::now() + rest > gives_up_at;
            if is_hopeless || !self.keeps_lease_for(rest.min(look)).await {
                return Ok(claim);
            }
        }
    }

    /// Whether the times of records are the store's own.
    fn keeps_time(&self) -> bool {
        self.runtime.records.store().keeps_time()
    }

    async fn ask_for_claim(&self) -> Result<Claim, StoreError> {
        let mut found = self.first_look().await?;
        for _ in 0..ROUNDS_MAX {
            match self.round(found).await? {
                Round::Done(claim) => return Ok(claim),
                Round::Again(there) => found = *there,
            }
        }
        Ok(Claim::Busy(LOST_ROUNDS))
    }

    /// What the claim is decided on at first.
    async fn first_look(&self) -> Result<Found, StoreError> {
        if self.is_first_delivery() {
            let record = TaskRecord::assumed(self.task.clone(), self.asked());
            return Ok(Found { record: Some(record), now: self.now() });
        }
        self.runtime.records.find(&self.task).await
    }

    /// Whether nobody can have written the record since the client did, as far as the message tells.
    fn is_first_delivery(&self) -> bool {
        self.envelope.task_id.is_some()
            && self.message.receive_count <= 1
            && self.envelope.died_in.is_none()
    }

    async fn round(&self, found: Found) -> Result<Round, StoreError> {
        let Found { record, now } = found;
        let Some(record) = record else {
            return Ok(Round::Again(Box::new(self.note_down().await?)));
        };
        let ask = Ask {
            generation: self.envelope.generation(),
            worker: self.runtime.options.name.clone(),
            token: self.token,
            lease: self.lease.claim_lease(),
            unchanged: self.runtime.seen.is_unchanged(&record),
            times_are_the_stores: self.keeps_time(),
            watch: self.runtime.watch(self.message.receive_count),
            received_before: self.message.receive_count > 1,
        };
        let mut next = match life::claim(&record, &ask, now) {
            Claimed::Run(next) => next,
            Claimed::Busy(wait) => {
                let own = (!ask.times_are_the_stores).then(|| self.runtime.seen.left_of(&record));
                return Ok(Round::Done(Claim::Busy(own.unwrap_or(wait))));
            }
            Claimed::Late => return Ok(Round::Done(Claim::Late)),
            Claimed::Ended(ending) => {
                return Ok(Round::Done(Claim::Ended(ending, Box::new(record))));
            }
        };
        let Asked { body, attributes, .. } = self.asked();
        if record.asked.body.is_none() && body.is_some() {
            // A tombstone had forgotten it; the message was redriven.
            next.asked = Some(Arc::new(Asked { body, attributes, ..Asked::clone(&record.asked) }));
        }
        let fence = record.version + 1;
        Ok(match self.runtime.records.write_one(Change::of(record, *next)).await? {
            Answer::Written(record) => {
                self.note_store_time(&record, ask.lease);
                Round::Done(Claim::Run(Box::new(held(*record))))
            }
            Answer::Conflict(Found { record: Some(record), .. }) if self.is_own(&record, fence) => {
                Round::Done(Claim::Run(Box::new(held(record))))
            }
            Answer::Conflict(there) => Round::Again(Box::new(there)),
            Answer::Unreadable(error) => return Err(error),
        })
    }

    /// Whether the claim that is there is the one just written: its answer was lost, and somebody else
    /// has written the record since.
    fn is_own(&self, record: &TaskRecord, fence: u64) -> bool {
        let claim = record.claim();
        claim.is_some_and(|claim| claim.fence == fence && claim.token == self.token)
    }

    /// Writes down a task that nobody has: of a foreign producer, or of an app with a store of its own.
    /// As pending, and claimed by a second write: a first version is always a task that nobody has
    /// claimed, for that is what a worker takes it for which has not read it.
    pub(super) async fn note_down(&self) -> Result<Found, StoreError> {
        let first = Change::first(self.task.clone(), life::submitted(self.asked()));
        let now = self.now();
        match self.runtime.records.write_one(first).await? {
            Answer::Written(record) => Ok(Found { record: Some(*record), now }),
            Answer::Conflict(there) => Ok(there),
            Answer::Unreadable(error) => Err(error),
        }
    }

    /// What was asked, as far as the message tells.
    fn asked(&self) -> Asked {
        let body = &self.message.body;
        let kept = body.len() <= self.runtime.options.argument_kept_bytes;
        // A group of its own, as a task without a key has it on a FIFO queue, is no key.
        let key = self.message.group_id.as_ref().filter(|group| **group != *self.task.as_str());
        Asked {
            name: self.envelope.task_name.clone(),
            queue: self.runtime.queue.name().to_owned(),
            key: key.cloned(),
            tags: Vec::new(),
            created_at: self.envelope.created_at.unwrap_or_else(|| self.now()),
            body: kept.then(|| body.clone()),
            attributes: self.message.attributes.clone(),
        }
    }

    /// Whether the message is sent anew before its task is run, and so need not be waited with.
    fn is_worn_before_a_run(&self) -> bool {
        !self.runtime.queue.is_fifo()
            && self.runtime.is_worn_before_a_run(self.message.receive_count)
    }
}

fn held(record: TaskRecord) -> Held {
    let fence = record.claim().map_or(record.version, |claim| claim.fence);
    Held { record, fence, progress: ProgressNote::default() }
}
