//! The suite over `DynamoDB`, or a server that speaks it: `LONGSHORE_TEST_DYNAMODB` is its URL,
//! `dynamodb://TABLE?endpoint_url=…`. Each case has a table of its own, whose name begins so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_tasks::store::StoreLocation;
use longshore_tasks::{Clock as _, Store, SystemClock};
use longshore_testkit::lives::{Lives, Passage};
use longshore_testkit::{ManualClock, Odds, store_suite};

const VARIABLE: &str = "LONGSHORE_TEST_DYNAMODB";

/// Tables of this run so far.
static TABLES: AtomicU32 = AtomicU32::new(0);

/// The URL of a table that nobody has used yet; `None`, and a word on it, without a server.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn new_table() -> Option<StoreLocation> {
    let Ok(url) = std::env::var(VARIABLE) else {
        eprintln!("skipped: {VARIABLE} names no server, as dynamodb://TABLE?endpoint_url=…");
        return None;
    };
    let (table, query) = url.split_once('?').unwrap_or((&url, ""));
    let (run, number) = (std::process::id(), TABLES.fetch_add(1, Ordering::Relaxed));
    let url = format!("{table}-{run}-{number}?{query}&create=true");
    Some(StoreLocation::parse(&url).unwrap())
}

async fn open(table: &StoreLocation) -> Arc<dyn Store> {
    table.open(Arc::new(SystemClock)).await.unwrap()
}

#[tokio::test]
async fn the_store_in_dynamodb_passes() {
    if new_table().is_none() {
        return;
    }
    store_suite::exercise(async || open(&new_table().unwrap()).await).await;
}

#[tokio::test]
async fn a_table_keeps_what_it_was_given_for_whoever_opens_it_later() {
    let Some(table) = new_table() else { return };
    store_suite::exercise_reopened(async || open(&table).await).await;
}

#[tokio::test]
async fn two_handles_of_a_table_are_two_hosts() {
    let Some(table) = new_table() else { return };
    store_suite::exercise_shared(open(&table).await, open(&table).await).await;
}

#[cfg(feature = "world")]
#[tokio::test]
async fn a_running_task_is_cancelled_by_another_host() {
    let Some(table) = new_table() else { return };
    crate::cancels::exercise(open(&table).await, open(&table).await).await;
}

/// The clock is passed in, so time passes for results and tombstones too.
#[tokio::test]
async fn some_live_through_two_handles_with_faults() {
    let Some(table) = new_table() else { return };
    // From now on: what is over by the server's own clock, it removes.
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let open = async || table.open(Arc::clone(&clock) as Arc<_>).await.unwrap();
    let (one, other) = (open().await, open().await);
    let faults = Odds { before: 4, lost: 6, slow: 2, delay_max: Duration::from_millis(5) };
    let passage = Passage::Moved(Arc::clone(&clock));
    let lives = Lives::new(one, passage).shared_with(other).faults(faults);
    let seen = lives.histories(300_000, 60, 150).await.unwrap_or_else(|why| panic!("{why}"));
    // Takeovers are rare without a clock of the store's: the lives by foreign clocks, which cost less, have them.
    assert!(seen.redriven > 0 && seen.expired > 0, "{seen:?}");
}
