//! R11, R22: a wait is the queue's, and a drain counts no attempt.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, Worker};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::{DAY, HOUR, MINUTE};
use crate::world::{
    Counter, Log, RECEIVES_MAX, REPLIES, Square, TASKS, TASKS_DEAD, World, start, until,
};

// R11: a wait is the queue's.

const SNOOZED: i64 = 1;

const RETRIED: i64 = 2;
const DELAYED: i64 = 3;

/// A worker that runs one task at a time, and which task began when.
fn postponing(world: &World, begun: &Log<(i64, u32, Duration)>) -> Worker {
    let (begun, from) = (Arc::clone(begun), world.now());
    let clock = world.clock;
    let worker = world.worker(move |Square(n), context| {
        let at = longshore_tasks::Clock::now(&clock).since(from);
        let mut begun = begun.lock().unwrap();
        begun.push((n, context.attempt(), at));
        let first = begun.iter().filter(|(other, ..)| *other == n).count() == 1;
        async move {
            match n {
                SNOOZED if first => Err(Failure::snooze(11 * HOUR)),
                RETRIED if first => Err(Failure::retry_after(6 * HOUR, "not yet")),
                _ => Ok(n),
            }
        }
    });
    worker.concurrency(1)
}

/// The runs of a task: its attempts, and the seconds at which they began.
fn runs_of(begun: &Log<(i64, u32, Duration)>, task: i64) -> Vec<(u32, u64)> {
    let begun = begun.lock().unwrap();
    let of_task = begun.iter().filter(|(number, ..)| *number == task);
    of_task.map(|(_, attempt, at)| (*attempt, at.as_secs())).collect()
}

#[tokio::test(start_paused = true)]
async fn r11_what_waits_for_hours_runs_once_when_it_is_due_and_holds_nothing_meanwhile() {
    let (world, begun) = (World::new(), Log::default());
    let worker = postponing(&world, &begun);
    let status = worker.status();
    let worker = start(worker);
    world.send(5).await;
    world.until_empty(TASKS).await;
    sleep(MINUTE).await;
    let idle = Handle::current().metrics().num_alive_tasks();
    world.send(SNOOZED).await;
    world.send(RETRIED).await;
    world.client.send(Square(DELAYED)).delay(15 * MINUTE).await.unwrap();
    until(|| begun.lock().unwrap().len() == 3).await;
    sleep(MINUTE).await;
    assert_eq!(status.running(), 0, "no lease is held for them");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), idle, "nor anything that sleeps");
    let renewals = || world.simulation.calls(Action::ChangeMessageVisibilityBatch).len();
    let before = renewals();
    world.send(4).await;
    until(|| begun.lock().unwrap().len() == 4).await;
    sleep(5 * HOUR).await;
    assert_eq!(renewals(), before, "no lease is renewed for them");
    world.until_empty(TASKS).await;
    sleep(DAY).await;
    let seconds = |task| runs_of(&begun, task);
    assert_eq!(seconds(4).len(), 1, "the one place was free");
    let due = |(attempt, at): (u32, u64), expected: u32, wait: Duration| {
        assert_eq!(attempt, expected);
        assert!((wait..wait + 2 * MINUTE).contains(&Duration::from_secs(at)), "at {at} s");
    };
    assert_eq!((seconds(SNOOZED).len(), seconds(RETRIED).len()), (2, 2));
    due(seconds(SNOOZED)[1], 1, 11 * HOUR);
    due(seconds(RETRIED)[1], 2, 6 * HOUR);
    assert_eq!(seconds(DELAYED).len(), 1);
    due(seconds(DELAYED)[0], 1, 15 * MINUTE);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r11_what_waits_for_hours_outlives_its_worker() {
    let (world, begun) = (World::new(), Log::default());
    let first = start(postponing(&world, &begun));
    world.send(SNOOZED).await;
    world.send(RETRIED).await;
    world.client.send(Square(DELAYED)).delay(15 * MINUTE).await.unwrap();
    until(|| begun.lock().unwrap().len() == 2).await;
    sleep(Duration::from_secs(1)).await;
    first.kill().await;
    let second = start(postponing(&world, &begun));
    sleep(5 * HOUR).await;
    assert_eq!(begun.lock().unwrap().len(), 3, "the delayed one only");
    world.until_empty(TASKS).await;
    let report = second.stop().await;
    assert_eq!((report.done, report.busy), (3, 0));
}

// R22: what was not run counts for nothing.

#[tokio::test(start_paused = true)]
async fn r22_a_task_can_be_drained_more_often_than_it_may_be_tried() {
    let (world, runs) = (World::new(), Counter::default());
    world.send(8).await;
    for drains in 1..=RECEIVES_MAX * 2 {
        let counter = runs.clone();
        let worker = start(world.worker(move |_, context| {
            assert_eq!(context.attempt(), 1);
            counter.add();
            std::future::pending()
        }));
        until(|| runs.get() == drains).await;
        worker.stop().await;
    }
    let worker = start(world.worker(|_, context| async move { Ok(i64::from(context.attempt())) }));
    world.until_empty(TASKS).await;
    assert_eq!((world.bodies(REPLIES), world.bodies(TASKS_DEAD)), (vec!["1".to_owned()], vec![]));
    worker.stop().await;
}
