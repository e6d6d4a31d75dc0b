//! A store as a wrong runtime would use it: see [`Mutant`].

use std::sync::Arc;

use futures::FutureExt as _;
use longshore_tasks::life::{Standing, When};
use longshore_tasks::store::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, Timed, Value, ValueWritten, Write,
    Written,
};
use longshore_tasks::{BoxFuture, TaskId};

use crate::mutant::Mutant;

/// A store that is wrong in that way.
#[derive(Debug)]
pub(crate) struct WrongStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) mutant: Mutant,
}

impl WrongStore {
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
        write
    }

    /// Writes over whatever version is there.
    async fn write_anyway(&self, writes: Vec<Write>) -> Result<Timed<Vec<Written>>> {
        let answers = self.inner.write(writes.clone()).await?;
        let (now, mut value) = (answers.now, Vec::new());
        for (write, answer) in writes.into_iter().zip(answers.value) {
            let Written::Conflict(Some(there)) = answer else {
                value.push(answer);
                continue;
            };
            let again = Write { expected: Some(there.version), ..write };
            value.extend(self.inner.write(vec![again]).await?.value);
        }
        Ok(Timed { now, value })
    }
}

impl Store for WrongStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn keeps_time(&self) -> bool {
        self.inner.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.inner.read(ids)
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        async move {
            let ends = |write: &Write| {
                matches!(write.life.standing, Standing::Completed | Standing::Failed)
            };
            if self.is(Mutant::ForgetsTheEnd) && writes.iter().all(ends) {
                let now = self.inner.read(Vec::new()).await?.now;
                return Ok(Timed { now, value: writes.iter().map(|_| Written::Done).collect() });
            }
            if self.is(Mutant::IgnoresVersions) {
                return self.write_anyway(writes).await;
            }
            self.inner.write(writes.into_iter().map(|write| self.wrong(write)).collect()).await
        }
        .boxed()
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.inner.alias(aliases)
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.inner.list(query)
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        async move {
            let mut due = self.inner.due(count_max).await?;
            if self.is(Mutant::ForgetsTheOutbox) {
                due.value.clear();
            }
            Ok(due)
        }
        .boxed()
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        self.inner.expire(count_max)
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.inner.values(keys)
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.inner.list_values(prefix, count_max)
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.inner.put_value(put)
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
