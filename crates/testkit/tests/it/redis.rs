//! The store in Redis passes the suite, on the server that `LONGSHORE_TEST_REDIS` names:
//! a URL of a database in which keys may be made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore_tasks::id::{RandomSource as _, SystemRandom};
use longshore_tasks::{RedisStore, Store};
use longshore_testkit::lives::{Lives, Passage};
use longshore_testkit::{Odds, store_suite};

/// The server's URL; `None`, said aloud, where there is none.
#[expect(clippy::print_stdout, reason = "who runs the tests should see what was not tried")]
fn server() -> Option<String> {
    let url = std::env::var("LONGSHORE_TEST_REDIS").ok();
    if url.is_none() {
        println!("skipped: LONGSHORE_TEST_REDIS names no server");
    }
    url
}

/// A prefix that no other run has used.
fn prefix(number: u32) -> String {
    format!("suite-{:016x}-{number}", SystemRandom.next())
}

#[tokio::test]
async fn the_store_in_redis_passes() {
    let Some(url) = server() else { return };
    let count = AtomicU32::new(0);
    store_suite::exercise(async || {
        let prefix = prefix(count.fetch_add(1, Ordering::Relaxed));
        Arc::new(RedisStore::connect(&url, &prefix).await.unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn a_prefix_keeps_what_it_was_given_for_whoever_connects_later() {
    let Some(url) = server() else { return };
    let prefix = prefix(0);
    store_suite::exercise_reopened(async || {
        Arc::new(RedisStore::connect(&url, &prefix).await.unwrap()) as Arc<dyn Store>
    })
    .await;
}

#[tokio::test]
async fn two_connections_to_a_prefix_are_two_processes() {
    let Some(url) = server() else { return };
    let prefix = prefix(0);
    let (one, other) =
        tokio::join!(RedisStore::connect(&url, &prefix), RedisStore::connect(&url, &prefix));
    store_suite::exercise_shared(Arc::new(one.unwrap()), Arc::new(other.unwrap())).await;
}

#[cfg(feature = "world")]
#[tokio::test]
async fn a_running_task_is_cancelled_by_another_process() {
    let Some(url) = server() else { return };
    let prefix = prefix(0);
    let one = RedisStore::connect(&url, &prefix).await.unwrap();
    let other = RedisStore::connect(&url, &prefix).await.unwrap();
    crate::cancels::exercise(Arc::new(one), Arc::new(other)).await;
}

#[tokio::test]
async fn more_than_a_hundred_live_through_two_connections_with_faults() {
    let Some(url) = server() else { return };
    let prefix = prefix(0);
    let one = RedisStore::connect(&url, &prefix).await.unwrap();
    let other = RedisStore::connect(&url, &prefix).await.unwrap();
    let faults = Odds { before: 4, lost: 6, slow: 0, delay_max: Duration::ZERO };
    let lives =
        Lives::new(Arc::new(one), Passage::Real).shared_with(Arc::new(other)).faults(faults);
    let seen = lives.histories(300_000, 200, 150).await.unwrap_or_else(|why| panic!("{why}"));
    assert!(seen.overtaken > 0 && seen.redriven > 0 && seen.expired > 0, "{seen:?}");
}
