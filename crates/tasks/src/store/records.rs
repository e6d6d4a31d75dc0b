//! Task records over a store: what `life` decided, written under the version it was decided on.
//!
//! # Invariants
//!
//! - A write that is made again after a lost answer meets its own mark, and counts as written.
//! - A record that this version cannot read is an error, never a missing record.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::Timestamp;

use super::ended::{End, Pace, Waiting};
use super::{
    Alias, AskedRow, LifeRow, ListQuery, Result, Row, Store, StoreError, Timed, Write, Written,
};
use crate::id::{RandomSource, TaskId};
use crate::life::{self, Asked, Next, Shown, Standing, TaskRecord, When};
use crate::reply::Reply;

/// Decisions against what others write meanwhile, before a call is given up: each round means that
/// somebody else's write went through.
const ROUNDS_MAX: u32 = 20;

/// Task records over a store. Cheap to clone.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::store::Change;
/// use longshore_tasks::{MemoryStore, Records, SystemRandom, TaskId, life};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), longshore_tasks::StoreError> {
/// let records = Records::new(Arc::new(MemoryStore::new()), Arc::new(SystemRandom));
/// let id = TaskId::parse("t-1").unwrap();
/// assert_eq!(records.find(&id).await?.record, None);
///
/// // What a client writes before it sends: PENDING, as version 1.
/// let asked = life::Asked { queue: "tasks".to_owned(), ..life::Asked::default() };
/// records.write_one(Change::first(id.clone(), life::submitted(asked))).await?;
/// let record = records.find(&id).await?.record.unwrap();
/// assert_eq!((record.version, record.asked.queue.as_str()), (1, "tasks"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Records {
    store: Arc<dyn Store>,
    random: Arc<dyn RandomSource>,
    /// Who waits in this process. Shared by all clones, over whichever connections.
    waiting: Arc<Waiting>,
}

/// A record, if there is one, and the store's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The record.
    pub record: Option<TaskRecord>,
    /// The store's time.
    pub now: Timestamp,
}

/// What a record is to become, and the version on which that was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The record that it was decided on; `None` where there was none.
    pub before: Option<TaskRecord>,
    /// The task's id.
    pub id: TaskId,
    /// What the record becomes.
    pub next: Next,
}

/// What became of a change.
#[derive(Debug)]
pub enum Answer {
    /// It is written: the record as it is now.
    Written(Box<TaskRecord>),
    /// Another version is there, or no record: decide again.
    Conflict(Found),
    /// What is there cannot be read by this version.
    Unreadable(StoreError),
}

impl Change {
    /// The record `before` becomes `next`.
    pub fn of(before: TaskRecord, next: Next) -> Self {
        Self { id: before.id.clone(), before: Some(before), next }
    }

    /// A first record.
    pub fn first(id: TaskId, next: Next) -> Self {
        Self { before: None, id, next }
    }

    /// The record once this is written, as version `version`, at `now`.
    fn written(self, now: Timestamp) -> TaskRecord {
        let Self { before, id, next } = self;
        let at = |when: When| when.at(now);
        let asked = next.asked.or_else(|| before.as_ref().map(|before| Arc::clone(&before.asked)));
        TaskRecord {
            id,
            version: before.as_ref().map_or(0, |before| before.version) + 1,
            message_id: before.and_then(|before| before.message_id),
            asked: asked.unwrap_or_default(),
            life: next.life,
            until: next.until.map(at),
            wake: next.wake.map(at),
            keep: at(next.keep),
        }
    }
}

impl Records {
    /// Records in `store`; `random` marks the writes.
    pub fn new(store: Arc<dyn Store>, random: Arc<dyn RandomSource>) -> Self {
        Self { store, random, waiting: Arc::default() }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The same records over connections of their own, for the calling runtime.
    pub async fn separate(&self) -> Result<Self> {
        let store = Arc::clone(&self.store).separate().await?;
        Ok(Self { store, ..self.clone() })
    }

    /// The record of a task, by its id or by a `MessageId` that stands for it.
    pub async fn find(&self, id: &TaskId) -> Result<Found> {
        let Timed { now, value: mut rows } = self.store.read(vec![id.clone()]).await?;
        let record = rows.pop().flatten().map(|row| self.record(row)).transpose()?;
        Ok(Found { record, now })
    }

    /// What somebody is shown of a task who keeps results for `retention`; what was asked is not taken apart for that.
    pub async fn shown(&self, id: &TaskId, retention: Duration) -> Result<Option<Shown>> {
        let Timed { now, value: mut rows } = self.store.read(vec![id.clone()]).await?;
        let Some(row) = rows.pop().flatten() else { return Ok(None) };
        let life = life::life_from_text(&row.life.text);
        let life = life.map_err(|source| self.unreadable(row.id, source))?;
        Ok(life::result(&life, retention, now))
    }

    /// The records of tasks, each in its place: for one that cannot be read, why. It is there, so
    /// nobody may take its task for an unknown one.
    pub async fn find_all(
        &self,
        ids: Vec<TaskId>,
    ) -> Result<Timed<Vec<Result<Option<TaskRecord>>>>> {
        let Timed { now, value } = self.store.read(ids).await?;
        let record = |row: Option<Row>| row.map(|row| self.record(row)).transpose();
        Ok(Timed { now, value: value.into_iter().map(record).collect() })
    }

    /// Records by what was asked and how they stand, the latest first, and where the next page
    /// begins.
    pub async fn list(&self, query: ListQuery) -> Result<(Vec<TaskRecord>, Option<String>)> {
        let page = self.store.list(query).await?.value;
        let records = page.rows.into_iter().filter_map(|row| self.readable(row)).collect();
        Ok((records, page.next))
    }

    /// Records whose time to wake has come.
    pub async fn due(&self, count_max: usize) -> Result<Timed<Vec<TaskRecord>>> {
        let Timed { now, value } = self.store.due(count_max).await?;
        Ok(Timed { now, value: value.into_iter().filter_map(|row| self.readable(row)).collect() })
    }

    /// Writes changes in one call, and answers for each in its place.
    pub async fn write(&self, changes: Vec<Change>) -> Result<Vec<Answer>> {
        let marks: Vec<u64> = changes.iter().map(|_| self.random.next()).collect();
        let writes = || changes.iter().zip(&marks).map(|(change, mark)| to_write(change, *mark));
        let Timed { now, value } = match self.store.write(writes().collect()).await {
            // The answer may have been lost after the write was done: the mark tells. What removes a
            // record is not repeated, for by now somebody may have written it anew.
            Err(StoreError::Unavailable { .. }) if !changes.iter().any(removes) => {
                self.store.write(writes().collect()).await?
            }
            answer => answer?,
        };
        let entries = changes.into_iter().zip(marks).zip(value);
        Ok(entries
            .map(|((change, mark), written)| self.answer(change, mark, written, now))
            .collect())
    }

    /// Writes one change.
    pub async fn write_one(&self, change: Change) -> Result<Answer> {
        let mut answers = self.write(vec![change]).await?;
        Ok(answers.pop().expect("every change is answered for"))
    }

    /// Has `decide` say what a record becomes, again whenever somebody else was faster, until it is
    /// written. `None` from `decide` leaves the record as it is.
    pub async fn change<E: From<StoreError>>(
        &self,
        mut found: Found,
        mut decide: impl FnMut(Found) -> std::result::Result<Option<Change>, E>,
    ) -> std::result::Result<Option<TaskRecord>, E> {
        for _ in 0..ROUNDS_MAX {
            let Some(change) = decide(found)? else { return Ok(None) };
            match self.write_one(change).await? {
                Answer::Written(record) => return Ok(Some(*record)),
                Answer::Conflict(there) => found = there,
                Answer::Unreadable(error) => return Err(error.into()),
            }
        }
        let store = self.store.name();
        Err(StoreError::unavailable(store, "write a record", "others write it all the time").into())
    }

    /// Keeps a reply to the task `id`, if its record is there and the reply changes it. `false` if
    /// there is no record.
    pub async fn take_in(&self, id: &TaskId, reply: &Reply, retention: Duration) -> Result<bool> {
        let found = self.find(id).await?;
        let known = found.record.is_some();
        let decide = |found: Found| -> Result<Option<Change>> {
            let Some(record) = found.record else { return Ok(None) };
            let next = life::taken_in(&record, reply, retention, found.now);
            Ok(next.map(|next| Change::of(record, next)))
        };
        self.change(found, decide).await?;
        Ok(known)
    }

    /// Takes hidden replies in whose `MessageId` stands for a task by now. One whose task has a record of
    /// a later version waits for an app that can read it, and keeps no other waiting.
    pub async fn reveal(&self, hidden: Vec<TaskRecord>, retention: Duration) -> Result<()> {
        for record in hidden {
            match self.reveal_one(&record, retention).await {
                Err(error @ StoreError::Unreadable { .. }) => {
                    tracing::warn!(%error, "an early reply stays hidden");
                }
                revealed => revealed?,
            }
        }
        Ok(())
    }

    async fn reveal_one(&self, hidden: &TaskRecord, retention: Duration) -> Result<()> {
        let Some(ending) = &hidden.life.ending else { return Ok(()) };
        let found = self.find(&hidden.id).await?;
        if found.record.is_some_and(|task| task.id != hidden.id) {
            self.take_in(&hidden.id, &ending.reply, retention).await?;
        }
        Ok(())
    }

    /// Waits until the task may have ended: this process heard of it, or the store has it. Answers the record if it
    /// came with the news; else the store has to be asked for it.
    ///
    /// # Errors
    ///
    /// The store does not answer.
    pub async fn ended(&self, id: &TaskId) -> Result<Option<TaskRecord>> {
        let wait = self.waiting.wait(id);
        let looked = async {
            // Whoever is first asks for everybody.
            let mut pace = self.waiting.ask().await;
            self.look_until(&wait.end, &mut pace).await
        };
        tokio::select! {
            biased;
            record = wait.end.told() => return Ok(record),
            looked = looked => looked?,
        }
        Ok(wait.end.told().await)
    }

    /// Looks for all that is waited for, and tells of it, until `end` is told.
    async fn look_until(&self, end: &End, pace: &mut Pace) -> Result<()> {
        loop {
            pace.wait(&self.waiting).await;
            let ids = self.waiting.ids();
            let rows = self.store.read(ids.clone()).await?.value;
            for (id, row) in ids.into_iter().zip(rows) {
                if row.as_ref().is_none_or(|row| is_over(row.life.standing)) {
                    // Whoever waits for a record that cannot be read asks for it, and hears why.
                    self.waiting.tell(&id, row.and_then(|row| self.record(row).ok()));
                }
            }
            if end.is_told() {
                return Ok(());
            }
            pace.note_look();
            pace.slow_down(&self.waiting);
        }
    }

    /// A task has ended, as this process has heard: its record.
    pub fn tell_ended(&self, record: &TaskRecord) {
        self.waiting.tell(&record.id, Some(record.clone()));
    }

    /// Notes that `message_id` stands for the task `id`, and answers the reply that came to it before,
    /// if one did.
    pub async fn alias(&self, aliases: Vec<Alias>) -> Result<Vec<Option<Reply>>> {
        let rows = self.store.alias(aliases).await?.value;
        let reply = |record: TaskRecord| Some(record.life.ending.as_ref()?.reply.clone());
        Ok(rows.into_iter().map(|row| self.readable(row?).and_then(reply)).collect())
    }

    fn answer(&self, change: Change, mark: u64, written: Written, now: Timestamp) -> Answer {
        match written {
            Written::Done => {
                let record = change.written(now);
                if is_over(record.life.standing()) {
                    self.tell_ended(&record);
                }
                Answer::Written(Box::new(record))
            }
            Written::Conflict(None) => Answer::Conflict(Found { record: None, now }),
            Written::Conflict(Some(row)) => {
                let own = row.mark == mark;
                match self.record(*row) {
                    Ok(record) if own => Answer::Written(Box::new(record)),
                    Ok(record) => Answer::Conflict(Found { record: Some(record), now }),
                    Err(error) => Answer::Unreadable(error),
                }
            }
        }
    }

    fn record(&self, row: Row) -> Result<TaskRecord> {
        let unreadable = |source| self.unreadable(row.id.clone(), source);
        let asked = Arc::new(life::asked_from_text(&row.asked.text).map_err(unreadable)?);
        let life = Arc::new(life::life_from_text(&row.life.text).map_err(unreadable)?);
        let Row { id, version, message_id, .. } = row;
        let LifeRow { until, wake, keep, .. } = row.life;
        Ok(TaskRecord { id, version, message_id, asked, life, until, wake, keep })
    }

    fn unreadable(&self, id: TaskId, source: life::TextError) -> StoreError {
        StoreError::Unreadable { store: self.store.name().to_owned(), id, source: source.into() }
    }

    fn readable(&self, row: Row) -> Option<TaskRecord> {
        let record = self.record(row);
        record.inspect_err(|error| tracing::warn!(%error, "a record is left alone")).ok()
    }
}

fn to_write(Change { before, id, next }: &Change, mark: u64) -> Write {
    Write {
        id: id.clone(),
        expected: before.as_ref().map(|before| before.version),
        mark,
        asked: next.asked.as_deref().map(asked_row),
        life: LifeRow {
            text: life::life_to_text(&next.life),
            standing: next.life.standing(),
            until: next.until,
            wake: next.wake,
            keep: next.keep,
        },
        survives: next.survives,
    }
}

/// As [`Write::removes`].
fn removes(change: &Change) -> bool {
    change.next.keep == When::At(Timestamp::ZERO)
}

/// Whether whoever waits for a task that stands so need wait no longer.
fn is_over(standing: Standing) -> bool {
    matches!(standing, Standing::Completed | Standing::Failed | Standing::Expired)
}

fn asked_row(asked: &Asked) -> AskedRow {
    AskedRow {
        text: life::asked_to_text(asked),
        name: asked.name.clone(),
        queue: asked.queue.clone(),
        key: asked.key.clone(),
        tags: asked.tags.clone(),
        created_at: asked.created_at,
    }
}
