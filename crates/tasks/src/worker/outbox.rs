//! Finds what is kept and not known to be sent, and sends it: whatever became of the message, and
//! whichever worker kept it. Also finds tasks that nobody came for, turns results that were kept for long
//! enough into tombstones, and removes what is past its time.
//!
//! due records → moved on (so that one worker tries) → reply, dead letter or the task itself sent → marked
//!
//! # Invariants
//!
//! - A record is moved on before it is tried: its next try is later, whoever makes it.
//! - A queue that cannot be reached delays what is due to it, and nothing else: [`Owed`] sees to it.
//! - What is due of another queue's task is left to its own workers until they are late: this one may have
//!   neither the rights nor the endpoint.
//! - The next look comes at once only if this one wrote something.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;
use tokio::time::{Instant, sleep};

use super::owed::Owed;
use super::runtime::Runtime;
use super::status::count;
use super::stranded::{Levels, OTHERS_PATIENCE, Rescue, Stranded};
use crate::backoff::Backoff;
use crate::life::{self, Next, TaskRecord, Woken};
use crate::store::{Answer, Change, StoreError};

/// How often what is due is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often what is past its time is removed.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// Records that one look does something about, and removals of one call.
const COUNT_MAX: usize = 100;
/// Records of one look, with those that stay due: only a later version can read them, or others have them.
const PAGE_MAX: usize = 2000;
const EXPIRE_COUNT_MAX: usize = 500;
/// When a send is tried again.
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(300));

/// Sends what is due.
#[derive(Debug)]
pub(super) struct OutboxLoop {
    levels: Levels,
    runtime: Arc<Runtime>,
    owed: Owed,
    stranded: Stranded,
    /// Records that come first each time, being the longest due, and stay: as many more are asked for, so that
    /// they leave room for others. Those that cannot be read, and those that were left.
    unreadable: usize,
    left: usize,
}

impl OutboxLoop {
    pub(super) fn new(levels: Levels) -> Self {
        let (owed, stranded) = (Owed::new(levels.clone()), Stranded::new(levels.clone()));
        let runtime = Arc::clone(levels.own());
        Self { levels, runtime, owed, stranded, unreadable: 0, left: 0 }
    }

    /// Looks for what is due, until dropped.
    pub(super) async fn run(mut self) {
        let mut expire_at = Instant::now();
        loop {
            let goes_on = self.look().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "what is due cannot be looked for");
                false
            });
            if Instant::now() >= expire_at {
                self.expire().await;
                self.count_what_cannot_be_read().await;
                expire_at = Instant::now() + EXPIRE_EVERY;
            }
            if !goes_on {
                // Workers that started together do not look together.
                let jitter = Duration::from_millis(self.runtime.options.random.next() % 500);
                sleep(LOOK_EVERY + jitter).await;
            }
        }
    }

    /// Does what is due, and says whether to go on at once: there may be more, and something was done.
    async fn look(&mut self) -> Result<bool, StoreError> {
        let page = (COUNT_MAX + self.unreadable + self.left).min(PAGE_MAX);
        let due = self.runtime.records.due(page).await?;
        let changes = self.changes(due.value, due.now);
        if changes.is_empty() {
            return Ok(false);
        }
        let is_full = changes.len() >= COUNT_MAX;
        let (changes, then): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        let written = self.runtime.records.write(changes).await?;
        let (mut owing, mut hidden, mut written_count) = (Vec::new(), Vec::new(), 0);
        for (answer, then) in written.into_iter().zip(then) {
            let Answer::Written(record) = answer else { continue };
            written_count += 1;
            self.tell(&record, then);
            match then {
                Then::Send | Then::Resend | Then::GiveUp => owing.push(*record),
                Then::Reveal => hidden.push(*record),
                Then::Nothing => {}
            }
        }
        self.owed.send(owing);
        self.runtime.records.reveal(hidden, self.runtime.options.retention).await?;
        Ok(is_full && written_count > 0)
    }

    /// What the first that are due become; the others, and those that are left, stay due.
    fn changes(&mut self, due: Vec<TaskRecord>, now: Timestamp) -> Vec<(Change, Then)> {
        self.stranded.keep_only(&due);
        let mut changes = Vec::new();
        self.left = 0;
        for record in due {
            if changes.len() >= COUNT_MAX {
                break;
            }
            match self.moved(&record, now) {
                Some((next, then)) => changes.push((Change::of(record, next), then)),
                None => self.left += 1,
            }
        }
        changes
    }

    /// What a record that is due becomes before anything is done, and what is then done. `None` leaves it.
    fn moved(&mut self, record: &TaskRecord, now: Timestamp) -> Option<(Next, Then)> {
        match life::woken(record, now) {
            Woken::Nothing(next) | Woken::Expired(next) => Some((*next, Then::Nothing)),
            Woken::Hidden(next) => Some((*next, Then::Reveal)),
            Woken::Outbox => {
                let waited = record.wake.map(|wake| now.since(wake)).unwrap_or_default();
                if self.levels.of(record).is_none() && waited < OTHERS_PATIENCE {
                    return None;
                }
                let tries = record.life.outbox.as_ref().map_or(0, |outbox| outbox.tries);
                let next = life::moved_on(record, TRY_AGAIN.pause(tries + 1), now)?;
                Some((next, Then::Send))
            }
            Woken::Stranded => Some(match self.stranded.rescue(record, now)? {
                Rescue::Resend(next) => (next, Then::Resend),
                Rescue::GiveUp(next) => (next, Then::GiveUp),
                Rescue::Leave(next) => (next, Then::Nothing),
            }),
        }
    }

    /// Counts and says what became of a task that nobody came for.
    fn tell(&self, record: &TaskRecord, then: Then) {
        let (task, queue, status) = (&record.id, &*record.asked.queue, &self.runtime.status);
        match then {
            Then::Resend => {
                count(&status.stranded);
                tracing::warn!(%task, queue, "nobody came for a task; it is sent anew");
            }
            Then::GiveUp => {
                count(&status.stranded);
                count(&status.dead);
                tracing::error!(%task, queue, "nobody came for a task that cannot be sent anew; it is dead");
            }
            Then::Nothing | Then::Send | Then::Reveal => {}
        }
    }

    async fn count_what_cannot_be_read(&mut self) {
        match self.count_unreadable().await {
            Ok(count) => self.unreadable = count,
            Err(error) => tracing::warn!(%error, "what is due was not counted"),
        }
    }

    async fn count_unreadable(&self) -> Result<usize, StoreError> {
        let records = &self.runtime.records;
        let rows = records.store().due(PAGE_MAX).await?.value.len();
        // The usual case costs one call: whatever they are, they leave half a page to others.
        if rows <= COUNT_MAX / 2 {
            return Ok(0);
        }
        Ok(rows.saturating_sub(records.due(PAGE_MAX).await?.value.len()))
    }

    async fn expire(&self) {
        loop {
            match self.runtime.records.store().expire(EXPIRE_COUNT_MAX).await {
                Ok(gone) if gone >= EXPIRE_COUNT_MAX => {}
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(%error, "what is past its time was not removed");
                    return;
                }
            }
        }
    }
}

/// What is done once a record was moved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    /// What it owes is sent.
    Send,
    Reveal,
    /// The task is sent anew.
    Resend,
    /// It has ended, and what it owes now is sent.
    GiveUp,
}
