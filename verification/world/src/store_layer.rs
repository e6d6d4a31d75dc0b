//! What stands between a program and its store: each says what it does otherwise, and all else goes on as it came.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use longshore_tasks::store::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, Timed, Value, ValueWritten, Write,
    Written,
};
use longshore_tasks::{BoxFuture, TaskId};

/// What an answer of a store comes as.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// A layer over a store, which changes some of its calls.
pub(crate) trait StoreLayer: fmt::Debug + Send + Sync + Sized + 'static {
    /// The store below.
    fn below(&self) -> &dyn Store;

    /// Every call passes here.
    fn pass<'a, T: Send + 'a>(&'a self, call: Answer<'a, T>) -> Answer<'a, T> {
        call
    }

    fn keeps_time(&self) -> bool {
        self.below().keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> Answer<'_, Timed<Vec<Option<Row>>>> {
        self.below().read(ids)
    }

    fn write(&self, writes: Vec<Write>) -> Answer<'_, Timed<Vec<Written>>> {
        self.below().write(writes)
    }

    fn due(&self, count_max: usize) -> Answer<'_, Timed<Vec<Row>>> {
        self.below().due(count_max)
    }

    fn values(&self, keys: Vec<String>) -> Answer<'_, Timed<Vec<Option<Value>>>> {
        self.below().values(keys)
    }

    fn put_value(&self, put: PutValue) -> Answer<'_, Timed<ValueWritten>> {
        self.below().put_value(put)
    }
}

/// A store with that layer over it.
#[derive(Debug)]
pub(crate) struct Layered<L>(pub(crate) L);

impl<L: StoreLayer> Store for Layered<L> {
    fn name(&self) -> &str {
        self.0.below().name()
    }

    fn keeps_time(&self) -> bool {
        self.0.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> Answer<'_, Timed<Vec<Option<Row>>>> {
        self.0.pass(self.0.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> Answer<'_, Timed<Vec<Written>>> {
        self.0.pass(self.0.write(writes))
    }

    fn alias(&self, aliases: Vec<Alias>) -> Answer<'_, Timed<Vec<Option<Row>>>> {
        self.0.pass(self.0.below().alias(aliases))
    }

    fn list(&self, query: ListQuery) -> Answer<'_, Timed<Page>> {
        self.0.pass(self.0.below().list(query))
    }

    fn due(&self, count_max: usize) -> Answer<'_, Timed<Vec<Row>>> {
        self.0.pass(self.0.due(count_max))
    }

    fn expire(&self, count_max: usize) -> Answer<'_, usize> {
        self.0.pass(self.0.below().expire(count_max))
    }

    fn values(&self, keys: Vec<String>) -> Answer<'_, Timed<Vec<Option<Value>>>> {
        self.0.pass(self.0.values(keys))
    }

    fn list_values(&self, prefix: String, count_max: usize) -> Answer<'_, Timed<Vec<Value>>> {
        self.0.pass(self.0.below().list_values(prefix, count_max))
    }

    fn put_value(&self, put: PutValue) -> Answer<'_, Timed<ValueWritten>> {
        self.0.pass(self.0.put_value(put))
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move { Ok(self as Arc<dyn Store>) }.boxed()
    }
}
