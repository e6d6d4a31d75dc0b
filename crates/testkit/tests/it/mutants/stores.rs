//! Each wrong store fails the suite; those that break what lives rest on fail the lives too.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::join_all;
use longshore_tasks::{MemoryStore, Store};
use longshore_testkit::lives::{Lives, Passage};
use longshore_testkit::{ManualClock, Odds, store_suite};

use super::wrong_store::{Wrong, WrongStore};

async fn passes(wrong: Wrong) -> bool {
    let open =
        async || Arc::new(WrongStore::new(Arc::new(MemoryStore::new()), wrong)) as Arc<dyn Store>;
    AssertUnwindSafe(store_suite::exercise(open)).catch_unwind().await.is_ok()
}

#[tokio::test]
async fn the_suite_notices_each_wrong_store() {
    let passed = join_all(Wrong::ALL.map(async |wrong| (wrong, passes(wrong).await))).await;
    assert!(passes(Wrong::Nothing).await, "a store that is not wrong passes");
    let unnoticed: Vec<Wrong> =
        passed.into_iter().filter(|(_, passed)| *passed).map(|(wrong, _)| wrong).collect();
    assert!(unnoticed.is_empty(), "the suite does not notice {unnoticed:?}");
}

#[tokio::test]
async fn lives_notice_a_store_that_lets_two_hold_a_task_or_forgets_it() {
    for wrong in [
        Wrong::IgnoresTheVersion,
        Wrong::WritesOnConflict,
        Wrong::SaysWrittenOnConflict,
        Wrong::AnswersConflictWithoutRow,
        Wrong::ForgetsWake,
        Wrong::KeepsWake,
        Wrong::AliasMovesTheVersion,
        Wrong::AliasForgetsTheEarlyReply,
        Wrong::StampsForHalfAsLong,
        Wrong::ForgetsTheMark,
    ] {
        let clock = Arc::new(ManualClock::new());
        let inner = MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>);
        let store = Arc::new(WrongStore::new(Arc::new(inner), wrong));
        let odds = Odds { lost: 10, ..Odds::default() };
        let lives = Lives::new(store, Passage::Moved(clock)).faults(odds);
        let broken = lives.histories(1, 500, 150).await;
        assert!(broken.is_err(), "lives do not notice {wrong:?}");
    }
}
