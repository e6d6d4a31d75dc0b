//! A store around another, which fails as real ones do: by script, and by chance.
//!
//! A call takes the next fault of the script, if there is one. Else the store may be down; else
//! chance decides. So a test can say exactly what happens to the next calls, or let a seed say it.
//!
//! # Invariants
//!
//! - A call that fails with [`Fault::Before`] was not carried out; one with [`Fault::Lost`] was.
//! - The same seed and the same calls bring the same faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_tasks::BoxFuture;
use longshore_tasks::id::TaskId;
use longshore_tasks::store::{
    Alias, ListQuery, Page, PutValue, Result, Row, Store, StoreError, Timed, Value, ValueWritten,
    Write, Written,
};

use crate::seeded::Seeded;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: it is carried out and answered.
    None,
    /// It fails before it is carried out.
    Before,
    /// It is carried out, and its answer is lost.
    Lost,
    /// It is carried out after that time.
    Slow(Duration),
}

/// How often faults come by chance, in percent of the calls. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Odds {
    /// Calls that fail before they are carried out.
    pub before: u8,
    /// Calls whose answer is lost.
    pub lost: u8,
    /// Calls that are slow.
    pub slow: u8,
    /// How slow those are at most.
    pub delay_max: Duration,
}

/// A [`Store`] around another, which fails by script and by chance.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::{MemoryStore, Store, TaskId};
/// use longshore_testkit::{Fault, FaultyStore, Odds};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = FaultyStore::new(Arc::new(MemoryStore::new()), 7); // chance goes by the seed
/// let id = TaskId::parse("t-1").unwrap();
/// store.script([Fault::None, Fault::Before]);
/// assert!(store.read(vec![id.clone()]).await.is_ok());
/// assert!(store.read(vec![id.clone()]).await.is_err());
///
/// store.set_odds(Odds { lost: 100, ..Odds::default() }); // carried out, and not answered
/// assert!(store.read(vec![id]).await.is_err());
/// assert_eq!(store.counts(), (3, 2));
/// # }
/// ```
///
/// # Cancel safety
///
/// As of the store inside; a fault that was taken from the script is gone.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug)]
struct Plan {
    random: Seeded,
    odds: Odds,
    script: VecDeque<Fault>,
    down: usize,
    calls: usize,
    faults: usize,
}

impl Plan {
    fn next(&mut self) -> Fault {
        self.calls += 1;
        let fault = self.decide();
        self.faults += usize::from(fault != Fault::None);
        fault
    }

    fn decide(&mut self) -> Fault {
        if let Some(fault) = self.script.pop_front() {
            return fault;
        }
        if self.down > 0 {
            self.down -= 1;
            return Fault::Before;
        }
        let Odds { before, lost, slow, delay_max } = self.odds;
        let drawn = self.random.below(100);
        let (before, lost, slow) = (u64::from(before), u64::from(lost), u64::from(slow));
        match drawn {
            drawn if drawn < before => Fault::Before,
            drawn if drawn < before + lost => Fault::Lost,
            drawn if drawn < before + lost + slow => Fault::Slow(self.random.up_to(delay_max)),
            _ => Fault::None,
        }
    }
}

impl FaultyStore {
    /// A store around `inner` without faults yet; `seed` decides those that come by chance.
    pub fn new(inner: Arc<dyn Store>, seed: u64) -> Self {
        let plan = Plan {
            random: Seeded::new(seed),
            odds: Odds::default(),
            script: VecDeque::new(),
            down: 0,
            calls: 0,
            faults: 0,
        };
        Self { inner, plan: Arc::new(Mutex::new(plan)) }
    }

    /// Has faults come by chance from now on.
    pub fn set_odds(&self, odds: Odds) {
        self.plan().odds = odds;
    }

    /// Adds faults to the script: one for each call that comes.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.plan().script.extend(faults);
    }

    /// The store is gone for the next `calls` calls, which fail before they are carried out, and
    /// then back. 0 brings it back at once.
    pub fn go_down(&self, calls: usize) {
        self.plan().down = calls;
    }

    /// How many calls came, and how many of them met a fault.
    pub fn counts(&self) -> (usize, usize) {
        let plan = self.plan();
        (plan.calls, plan.faults)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, action: &'static str, why: &'static str) -> StoreError {
        StoreError::unavailable(self.inner.name(), action, why)
    }

    fn call<'a, T: Send + 'a>(
        &'a self,
        action: &'static str,
        call: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        async move {
            let fault = self.plan().next();
            match fault {
                Fault::None => {}
                Fault::Before => return Err(self.failed(action, "a fault before the call")),
                Fault::Slow(delay) => tokio::time::sleep(delay).await,
                Fault::Lost => {
                    call(&*self.inner).await?;
                    return Err(self.failed(action, "the answer was lost"));
                }
            }
            call(&*self.inner).await
        }
        .boxed()
    }
}

impl Store for FaultyStore {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn keeps_time(&self) -> bool {
        self.inner.keeps_time()
    }

    fn read(&self, ids: Vec<TaskId>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.call("find tasks", move |store| store.read(ids))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Timed<Vec<Written>>>> {
        self.call("write task records", move |store| store.write(writes))
    }

    fn alias(&self, aliases: Vec<Alias>) -> BoxFuture<'_, Result<Timed<Vec<Option<Row>>>>> {
        self.call("note message ids", move |store| store.alias(aliases))
    }

    fn list(&self, query: ListQuery) -> BoxFuture<'_, Result<Timed<Page>>> {
        self.call("list tasks", move |store| store.list(query))
    }

    fn due(&self, count_max: usize) -> BoxFuture<'_, Result<Timed<Vec<Row>>>> {
        self.call("find what is due", move |store| store.due(count_max))
    }

    fn expire(&self, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        self.call("remove what is old", move |store| store.expire(count_max))
    }

    fn values(&self, keys: Vec<String>) -> BoxFuture<'_, Result<Timed<Vec<Option<Value>>>>> {
        self.call("find values", move |store| store.values(keys))
    }

    fn list_values(
        &self,
        prefix: String,
        count_max: usize,
    ) -> BoxFuture<'_, Result<Timed<Vec<Value>>>> {
        self.call("list values", move |store| store.list_values(prefix, count_max))
    }

    fn put_value(&self, put: PutValue) -> BoxFuture<'_, Result<Timed<ValueWritten>>> {
        self.call("put a value", move |store| store.put_value(put))
    }

    /// The same faults: both share the script and the chance.
    fn separate(self: Arc<Self>) -> BoxFuture<'static, Result<Arc<dyn Store>>> {
        async move {
            let inner = Arc::clone(&self.inner).separate().await?;
            let store: Arc<dyn Store> = Arc::new(Self { inner, plan: Arc::clone(&self.plan) });
            Ok(store)
        }
        .boxed()
    }
}
