//! What a worker counts of its tasks and leases, for whoever scrapes it.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::worker::{RunEnd, TaskNumbers};
use longshore_tasks::{Failure, RetryPolicy, WorkerStatus};
use longshore_types::{MessageAttribute, MessageAttributes};
use tokio::time::sleep;

use crate::simulation::Fault;
use crate::world::{Square, TASKS, World, start, until};

fn of(status: &WorkerStatus, task: &str) -> TaskNumbers {
    status.numbers().tasks[task].clone()
}

fn ends<const N: usize>(ends: [(RunEnd, u64); N]) -> BTreeMap<RunEnd, u64> {
    BTreeMap::from(ends)
}

#[tokio::test(start_paused = true)]
async fn runs_are_counted_by_their_end_with_how_long_they_took_and_how_late_they_began() {
    let world = World::new();
    world.send(8).await;
    sleep(Duration::from_secs(100)).await;
    let worker = world.worker(|Square(n), context| async move {
        sleep(Duration::from_secs(40)).await;
        if context.attempt() < 3 { Err(Failure::retry("not yet")) } else { Ok(n * n) }
    });
    let status = worker.status();
    assert_eq!((status.numbers().places, status.numbers().tasks.len()), (0, 0));
    let retry = RetryPolicy { attempts_max: 5, ..RetryPolicy::default() };
    let worker = start(worker.retry(retry).concurrency(7));
    until(|| status.report().received == 1 && of(&status, "square").running == 1).await;
    assert_eq!((status.numbers().places, status.numbers().leases_held), (7, 1));
    world.until_empty(TASKS).await;
    worker.stop().await;

    let (numbers, square) = (status.numbers(), of(&status, "square"));
    assert_eq!(square.ends, ends([(RunEnd::Done, 1), (RunEnd::Retried, 2)]));
    assert_eq!((square.running, square.durations.count(), square.lateness.count()), (0, 3, 1));
    assert!(square.durations.total >= Duration::from_secs(120), "{square:?}");
    assert!((100..110).contains(&square.lateness.total.as_secs()), "{square:?}");
    // A lease of 30 s is renewed after 15 and after 30, in each run of 40.
    assert_eq!((numbers.leases_held, numbers.leases_renewed, numbers.leases_lost), (0, 6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_and_a_name_that_nobody_knows_are_counted() {
    let world = World::new();
    let worker = world.worker(|Square(n), _| async move {
        sleep(Duration::from_secs(20)).await;
        Ok(n)
    });
    let (status, worker) = (worker.status(), start(worker));
    let stale = Fault::Entries(vec![0], "ReceiptHandleIsInvalid");
    world.simulation.fail_next(Action::ChangeMessageVisibilityBatch, stale);
    world.send(8).await;
    until(|| status.numbers().leases_lost == 1).await;
    let made_up = MessageAttribute::text("made up");
    let attributes = MessageAttributes::from([("taskName".to_owned(), made_up)]);
    world.simulation.put(TASKS, "8", attributes);
    until(|| !of(&status, "other").ends.is_empty()).await;
    let square = of(&status, "square");
    assert_eq!(square.ends.get(&RunEnd::Lost), Some(&1), "{square:?}");
    assert_eq!(of(&status, "other").ends, ends([(RunEnd::Unknown, 1)]));
    assert_eq!(of(&status, "other").durations.count(), 0, "no handler ran");
    let names: Vec<_> = status.numbers().tasks.into_keys().map(|name| name.to_string()).collect();
    assert_eq!(names, ["other", "square"]);
    worker.kill().await;
    assert_eq!(status.numbers().leases_held, 0);
}
