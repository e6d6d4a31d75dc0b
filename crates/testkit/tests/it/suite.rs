//! Every store passes the suite; on a file, two handles are two processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_tasks::store::{GroupedStore, MeasuredStore};
use longshore_tasks::{MemoryStore, SqliteStore, Store};
use longshore_testkit::{FaultyStore, Odds, store_suite};

#[tokio::test]
async fn the_store_in_memory_passes() {
    store_suite::exercise(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn a_store_whose_calls_are_counted_passes() {
    store_suite::exercise(async || {
        Arc::new(MeasuredStore::new(Arc::new(MemoryStore::new()))) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn the_store_in_a_file_passes() {
    let (directory, count) = (tempfile::tempdir().unwrap(), AtomicU32::new(0));
    store_suite::exercise(async || {
        let name = format!("{}.sqlite3", count.fetch_add(1, Ordering::Relaxed));
        Arc::new(SqliteStore::open(directory.path().join(name)).unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn two_handles_of_a_file_are_two_processes() {
    let directory = tempfile::tempdir().unwrap();
    let open = || SqliteStore::open(directory.path().join("shared.sqlite3")).unwrap();
    store_suite::exercise_shared(Arc::new(open()), Arc::new(open())).await;
}

#[tokio::test]
async fn a_file_keeps_what_it_was_given_when_it_is_opened_again() {
    let directory = tempfile::tempdir().unwrap();
    store_suite::exercise_reopened(async || {
        Arc::new(SqliteStore::open(directory.path().join("kept.sqlite3")).unwrap())
            as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "kept is not there")]
async fn a_store_that_forgets_when_it_is_opened_again_does_not_pass() {
    store_suite::exercise_reopened(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}

#[tokio::test]
async fn a_slow_store_passes() {
    store_suite::exercise(async || {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()), 1);
        let delay_max = Duration::from_millis(3);
        store.set_odds(Odds { slow: 20, delay_max, ..Odds::default() });
        Arc::new(store) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_store_that_groups_calls_passes() {
    store_suite::exercise(async || {
        let store = FaultyStore::new(Arc::new(MemoryStore::new()), 1);
        let delay_max = Duration::from_millis(3);
        store.set_odds(Odds { slow: 60, delay_max, ..Odds::default() });
        Arc::new(GroupedStore::new(Arc::new(store), 1)) as Arc<dyn Store>
    })
    .await;
}
