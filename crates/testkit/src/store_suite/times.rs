//! Times: a store stamps what it is asked to, by its own clock, and says what time it is.

use std::time::Duration;

use longshore_tasks::life::When;
use longshore_types::Timestamp;

use super::case::{Case, first, over, same};

/// No store's clock is further than that in the tests' lives.
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

pub(super) async fn exercise(case: &Case) {
    every_answer_brings_the_time(case).await;
    points_are_read_back(case).await;
    durations_are_stamped_by_the_store(case).await;
    each_write_sets_its_times_anew(case).await;
    the_end_of_time_is_far_and_no_error(case).await;
}

async fn every_answer_brings_the_time(case: &Case) {
    let before = case.now().await;
    let written = case.store.write(vec![first("time")]).await.expect("a write is answered").now;
    let read = case.store.read(vec![]).await.expect("reading nothing is answered").now;
    let due = case.due(1).await.now;
    assert!(before > Timestamp::ZERO, "an answer brings the time");
    assert!(before <= written && written <= read && read <= due, "time does not run backwards");
    assert!(due.since(before) < Duration::from_secs(60), "one clock tells it");
}

async fn points_are_read_back(case: &Case) {
    let point = Timestamp::from_millis(4_000_000_000_123);
    let mut write = first("points");
    write.life.until = Some(When::At(point));
    write.life.wake = Some(When::At(point + Duration::from_millis(1)));
    write.life.keep = When::At(point + Duration::from_millis(2));
    let life = case.done(write).await.life;
    same(&life.until, &Some(point), "until is read back to the millisecond");
    same(&life.wake, &Some(point + Duration::from_millis(1)), "so is wake");
    same(&life.keep, &(point + Duration::from_millis(2)), "so is keep");
}

async fn durations_are_stamped_by_the_store(case: &Case) {
    let (lease, wake, keep) =
        (Duration::from_secs(30), Duration::from_secs(90), Duration::from_secs(7200));
    let mut write = first("durations");
    write.life.until = Some(When::In(lease));
    write.life.wake = Some(When::In(wake));
    write.life.keep = When::In(keep);
    let before = case.now().await;
    let life = case.done(write).await.life;
    let after = case.now().await;
    let between = |stamped: Option<Timestamp>, duration: Duration| {
        stamped.is_some_and(|stamped| before + duration <= stamped && stamped <= after + duration)
    };
    assert!(between(life.until, lease), "until is the store's time and the lease: {life:?}");
    assert!(between(life.wake, wake), "so is wake: {life:?}");
    assert!(between(Some(life.keep), keep), "so is keep: {life:?}");
    let until = life.until.unwrap_or_default();
    same(&(until + keep), &(life.keep + lease), "one write is stamped with one time");
}

async fn each_write_sets_its_times_anew(case: &Case) {
    let mut write = first("anew");
    write.life.until = Some(When::In(Duration::from_secs(30)));
    write.life.wake = Some(When::In(Duration::from_secs(30)));
    case.done(write).await;
    let life = case.done(over("anew", 1)).await.life;
    same(&(life.until, life.wake), &(None, None), "a time that a write leaves out is gone");
}

/// Whatever range a store's numbers have, a time beyond it is its end.
async fn the_end_of_time_is_far_and_no_error(case: &Case) {
    let end = Timestamp::from_millis(u64::MAX);
    let soon = case.now().await + CENTURY;
    for (id, when) in [("end-at", When::At(end)), ("end-in", When::In(Duration::MAX))] {
        let mut write = first(id);
        (write.life.until, write.life.wake, write.life.keep) = (Some(when), Some(when), when);
        let life = case.done(write).await.life;
        assert!(life.keep > soon, "a row that is kept for ever is kept: {life:?}");
        assert!(life.until > Some(soon), "a claim that never ends does not: {life:?}");
        assert!(life.wake > Some(soon), "what never wakes does not: {life:?}");
        case.done(over(id, 1)).await;
    }
    let mut zero = first("epoch");
    zero.life.until = Some(When::At(Timestamp::ZERO));
    let until = case.done(zero).await.life.until;
    same(&until, &Some(Timestamp::ZERO), "a claim can end at the epoch");
}
