//! What is really in the store of the workers: each write that was carried out is told to the book.
//!
//! # Invariants that are checked here
//!
//! - No claim is taken over before its end, where the store tells the time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use longshore_tasks::life::{Standing, When};
use longshore_tasks::store::{Row, Timed, Write, Written};
use longshore_tasks::{MemoryStore, Store};
use longshore_types::Timestamp;

use crate::book::{Book, Ended};
use crate::store_layer::{Answer, StoreLayer};

/// A store in memory, as the programs of one schedule share it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    inner: Arc<MemoryStore>,
    book: Book,
    keeps_time: bool,
    /// Until when the tasks that run are claimed.
    claims: Arc<Mutex<BTreeMap<usize, Timestamp>>>,
}

impl Kept {
    pub(crate) fn new(inner: MemoryStore, book: Book, keeps_time: bool) -> Self {
        Self { inner: Arc::new(inner), book, keeps_time, claims: Arc::default() }
    }

    /// The same store as a program sees it that goes by that clock.
    pub(crate) fn by_clock(&self, clock: Arc<dyn longshore_tasks::Clock>) -> Self {
        Self { inner: Arc::new(self.inner.by_clock(clock)), ..self.clone() }
    }

    fn tell(&self, write: &Write, now: Timestamp) {
        let Some(task) = self.book.task_of(write.id.as_str()) else { return };
        let what = write.life.standing.as_str();
        self.book.note(0, what, "version", write.version());
        self.tell_claim(task, write, now);
        if matches!(write.life.standing, Standing::Completed | Standing::Failed)
            && let Some(ended) = ended(write)
        {
            self.book.end(task, &ended);
        }
    }

    fn tell_claim(&self, task: usize, write: &Write, now: Timestamp) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if write.life.standing != Standing::Running {
            claims.remove(&task);
            return;
        }
        let is_new = write.life.text.contains(&format!("\"fence\":{},", write.version()));
        let before = claims.get(&task).copied().filter(|until| is_new && *until > now);
        if let Some(until) = before.filter(|_| self.keeps_time) {
            self.book.breaks(|| {
                let left = until.since(now);
                format!("task {task} is claimed {left:?} before the claim of another has ended")
            });
        }
        if let Some(until) = write.life.until {
            let until = match until {
                When::At(at) => at,
                When::In(time) => now + time,
            };
            claims.insert(task, until);
        }
    }
}

/// What a row says of the end.
fn ended(write: &Write) -> Option<Ended> {
    let text: serde_json::Value = serde_json::from_str(&write.life.text).ok()?;
    let life = text.get("value")?;
    let ending = life.get("ending")?;
    let generation = u32::try_from(life.get("generation")?.as_u64()?).ok()?;
    let reply = ending.get("reply")?.get("body")?.as_str()?.to_owned();
    let dead = ending.get("how")?.as_str()? == "dead";
    Some(Ended { standing: write.life.standing, reply, dead, generation })
}

impl StoreLayer for Kept {
    fn below(&self) -> &dyn Store {
        &*self.inner
    }

    fn keeps_time(&self) -> bool {
        self.keeps_time
    }

    fn write(&self, writes: Vec<Write>) -> Answer<'_, Timed<Vec<Written>>> {
        async move {
            let answer = self.inner.write(writes.clone()).await?;
            for (write, written) in writes.iter().zip(&answer.value) {
                if matches!(written, Written::Done) {
                    self.tell(write, answer.now);
                }
            }
            Ok(answer)
        }
        .boxed()
    }

    /// Those that are due together in an order of their own: a store in memory has none.
    fn due(&self, count_max: usize) -> Answer<'_, Timed<Vec<Row>>> {
        async move {
            let mut due = self.inner.due(count_max).await?;
            due.value
                .sort_by(|one, other| (one.life.wake, &one.id).cmp(&(other.life.wake, &other.id)));
            Ok(due)
        }
        .boxed()
    }
}
