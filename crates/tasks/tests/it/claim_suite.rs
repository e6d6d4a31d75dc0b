//! What every claim store must do, whatever it is made of.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{Claim, ClaimStore, Fence, KeptReply, MemoryStore, Reply, TaskId};
use longshore_types::Timestamp;

const LEASE: Duration = Duration::from_secs(30);
const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn task() -> TaskId {
    TaskId::parse("t").unwrap()
}

fn kept() -> KeptReply {
    Reply::completed("1").into()
}

async fn claim(store: &impl ClaimStore, now: Timestamp) -> Claim {
    store.claim(&task(), LEASE, now).await.unwrap()
}

/// Claims what can be claimed.
async fn run(store: &impl ClaimStore, now: Timestamp) -> (Fence, u32) {
    match claim(store, now).await {
        Claim::Run { fence, attempt } => (fence, attempt),
        other @ (Claim::Busy { .. } | Claim::Done { .. }) => panic!("{other:?} instead of a claim"),
    }
}

/// Runs the suite over stores that `open` makes, each of them empty.
pub(crate) async fn exercise<S: ClaimStore>(open: impl Fn() -> Arc<S>) {
    one_worker_runs_a_task(&*open()).await;
    a_claim_ends_by_itself_and_its_attempt_counts(&*open()).await;
    an_extended_claim_lasts(&*open()).await;
    an_overtaken_worker_can_do_nothing(&*open()).await;
    a_task_that_has_ended_is_not_run(&*open()).await;
    a_reply_is_kept_once(&*open()).await;
    a_released_run_counts_no_attempt(&*open()).await;
    an_ended_attempt_counts(&*open()).await;
    a_release_takes_back_one_attempt_however_often_it_comes(&*open()).await;
    a_dead_letter_is_owed_until_it_is_sent(&*open()).await;
    a_dropped_claim_begins_anew_with_a_higher_fence(&*open()).await;
    old_claims_go_and_running_ones_stay(&*open()).await;
}

async fn one_worker_runs_a_task(store: &impl ClaimStore) {
    assert_eq!(run(store, NOW).await.1, 1);
    assert_eq!(claim(store, NOW).await, Claim::Busy { until: NOW + LEASE });
}

async fn a_claim_ends_by_itself_and_its_attempt_counts(store: &impl ClaimStore) {
    let (first, _) = run(store, NOW).await;
    let (second, attempt) = run(store, NOW + LEASE).await;
    assert!(second > first);
    assert_eq!(attempt, 2);
}

async fn an_extended_claim_lasts(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    let until = NOW + LEASE * 3;
    assert!(store.extend(&task(), fence, until).await.unwrap());
    assert_eq!(claim(store, NOW + LEASE * 2).await, Claim::Busy { until });
}

async fn an_overtaken_worker_can_do_nothing(store: &impl ClaimStore) {
    let (old, _) = run(store, NOW).await;
    let later = NOW + LEASE;
    let (new, _) = run(store, later).await;
    assert!(!store.extend(&task(), old, later + LEASE * 9).await.unwrap());
    assert!(!store.complete(&task(), old, kept(), later).await.unwrap());
    store.release(&task(), old).await.unwrap();
    store.end_attempt(&task(), old).await.unwrap();
    assert_eq!(claim(store, later).await, Claim::Busy { until: later + LEASE });
    assert!(store.complete(&task(), new, kept(), later).await.unwrap());
}

async fn a_task_that_has_ended_is_not_run(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    assert!(store.complete(&task(), fence, kept(), NOW).await.unwrap());
    assert_eq!(claim(store, NOW + LEASE * 100).await, Claim::Done { kept: kept() });
}

async fn a_reply_is_kept_once(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    assert!(store.complete(&task(), fence, kept(), NOW).await.unwrap());
    let other = Reply::failed("other").into();
    assert!(!store.complete(&task(), fence, other, NOW).await.unwrap());
    assert!(!store.extend(&task(), fence, NOW + LEASE).await.unwrap());
    assert_eq!(claim(store, NOW).await, Claim::Done { kept: kept() });
}

async fn a_released_run_counts_no_attempt(store: &impl ClaimStore) {
    let (fence, attempt) = run(store, NOW).await;
    store.release(&task(), fence).await.unwrap();
    assert_eq!(run(store, NOW).await.1, attempt);
}

async fn an_ended_attempt_counts(store: &impl ClaimStore) {
    let (fence, attempt) = run(store, NOW).await;
    store.end_attempt(&task(), fence).await.unwrap();
    assert_eq!(run(store, NOW).await.1, attempt + 1);
}

async fn a_release_takes_back_one_attempt_however_often_it_comes(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    store.end_attempt(&task(), fence).await.unwrap();
    let (fence, _) = run(store, NOW).await;
    store.release(&task(), fence).await.unwrap();
    store.release(&task(), fence).await.unwrap();
    assert_eq!(run(store, NOW).await.1, 2);
}

async fn a_dead_letter_is_owed_until_it_is_sent(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    let reply = Reply::failed("no");
    let owed = KeptReply { reply: reply.clone(), dead_letter: Some("no".to_owned()) };
    assert!(store.complete(&task(), fence, owed.clone(), NOW).await.unwrap());
    assert_eq!(claim(store, NOW).await, Claim::Done { kept: owed });
    store.dead_lettered(&task()).await.unwrap();
    assert_eq!(claim(store, NOW).await, Claim::Done { kept: reply.into() });
}

async fn a_dropped_claim_begins_anew_with_a_higher_fence(store: &impl ClaimStore) {
    let (old, _) = run(store, NOW).await;
    assert!(store.complete(&task(), old, kept(), NOW).await.unwrap());
    store.drop_claim(&task()).await.unwrap();
    let (new, attempt) = run(store, NOW).await;
    assert!(new > old);
    assert_eq!(attempt, 1);
}

async fn old_claims_go_and_running_ones_stay(store: &impl ClaimStore) {
    let (fence, _) = run(store, NOW).await;
    store.extend(&task(), fence, NOW + LEASE * 10).await.unwrap();
    assert_eq!(store.expire_claims(NOW + LEASE * 5, 10).await.unwrap(), 0);
    assert_eq!(store.expire_claims(NOW + LEASE * 11, 10).await.unwrap(), 1);
    assert_eq!(run(store, NOW).await.1, 1);
}

#[tokio::test]
async fn the_memory_store_passes() {
    exercise(|| Arc::new(MemoryStore::new())).await;
}
