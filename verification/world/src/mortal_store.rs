//! The store as one program has it: each call may be its last.

use std::sync::Arc;

use futures::FutureExt as _;
use longshore_tasks::store::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, Timed, Value, ValueWritten, Write,
    Written,
};
use longshore_tasks::{BoxFuture, TaskId};

use crate::program::Program;

/// The store as one program has it.
#[derive(Debug)]
pub(crate) struct MortalStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) program: Arc<Program>,
}

impl MortalStore {
    fn call<'a, T: Send + 'a>(
        &'a self,
        call: BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        async move {
            self.program.passes().await;
            let answer = call.await;
            self.program.passes().await;
            answer
        }
        .boxed()
    }
}

impl Store for MortalStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn keeps_time(&self) -> bool {
        self.inner.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.call(self.inner.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.call(self.inner.write(writes))
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.call(self.inner.alias(aliases))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.call(self.inner.list(query))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.call(self.inner.due(count_max))
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        self.call(self.inner.expire(count_max))
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.call(self.inner.values(keys))
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.call(self.inner.list_values(prefix, count_max))
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.call(self.inner.put_value(put))
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
