//! A store around another: how often it was called, how long that took, and how often it failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use longshore_metrics::{Durations, Spread};
use tokio::time::Instant;

use super::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, Timed, Value, ValueWritten, Write,
    Written,
};
use crate::id::TaskId;
use crate::transport::BoxFuture;

/// A call of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Read,
    Write,
    Alias,
    List,
    Due,
    Expire,
    Values,
    ListValues,
    PutValue,
}

/// The labels of the calls, in their order.
const LABELS: [&str; 9] =
    ["read", "write", "alias", "list", "due", "expire", "values", "list_values", "put_value"];

/// What was counted of the calls of a store. Connections of its own count here too.
#[derive(Debug, Default)]
pub struct StoreCalls {
    durations: [Durations; LABELS.len()],
    errors: [AtomicU64; LABELS.len()],
}

/// What was counted of the calls of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct CallNumbers {
    /// The kind, as a label: `read`, `write`, and so on.
    pub call: &'static str,
    /// How long they took that were answered, well or with an error.
    pub durations: Spread,
    /// How many were answered with an error.
    pub errors: u64,
}

impl StoreCalls {
    /// What was counted of the kinds of calls that were made.
    pub fn numbers(&self) -> Vec<CallNumbers> {
        let counted = LABELS.iter().zip(self.durations.iter().zip(&self.errors));
        let numbers = counted.map(|(call, (durations, errors))| CallNumbers {
            call,
            durations: durations.spread(),
            errors: errors.load(Relaxed),
        });
        numbers.filter(|numbers| numbers.durations.count() > 0).collect()
    }

    async fn measure<T>(&self, call: Call, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let called_at = Instant::now();
        let answer = answer.await;
        self.durations[call as usize].observe(called_at.elapsed());
        if answer.is_err() {
            self.errors[call as usize].fetch_add(1, Relaxed);
        }
        answer
    }
}

/// A store that counts what another is asked, and asks it.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::store::{MeasuredStore, MemoryStore, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), longshore_tasks::StoreError> {
/// let store = MeasuredStore::new(Arc::new(MemoryStore::new()));
/// let calls = store.calls(); // for a page of metrics
/// store.due(10).await?;
/// assert_eq!((calls.numbers()[0].call, calls.numbers()[0].durations.count()), ("due", 1));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MeasuredStore {
    store: Arc<dyn Store>,
    calls: Arc<StoreCalls>,
}

impl MeasuredStore {
    /// Counts what `store` is asked from now on.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, calls: Arc::default() }
    }

    /// What is counted.
    pub fn calls(&self) -> Arc<StoreCalls> {
        Arc::clone(&self.calls)
    }

    fn measure<'a, T: Send + 'a>(
        &'a self,
        call: Call,
        answer: BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(self.calls.measure(call, answer))
    }
}

impl Store for MeasuredStore {
    fn name(&self) -> &str {
        self.store.name()
    }

    fn keeps_time(&self) -> bool {
        self.store.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.measure(Call::Read, self.store.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.measure(Call::Write, self.store.write(writes))
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.measure(Call::Alias, self.store.alias(aliases))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.measure(Call::List, self.store.list(query))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.measure(Call::Due, self.store.due(count_max))
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        self.measure(Call::Expire, self.store.expire(count_max))
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.measure(Call::Values, self.store.values(keys))
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.measure(Call::ListValues, self.store.list_values(prefix, count_max))
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.measure(Call::PutValue, self.store.put_value(put))
    }

    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        Box::pin(async move {
            let store = Arc::clone(&self.store).separate().await?;
            let calls = self.calls();
            Ok(Arc::new(Self { store, calls }) as Arc<dyn Store>)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::super::StoreError;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_counts_under_its_kind_with_its_time_and_its_error() {
        let calls = StoreCalls::default();
        let late = async {
            sleep(Duration::from_millis(20)).await;
            Ok(())
        };
        calls.measure(Call::PutValue, late).await.unwrap();
        let failed = async { Err::<(), _>(StoreError::unavailable("s", "write", "no")) };
        assert!(calls.measure(Call::Write, failed).await.is_err());
        let told: Vec<_> = calls
            .numbers()
            .into_iter()
            .map(|of| (of.call, of.durations.count(), of.durations.total, of.errors))
            .collect();
        let expected =
            [("write", 1, Duration::ZERO, 1), ("put_value", 1, Duration::from_millis(20), 0)];
        assert_eq!(told, expected);
    }
}
