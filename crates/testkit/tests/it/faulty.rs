//! The store that fails on purpose, and what records make of it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use longshore_tasks::id::TaskId;
use longshore_tasks::life::{self, Asked};
use longshore_tasks::store::{Answer, Change, GroupedStore};
use longshore_tasks::{MemoryStore, Records, Store, StoreError};
use longshore_testkit::{Fault, FaultyStore, Odds, Seeded};

fn faulty() -> (Arc<FaultyStore>, Records) {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), 7));
    let records = Records::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(Seeded::new(7)));
    (store, records)
}

fn id() -> TaskId {
    TaskId::parse("task").unwrap()
}

fn submit() -> Change {
    Change::first(id(), life::submitted(Asked::default()))
}

#[tokio::test]
async fn a_call_that_fails_before_is_not_carried_out() {
    let (store, records) = faulty();
    store.script([Fault::Before, Fault::Before]);
    let error = records.write_one(submit()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert_eq!(records.find(&id()).await.unwrap().record, None);
    assert_eq!(store.counts(), (3, 2));
}

/// The write is made again, and meets its own mark.
#[tokio::test]
async fn a_write_whose_answer_is_lost_is_known_by_its_mark() {
    let (store, records) = faulty();
    store.script([Fault::Lost]);
    let Answer::Written(record) = records.write_one(submit()).await.unwrap() else {
        panic!("its own write is no conflict");
    };
    assert_eq!(records.find(&id()).await.unwrap().record, Some(*record));
}

/// Each caller repeats its own write, and meets its own mark.
#[tokio::test]
async fn writes_of_a_group_whose_answer_is_lost_are_known_by_their_marks() {
    let (store, _) = faulty();
    let grouped = Arc::new(GroupedStore::new(Arc::clone(&store) as Arc<dyn Store>, 1));
    let records = Records::new(grouped, Arc::new(Seeded::new(7)));
    store.script([Fault::Lost]);
    let ids = (0..20).map(|number| TaskId::parse(&format!("task-{number}")).unwrap());
    let submit = |id| Change::first(id, life::submitted(Asked::default()));
    let written = join_all(ids.map(|id| records.write_one(submit(id)))).await;
    for answer in written {
        assert!(matches!(answer, Ok(Answer::Written(_))), "{answer:?}");
    }
    let (calls, faults) = store.counts();
    assert!(calls < 20 && faults == 1, "{calls} calls, {faults} faults");
}

#[tokio::test]
async fn a_write_after_a_write_of_others_is_a_conflict_though_an_answer_is_lost() {
    let (store, records) = faulty();
    records.write_one(submit()).await.unwrap();
    store.script([Fault::Lost]);
    let answer = records.write_one(submit()).await.unwrap();
    assert!(matches!(answer, Answer::Conflict(_)), "{answer:?}");
}

#[tokio::test]
async fn a_store_that_is_gone_comes_back() {
    let (store, records) = faulty();
    store.go_down(4);
    for _ in 0..2 {
        records.write_one(submit()).await.unwrap_err();
    }
    let answer = records.write_one(submit()).await.unwrap();
    assert!(matches!(answer, Answer::Written(_)), "{answer:?}");
    store.go_down(1000);
    store.go_down(0);
    records.find(&id()).await.unwrap();
}

#[tokio::test]
async fn a_seed_decides_what_fails() {
    let mut fates = Vec::new();
    for _ in 0..2 {
        let (store, records) = faulty();
        store.set_odds(Odds { before: 20, lost: 20, ..Odds::default() });
        let mut fate = Vec::new();
        for _ in 0..100 {
            fate.push(records.find(&id()).await.is_ok());
        }
        assert!((20..60).contains(&store.counts().1), "{:?}", store.counts());
        fates.push(fate);
    }
    assert_eq!(fates[0], fates[1]);
}

#[tokio::test]
async fn slow_calls_and_separate_connections_share_the_script() {
    let (store, records) = faulty();
    let separate = records.separate().await.unwrap();
    store.script([Fault::Slow(Duration::from_millis(5)), Fault::Before]);
    records.find(&id()).await.unwrap();
    separate.find(&id()).await.unwrap_err();
    assert_eq!(store.counts(), (2, 2));
}
