//! A store in memory: for tests, and for a single process that may forget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use longshore_types::Timestamp;

use super::{
    Alias, LifeRow, ListQuery, Page, Place, PutValue, Result, Row, Store, Timed, Value,
    ValueWritten, Write, Written,
};
use crate::clock::{Clock, SystemClock};
use crate::id::TaskId;
use crate::transport::BoxFuture;

/// A [`Store`] in memory. What it holds ends with the process.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{MemoryStore, Store, TaskId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), longshore_tasks::StoreError> {
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let found = store.read(vec![TaskId::parse("t-1").unwrap()]).await?;
/// assert_eq!(found.value, [None]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Debug, Default)]
struct Tables {
    rows: HashMap<TaskId, Row>,
    /// By `MessageId`: the task, and when the alias goes.
    aliases: HashMap<TaskId, (TaskId, Timestamp)>,
    values: HashMap<String, Value>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store, by the system's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store, by that clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tables: Arc::default() }
    }

    /// The same store as another process sees it whose clock is another: what two processes of one
    /// host, or hosts without a store that keeps time, are to one another.
    #[must_use]
    pub fn by_clock(&self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, tables: Arc::clone(&self.tables) }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the tables, at one point in time.
    fn at_once<'a, T: Send + 'a>(
        &'a self,
        act: impl FnOnce(&mut Tables, Timestamp) -> T + Send + 'a,
    ) -> BoxFuture<'a, Result<Timed<T>>> {
        async move {
            let now = self.clock.now();
            let value = act(&mut self.tables(), now);
            Ok(Timed { now, value })
        }
        .boxed()
    }
}

impl Tables {
    fn row(&self, id: &TaskId, now: Timestamp) -> Option<&Row> {
        self.rows.get(id).filter(|row| row.life.keep > now)
    }

    fn find(&self, id: &TaskId, now: Timestamp) -> Option<Row> {
        let alias = self.aliases.get(id).filter(|(_, keep)| *keep > now);
        self.row(alias.map_or(id, |(task, _)| task), now).cloned()
    }

    fn write(&mut self, write: Write, now: Timestamp) -> Written {
        let there = self.row(&write.id, now);
        if there.map(|row| row.version) != write.expected {
            return Written::Conflict(there.cloned().map(Box::new));
        }
        let (version, before) = (write.version(), there.cloned());
        let message_id = before.as_ref().and_then(|row| row.message_id.clone());
        let asked = write.asked.or(before.map(|row| row.asked)).unwrap_or_default();
        let life = LifeRow {
            text: write.life.text,
            standing: write.life.standing,
            until: write.life.until.map(|until| until.at(now)),
            wake: write.life.wake.map(|wake| wake.at(now)),
            keep: write.life.keep.at(now),
        };
        let row = Row { id: write.id.clone(), version, mark: write.mark, message_id, asked, life };
        self.rows.insert(write.id, row);
        Written::Done
    }

    fn alias(&mut self, alias: Alias, now: Timestamp) -> Option<Row> {
        let early = self.row(&alias.message_id, now).cloned();
        if let Some(row) = self.rows.get_mut(&alias.id) {
            row.message_id = Some(alias.message_id.to_string());
        }
        self.aliases.insert(alias.message_id, (alias.id, alias.keep.at(now)));
        early
    }

    fn list(&self, query: &ListQuery, now: Timestamp) -> Page {
        let after = query.after.as_deref().and_then(Place::parse);
        let comes = |row: &&Row| after.as_ref().is_none_or(|after| Place::of(row) < *after);
        let there = self.rows.values().filter(|row| row.life.keep > now);
        let mut rows: Vec<&Row> = there.filter(comes).filter(|row| query.matches(row)).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(Place::of(row)));
        let more = rows.len() > query.count_max;
        rows.truncate(query.count_max);
        let last = rows.last().filter(|_| more);
        let next = last.map(|row| Place::of(row).to_cursor());
        Page { rows: rows.into_iter().cloned().collect(), next }
    }

    fn due(&self, count_max: usize, now: Timestamp) -> Vec<Row> {
        let due = |row: &&Row| row.life.keep > now && row.life.wake.is_some_and(|at| at <= now);
        let mut rows: Vec<Row> = self.rows.values().filter(due).cloned().collect();
        rows.sort_by_key(|row| row.life.wake);
        rows.truncate(count_max);
        rows
    }

    fn expire(&mut self, count_max: usize, now: Timestamp) -> usize {
        let over = self.rows.iter().filter(|(_, row)| row.life.keep <= now);
        let over: Vec<TaskId> = over.take(count_max).map(|(id, _)| id.clone()).collect();
        for id in &over {
            self.rows.remove(id);
        }
        self.aliases.retain(|_, (_, keep)| *keep > now);
        self.values.retain(|_, value| value.keep > now);
        over.len()
    }

    fn value(&self, key: &str, now: Timestamp) -> Option<&Value> {
        self.values.get(key).filter(|value| value.keep > now)
    }

    fn put(&mut self, put: PutValue, now: Timestamp) -> ValueWritten {
        let there = self.value(&put.key, now);
        let before = there.map(|value| value.version);
        if !put.expected.is_met(before) {
            return ValueWritten::Conflict(there.cloned());
        }
        let version = before.unwrap_or(0) + 1;
        let PutValue { key, mark, text, keep, .. } = put;
        let value = Value { key: key.clone(), version, mark, text, keep: keep.at(now) };
        self.values.insert(key, value);
        ValueWritten::Done(version)
    }
}

impl Store for MemoryStore {
    fn name(&self) -> &'static str {
        "the store in memory"
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.at_once(move |tables, now| ids.iter().map(|id| tables.find(id, now)).collect())
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.at_once(move |tables, now| {
            writes.into_iter().map(|write| tables.write(write, now)).collect()
        })
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.at_once(move |tables, now| {
            aliases.into_iter().map(|alias| tables.alias(alias, now)).collect()
        })
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.at_once(move |tables, now| tables.list(&query, now))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.at_once(move |tables, now| tables.due(count_max, now))
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        let gone = self.at_once(move |tables, now| tables.expire(count_max, now));
        gone.map(|gone| gone.map(|timed| timed.value)).boxed()
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.at_once(move |tables, now| {
            keys.iter().map(|key| tables.value(key, now).cloned()).collect()
        })
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.at_once(move |tables, now| {
            let there = tables.values.values().filter(|value| value.keep > now);
            let mut values: Vec<Value> =
                there.filter(|value| value.key.starts_with(&prefix)).cloned().collect();
            values.sort_by(|one, other| one.key.cmp(&other.key));
            values.truncate(count_max);
            values
        })
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.at_once(move |tables, now| tables.put(put, now))
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
