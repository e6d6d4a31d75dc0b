//! Sends what records owe: queue by queue, the queues side by side.
//!
//! records → what each owes, by queue → the first alone, then ten at once → marked
//!
//! What a record owes is a reply, a dead letter, or the task itself, where its message is gone.
//!
//! # Invariants
//!
//! - A queue is sent to by one task at a time, which nobody waits for: one that cannot be reached
//!   delays its own messages and no others. One that does not answer gives its place up after a while.
//! - What is given up here was moved on before: it is due again later.
//! - What comes due again while it still waits here, or is being sent, is not sent twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use longshore_types::limits::BATCH_ENTRIES_MAX;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout};

use super::anew;
use super::marks::Mark;
use super::runtime::Runtime;
use super::status::count;
use super::stranded::Levels;
use crate::dead_letter::{self, DeadLetter};
use crate::envelope::Envelope;
use crate::id::TaskId;
use crate::life::{self, Phase, TaskRecord};
use crate::reply;
use crate::store::Change;
use crate::transport::meter::Item;
use crate::transport::{OutgoingMessage, Purpose, QueueHandle};

/// Queues that are sent to at once: fewer than the sender's calls, so that what ends now has room.
const QUEUES_MAX: usize = 6;
/// Queues that are sent to, or wait for that. What is due to others is due again later.
const LINES_MAX: usize = 1000;
/// How long a queue may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Messages that wait for one queue. Those beyond it are due again later.
const WAITING_MAX: usize = 1000;
/// How long a queue that cannot be reached is left alone.
const UNREACHABLE_FOR: Duration = Duration::from_secs(5);

/// One message that a record owes.
#[derive(Debug)]
struct Debt {
    record: TaskRecord,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Reply,
    DeadLetter,
    Task,
}

impl Debt {
    fn key(&self) -> (TaskId, What) {
        (self.record.id.clone(), self.what)
    }
}

/// What is to be sent to one queue.
#[derive(Debug, Default)]
struct Line {
    waiting: Vec<Debt>,
    /// What waits or is being sent.
    known: HashSet<(TaskId, What)>,
}

/// Sends what is owed. Dropped, it stops.
#[derive(Debug)]
pub(super) struct Owed {
    shared: Arc<Shared>,
    sending: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    runtime: Arc<Runtime>,
    levels: Levels,
    /// Places for queues that are sent to just now.
    places: Semaphore,
    /// The queues that are being sent to, or wait for a place.
    lines: Mutex<HashMap<String, Line>>,
    unreachable: Mutex<HashMap<String, Instant>>,
}

impl Owed {
    pub(super) fn new(levels: Levels) -> Self {
        let (lines, unreachable) = (Mutex::default(), Mutex::default());
        let (runtime, places) = (Arc::clone(levels.own()), Semaphore::new(QUEUES_MAX));
        let shared = Arc::new(Shared { runtime, levels, places, lines, unreachable });
        Self { shared, sending: JoinSet::new() }
    }

    /// Has it sent what these records owe.
    pub(super) fn send(&mut self, records: Vec<TaskRecord>) {
        while let Some(ended) = self.sending.try_join_next() {
            pass_panic_on(ended);
        }
        for (queue, debts) in self.shared.by_queue(records) {
            if !self.shared.is_reachable(&queue) || !self.shared.begins(&queue, debts) {
                continue;
            }
            self.sending.spawn(Arc::clone(&self.shared).send_to(queue));
        }
    }
}

/// A panic ends the worker, as one anywhere else does.
fn pass_panic_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

impl Shared {
    fn by_queue(&self, records: Vec<TaskRecord>) -> BTreeMap<String, Vec<Debt>> {
        let mut by_queue: BTreeMap<String, Vec<Debt>> = BTreeMap::new();
        for record in records {
            if record.life.phase != Phase::Ended {
                let Some(level) = self.levels.of(&record) else { continue };
                let debts = by_queue.entry(level.queue.url().to_owned()).or_default();
                debts.push(Debt { record, what: What::Task });
                continue;
            }
            let Some(outbox) = record.life.outbox.clone() else { continue };
            if let Some(queue) = outbox.reply_to {
                let debt = Debt { record: record.clone(), what: What::Reply };
                by_queue.entry(queue).or_default().push(debt);
            }
            let Some(due) = outbox.dead_letter else { continue };
            if record.asked.body.is_none() {
                tracing::warn!(task = %record.id, "a dead letter is due, and its body was not kept");
            } else if let Some(queue) = due.queue.or_else(|| self.own_dead_letter_queue()) {
                let debt = Debt { record, what: What::DeadLetter };
                by_queue.entry(queue).or_default().push(debt);
            }
        }
        by_queue
    }

    fn own_dead_letter_queue(&self) -> Option<String> {
        let facts = self.runtime.facts.get();
        facts.dead_letter.as_ref().map(|facts| facts.queue.url().to_owned())
    }

    /// Has these wait for their queue. `true` if nobody sends to it yet.
    fn begins(&self, queue: &str, debts: Vec<Debt>) -> bool {
        let mut lines = lock(&self.lines);
        let is_new = !lines.contains_key(queue);
        if is_new && lines.len() >= LINES_MAX {
            return false;
        }
        let line = lines.entry(queue.to_owned()).or_default();
        for debt in debts {
            if line.waiting.len() < WAITING_MAX && line.known.insert(debt.key()) {
                line.waiting.push(debt);
            }
        }
        is_new
    }

    /// The next to be sent to a queue; `None`, and nobody sends to it any more, if there are none.
    fn take(&self, queue: &str, count_max: usize) -> Option<Vec<Debt>> {
        let mut lines = lock(&self.lines);
        let waiting = &mut lines.get_mut(queue)?.waiting;
        if waiting.is_empty() {
            lines.remove(queue);
            return None;
        }
        Some(waiting.drain(..count_max.min(waiting.len())).collect())
    }

    /// Sends what waits for a queue.
    async fn send_to(self: Arc<Self>, queue: String) {
        let Ok(_place) = self.places.acquire().await else { return };
        // The first goes alone: it finds out whether the queue can be reached.
        let mut count_max = 1;
        while let Some(debts) = self.take(&queue, count_max) {
            let keys: Vec<_> = debts.iter().map(Debt::key).collect();
            if self.is_reachable(&queue) {
                join_all(debts.into_iter().map(|debt| self.make_good(&queue, debt))).await;
                count_max = BATCH_ENTRIES_MAX;
            }
            if let Some(line) = lock(&self.lines).get_mut(&queue) {
                line.known.retain(|key| !keys.contains(key));
            }
        }
    }

    async fn make_good(&self, queue: &str, debt: Debt) {
        let sent = timeout(ANSWER_WITHIN, self.send_one(queue, &debt)).await;
        let sent = sent.unwrap_or_else(|_| Err(format!("no answer within {ANSWER_WITHIN:?}")));
        let Debt { record, what } = debt;
        if let Err(cause) = &sent {
            lock(&self.unreachable).insert(queue.to_owned(), Instant::now() + UNREACHABLE_FOR);
            tracing::warn!(task = %record.id, queue, cause, ?what, "it is still due");
            return;
        }
        if what == What::Task {
            return self.note_resent(record).await;
        }
        count(&self.runtime.status.made_good);
        let mut mark = Mark::of(record);
        (mark.reply, mark.dead_letter) = (what == What::Reply, what == What::DeadLetter);
        self.runtime.marks.mark(mark).await;
    }

    async fn send_one(&self, queue: &str, debt: &Debt) -> Result<(), String> {
        let found = self.runtime.sender.queue(queue).await?;
        let Some(message) = self.message(&found, debt) else {
            return Err("the record does not say what to send".to_owned());
        };
        self.runtime.sender.send(&found, message, self.item(debt), None).await
    }

    /// Nobody need look for it any more. Where somebody has claimed it by now, that is known already.
    async fn note_resent(&self, record: TaskRecord) {
        let next = life::resent(&record);
        if let Err(error) = self.runtime.records.write_one(Change::of(record, next)).await {
            tracing::warn!(%error, "a task was sent anew, and may be once more");
        }
    }

    fn item(&self, Debt { record, what }: &Debt) -> Item {
        let purpose = match what {
            What::Reply => Purpose::Reply,
            What::DeadLetter => Purpose::DeadLetter,
            What::Task => Purpose::Resend,
        };
        Item { purpose, task: self.runtime.names.label(record.asked.name.as_deref()) }
    }

    fn message(&self, queue: &QueueHandle, debt: &Debt) -> Option<OutgoingMessage> {
        let Debt { record, what } = debt;
        match what {
            What::Reply => {
                let (reply, now) =
                    (record.life.ending.clone()?.reply, self.runtime.options.clock.now());
                let trace = Envelope::open(&record.asked.attributes).trace();
                Some(reply::seal(queue, &record.id, reply, now, trace.as_ref()))
            }
            What::DeadLetter => {
                let letter = DeadLetter {
                    body: record.asked.body.as_deref()?,
                    attributes: &record.asked.attributes,
                    task: Some((&record.id, record.life.generation)),
                    reason: &record.life.outbox.as_ref()?.dead_letter.as_ref()?.reason,
                    fifo_id: record.id.as_str(),
                };
                Some(dead_letter::copy(queue, letter))
            }
            What::Task => anew::message_of(record),
        }
    }

    fn is_reachable(&self, queue: &str) -> bool {
        let (now, mut unreachable) = (Instant::now(), lock(&self.unreachable));
        unreachable.retain(|_, until| *until > now);
        !unreachable.contains_key(queue)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
