//! The suite that every [`Store`] must pass: what the trait's pages promise, a file per theme.
//!
//! Who writes a store calls [`exercise`] from a test of its own, [`exercise_shared`] with two handles on
//! one store, as two processes have them, and [`exercise_reopened`] where it outlives its process:
//!
//! ```
//! use std::sync::Arc;
//! use longshore_tasks::{MemoryStore, Store};
//! use longshore_testkit::store_suite;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! store_suite::exercise(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
//! let one: Arc<dyn Store> = Arc::new(MemoryStore::new());
//! let other = Arc::clone(&one);
//! store_suite::exercise_shared(one, other).await;
//! # });
//! ```
//!
//! A case panics with what it found, as an assertion does. Nobody can move a server's clock, so the
//! cases wait for real: some hundred milliseconds each, by the store's own time. The runtime's time
//! must not be paused, and a store with a clock of its own must be given one that runs.
//!
//! # Invariants
//!
//! - A case knows a store by its answers only: never by how it keeps what it keeps.
//! - What the trait leaves open is not tested: when a store removes what is over, and how many rows
//!   an empty batch takes.

mod aliases;
mod batches;
mod bodies;
mod case;
mod due;
mod expiry;
mod lists;
mod racing;
mod reopened;
mod times;
mod values;
mod writes;

use std::sync::Arc;

use longshore_tasks::Store;

use case::Case;

/// Runs every case. `open` makes a store that is **empty** each time that it is called: on a server,
/// under a prefix, schema or table of its own. Takes some seconds.
///
/// # Panics
///
/// If the store breaks a promise, or a call fails.
pub async fn exercise<F>(open: F)
where
    F: AsyncFn() -> Arc<dyn Store>,
{
    Box::pin(writes::exercise(&Case::new(open().await))).await;
    Box::pin(batches::exercise(&Case::new(open().await))).await;
    Box::pin(times::exercise(&Case::new(open().await))).await;
    Box::pin(bodies::exercise(&Case::new(open().await))).await;
    Box::pin(aliases::exercise(&Case::new(open().await))).await;
    Box::pin(expiry::exercise(&Case::new(open().await))).await;
    Box::pin(values::exercise(&Case::new(open().await))).await;
    Box::pin(due::exercise(&Case::new(open().await))).await;
    Box::pin(lists::paging(&Case::new(open().await))).await;
    Box::pin(lists::filters(&Case::new(open().await))).await;
    let store = open().await;
    let separate =
        Arc::clone(&store).separate().await.expect("a store gives connections of its own");
    Box::pin(exercise_shared(store, separate)).await;
}

/// Runs the cases in which two handles on the same, empty store race, as two processes would.
///
/// # Panics
///
/// If the store breaks a promise, or a call fails.
pub async fn exercise_shared(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    Box::pin(racing::exercise(&Case::new(one), &Case::new(other))).await;
}

/// Runs the cases of a store that outlives its process. `open` opens the **same** store each time that it
/// is called, empty at first; each handle is dropped before the next is opened.
///
/// # Panics
///
/// If the store breaks a promise, or a call fails.
pub async fn exercise_reopened<F>(open: F)
where
    F: AsyncFn() -> Arc<dyn Store>,
{
    Box::pin(reopened::exercise(open)).await;
}
