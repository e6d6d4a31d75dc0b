//! A store as a wrong runtime would use it: see [`Mutant`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use longshore_tasks::Store;
use longshore_tasks::TaskId;
use longshore_tasks::life::{Standing, When};
use longshore_tasks::store::{PutValue, Result, Row, Timed, Value, ValueWritten, Write, Written};
use serde_json::Value as Json;

use crate::mutant::Mutant;
use crate::store_layer::{Answer, StoreLayer};

/// What the keys begin with under which is kept who has the places of a key, and what was said of a queue.
const LIMITS: &str = "limits/";
const ORDERS: &str = "queues/";

/// A store that is wrong in that way.
#[derive(Debug)]
pub(crate) struct WrongStore {
    below: Arc<dyn Store>,
    mutant: Mutant,
    /// The most attempts that each task has had.
    attempts: Mutex<BTreeMap<TaskId, u64>>,
}

impl WrongStore {
    pub(crate) fn new(below: Arc<dyn Store>, mutant: Mutant) -> Self {
        Self { below, mutant, attempts: Mutex::default() }
    }

    fn is(&self, mutant: Mutant) -> bool {
        self.mutant == mutant
    }

    /// What is written instead.
    fn wrong(&self, mut write: Write) -> Write {
        if self.is(Mutant::CutsClaimsShort)
            && write.life.standing == Standing::Running
            && let Some(When::In(time)) = write.life.until
        {
            write.life.until = Some(When::In(time / 3));
        }
        if self.is(Mutant::CountsEveryRun) {
            self.count_every_run(&mut write);
        }
        write
    }

    /// No attempt is ever taken back.
    fn count_every_run(&self, write: &mut Write) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let before = attempts.entry(write.id.clone()).or_default();
        write.life.text = changed(&write.life.text, |life| {
            let made = life.get("attemptsMade").and_then(Json::as_u64).unwrap_or_default();
            if made + 1 == *before {
                life["attemptsMade"] = Json::from(*before);
            } else {
                *before = made;
            }
        });
    }

    /// Writes over whatever version is there.
    async fn write_anyway(&self, writes: Vec<Write>) -> Result<Timed<Vec<Written>>> {
        let answers = self.below.write(writes.clone()).await?;
        let (now, mut value) = (answers.now, Vec::new());
        for (write, answer) in writes.into_iter().zip(answers.value) {
            let Written::Conflict(Some(there)) = answer else {
                value.push(answer);
                continue;
            };
            let again = Write { expected: Some(there.version), ..write };
            value.extend(self.below.write(vec![again]).await?.value);
        }
        Ok(Timed { now, value })
    }
}

impl StoreLayer for WrongStore {
    fn below(&self) -> &dyn Store {
        &*self.below
    }

    fn read(&self, ids: Vec<TaskId>) -> Answer<'_, Timed<Vec<Option<Row>>>> {
        async move {
            let mut found = self.below.read(ids).await?;
            if self.is(Mutant::IgnoresCancels) {
                found.value.iter_mut().flatten().for_each(forget_cancel);
            }
            Ok(found)
        }
        .boxed()
    }

    fn write(&self, writes: Vec<Write>) -> Answer<'_, Timed<Vec<Written>>> {
        async move {
            let ends = |write: &Write| {
                matches!(write.life.standing, Standing::Completed | Standing::Failed)
            };
            if self.is(Mutant::ForgetsTheEnd) && writes.iter().all(ends) {
                let now = self.below.read(Vec::new()).await?.now;
                return Ok(Timed { now, value: writes.iter().map(|_| Written::Done).collect() });
            }
            if self.is(Mutant::IgnoresVersions) {
                return self.write_anyway(writes).await;
            }
            let writes = writes.into_iter().map(|write| self.wrong(write)).collect();
            let mut answers = self.below.write(writes).await?;
            if self.is(Mutant::IgnoresCancels) {
                for answer in &mut answers.value {
                    if let Written::Conflict(Some(there)) = answer {
                        forget_cancel(there);
                    }
                }
            }
            Ok(answers)
        }
        .boxed()
    }

    fn due(&self, count_max: usize) -> Answer<'_, Timed<Vec<Row>>> {
        async move {
            let mut due = self.below.due(count_max).await?;
            if self.is(Mutant::ForgetsTheOutbox) {
                due.value.clear();
            }
            Ok(due)
        }
        .boxed()
    }

    fn values(&self, keys: Vec<String>) -> Answer<'_, Timed<Vec<Option<Value>>>> {
        async move {
            let limits = self.is(Mutant::IgnoresKeyLimits).then_some(LIMITS);
            let unheard = limits.or(self.is(Mutant::IgnoresPauses).then_some(ORDERS));
            let mut found = self.below.values(keys).await?;
            for value in &mut found.value {
                let is_unheard =
                    |value: &Value| unheard.is_some_and(|of| value.key.starts_with(of));
                *value = value.take().filter(|value| !is_unheard(value));
                if self.is(Mutant::IgnoresOrders) {
                    *value = value.take().map(without_concurrency);
                }
            }
            Ok(found)
        }
        .boxed()
    }

    fn put_value(&self, put: PutValue) -> Answer<'_, Timed<ValueWritten>> {
        async move {
            let is_unheard = self.is(Mutant::IgnoresKeyLimits) && put.key.starts_with(LIMITS);
            let mut written = self.below.put_value(put).await?;
            if is_unheard && let ValueWritten::Conflict(Some(there)) = &written.value {
                written.value = ValueWritten::Done(there.version);
            }
            Ok(written)
        }
        .boxed()
    }
}

/// The value, as if nobody had said how many tasks of a queue run at once.
fn without_concurrency(value: Value) -> Value {
    let Ok(Json::Object(mut said)) = serde_json::from_str(&value.text) else { return value };
    said.remove("concurrency");
    Value { text: Json::Object(said).to_string(), ..value }
}

/// The row, as if nobody had asked for its task's end.
fn forget_cancel(row: &mut Row) {
    row.life.text = changed(&row.life.text, |life| {
        if let Some(life) = life.as_object_mut() {
            life.remove("cancel");
        }
    });
}

/// The text of a life with something changed in it.
fn changed(text: &str, change: impl FnOnce(&mut Json)) -> String {
    let mut read: Json = serde_json::from_str(text).expect("a life is kept as JSON");
    change(&mut read["value"]);
    read.to_string()
}
