//! Tasks whose message is presumed dead-lettered by SQS: what becomes of each, and when.
//!
//! due records → seen here, unchanged, for a lease and more → sent anew, or ended as dead with a reply
//!
//! # Invariants
//!
//! - Only workers of a task's own queue do anything about it: they would have received its message.
//! - Nothing is judged by the age of a record alone, for workers may have been away meanwhile: this worker has
//!   seen it unchanged for as long as a message stays in flight, and its queue was not paused.
//! - A task is ended only once a receive brought nothing after that. Until then its message may wait.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use longshore_types::Timestamp;
use tokio::time::Instant;

use super::anew;
use super::runtime::Runtime;
use crate::envelope::Envelope;
use crate::failure::Reason;
use crate::id::TaskId;
use crate::life::{self, End, Next, TaskRecord};

/// When a task is sent anew again whose message was not known to be sent.
const SEND_AGAIN: Duration = Duration::from_secs(60);
/// How long a task is seen at the least before it is ended: whoever holds its last delivery, and waits for a store that
/// was away, has claimed it by then.
const END_AFTER: Duration = Duration::from_secs(40);
/// How long workers of another queue have until they find one of theirs due.
pub(super) const OTHERS_PATIENCE: Duration = Duration::from_secs(60);
/// How long a stranded task of another queue is due before it is put off, so that what nobody works for fills no look: its
/// workers may have to see it unchanged for 12 hours.
const OTHERS_JUDGE_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// How long it is then put off.
const LEFT_TO_OTHERS: Duration = Duration::from_secs(3600);
/// Why a task is dead that cannot be sent anew.
const GONE: &str =
    "its message was received as often as its queue grants, and none of its workers ended it";

/// When the latest receive was begun that brought nothing.
#[derive(Debug, Default)]
pub(super) struct FoundEmpty(Mutex<Option<Instant>>);

impl FoundEmpty {
    pub(super) fn note(&self, begun_at: Instant) {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(latest.map_or(begun_at, |latest| latest.max(begun_at)));
    }

    fn is_after(&self, at: Instant) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|begun_at| begun_at >= at)
    }
}

/// What is done about a task whose message is gone.
#[derive(Debug)]
pub(super) enum Rescue {
    /// It is sent anew, once this is written.
    Resend(Next),
    /// It has ended with this, which is to be sent.
    GiveUp(Next),
    /// Nothing but this: others may do it.
    Leave(Next),
}

/// The queues of a worker, the highest level first.
#[derive(Clone, Debug)]
pub(super) struct Levels(pub(super) Vec<Arc<Runtime>>);

impl Levels {
    /// The worker's own queue.
    pub(super) fn own(&self) -> &Arc<Runtime> {
        &self.0[self.0.len() / 2]
    }

    /// The one that the task was sent to.
    pub(super) fn of(&self, record: &TaskRecord) -> Option<&Arc<Runtime>> {
        self.0.iter().find(|level| level.queue.name() == record.asked.queue)
    }
}

/// Tasks that nobody has come for, and since when they are seen here as they are.
#[derive(Debug)]
pub(super) struct Stranded {
    levels: Levels,
    seen: HashMap<TaskId, (u64, Instant)>,
}

impl Stranded {
    pub(super) fn new(levels: Levels) -> Self {
        Self { levels, seen: HashMap::new() }
    }

    /// Forgets what is no longer due.
    pub(super) fn keep_only(&mut self, due: &[TaskRecord]) {
        let mut before = std::mem::take(&mut self.seen);
        let seen = |record: &TaskRecord| before.remove_entry(&record.id);
        self.seen = due.iter().filter_map(seen).collect();
    }

    /// What is done about a task now; `None` leaves it due.
    pub(super) fn rescue(&mut self, record: &TaskRecord, now: Timestamp) -> Option<Rescue> {
        let Some(level) = self.levels.of(record).map(Arc::clone) else {
            let overdue = record.wake.is_some_and(|wake| now.since(wake) >= OTHERS_JUDGE_WITHIN);
            return overdue.then(|| Rescue::Leave(life::left_to_others(record, LEFT_TO_OTHERS)));
        };
        if level.controls.is_paused() {
            self.seen.remove(&record.id);
            return None;
        }
        // As long as the claim was taken for: whatever clocks say, its holder would have extended it.
        let lease = record.claim().map_or(Duration::ZERO, |claim| claim.lease);
        let patience = lease.max(level.visibility_timeout);
        let seen_since = self.seen_since(record);
        if !level.queue.is_fifo() && anew::message_of(record).is_some() {
            let is_late = seen_since.elapsed() >= patience;
            let next = is_late.then(|| life::resending(record, SEND_AGAIN, true, now).ok());
            return next.flatten().map(Rescue::Resend);
        }
        let judged_at = seen_since + patience.max(END_AFTER);
        if Instant::now() < judged_at || !level.found_empty.is_after(judged_at) {
            return None;
        }
        life::given_up(record, &end_of(&level, record), true, now).ok().map(Rescue::GiveUp)
    }

    fn seen_since(&mut self, record: &TaskRecord) -> Instant {
        let new = (record.version, Instant::now());
        let seen = self.seen.entry(record.id.clone()).or_insert(new);
        if seen.0 != record.version {
            *seen = new;
        }
        seen.1
    }
}

fn end_of(level: &Runtime, record: &TaskRecord) -> End {
    let envelope = Envelope::open(&record.asked.attributes);
    if record.life.cancel.is_some() {
        return level.cancelled_end(&envelope);
    }
    level.dead_end(&envelope, Reason::text(GONE))
}
