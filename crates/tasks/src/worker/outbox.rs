//! Finds what is kept and not known to be sent, and sends it: whatever became of the message, and
//! whichever worker kept it. Also turns results that were kept for long enough into tombstones, and
//! removes what is past its time.
//!
//! due records → moved on (so that one worker tries) → reply and dead letter sent → marked
//!
//! # Invariants
//!
//! - A record is moved on before it is tried: its next try is later, whoever makes it.
//! - A queue that cannot be reached delays what is due to it, and nothing else: [`Owed`] sees to it.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;
use tokio::time::{Instant, sleep};

use super::owed::Owed;
use super::runtime::Runtime;
use crate::backoff::Backoff;
use crate::life::{self, TaskRecord, Woken};
use crate::store::{Answer, Change, StoreError};

/// How often what is due is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often what is past its time is removed.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// Records that one look does something about, and removals of one call.
const COUNT_MAX: usize = 100;
/// Records of one look, with those that only a later version can read: they stay due.
const PAGE_MAX: usize = 2000;
const EXPIRE_COUNT_MAX: usize = 500;
/// When a send is tried again.
const TRY_AGAIN: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(300));

/// Sends what is due.
#[derive(Debug)]
pub(super) struct OutboxLoop {
    pub(super) runtime: Arc<Runtime>,
    owed: Owed,
    /// How many records are asked for, so that those which cannot be read leave room for others.
    page: usize,
}

impl OutboxLoop {
    pub(super) fn new(runtime: Arc<Runtime>) -> Self {
        let owed = Owed::new(Arc::clone(&runtime));
        Self { runtime, owed, page: COUNT_MAX }
    }

    /// Looks for what is due, until dropped.
    pub(super) async fn run(mut self) {
        let mut expire_at = Instant::now();
        loop {
            match self.look().await {
                Ok(COUNT_MAX) => continue,
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "what is due cannot be looked for"),
            }
            if Instant::now() >= expire_at {
                self.expire().await;
                self.fit_page().await;
                expire_at = Instant::now() + EXPIRE_EVERY;
            }
            // Workers that started together do not look together.
            let jitter = Duration::from_millis(self.runtime.options.random.next() % 500);
            sleep(LOOK_EVERY + jitter).await;
        }
    }

    /// Does what is due, and says how much that was.
    async fn look(&mut self) -> Result<usize, StoreError> {
        let mut due = self.runtime.records.due(self.page).await?;
        due.value.truncate(COUNT_MAX);
        let (count, now) = (due.value.len(), due.now);
        let changes: Vec<_> =
            due.value.into_iter().filter_map(|record| moved(record, now)).collect();
        if changes.is_empty() {
            return Ok(count);
        }
        let (changes, then): (Vec<_>, Vec<_>) = changes.into_iter().unzip();
        let written = self.runtime.records.write(changes).await?;
        let (mut owing, mut hidden) = (Vec::new(), Vec::new());
        for (answer, then) in written.into_iter().zip(then) {
            match (answer, then) {
                (Answer::Written(record), Then::Send) => owing.push(*record),
                (Answer::Written(record), Then::Reveal) => hidden.push(*record),
                (Answer::Written(_), Then::Nothing)
                | (Answer::Conflict(_) | Answer::Unreadable(_), _) => {}
            }
        }
        self.owed.send(owing).await;
        self.runtime.records.reveal(hidden, self.runtime.options.retention).await?;
        Ok(count)
    }

    /// Asks for as many records more as cannot be read: they come first each time, being the longest
    /// due, and nobody but a later version can move them on.
    async fn fit_page(&mut self) {
        match self.count_unreadable().await {
            Ok(count) => self.page = (COUNT_MAX + count).min(PAGE_MAX),
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
    Send,
    Reveal,
}

/// What a record that is due becomes before anything is done, and what is then done.
fn moved(record: TaskRecord, now: Timestamp) -> Option<(Change, Then)> {
    match life::woken(&record, now) {
        Woken::Nothing(next) | Woken::Expired(next) => {
            Some((Change::of(record, *next), Then::Nothing))
        }
        Woken::Hidden(next) => Some((Change::of(record, *next), Then::Reveal)),
        Woken::Outbox => {
            let tries = record.life.outbox.as_ref().map_or(0, |outbox| outbox.tries);
            let next = life::moved_on(&record, TRY_AGAIN.pause(tries + 1), now)?;
            Some((Change::of(record, next), Then::Send))
        }
    }
}
