//! The faults of a transport: as many as are asked for, the same for the same seed, and nothing that SQS would not do.

use std::collections::BTreeMap;
use std::time::Duration;

use longshore::{App, Failure, Task};
use longshore_testkit::{FaultKind, Faults, World};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Task)]
#[task(reply = u32)]
struct Double(u32);

async fn double(Double(number): Double) -> Result<u32, Failure> {
    Ok(2 * number)
}

async fn start() -> World {
    longshore_testkit::start(App::new("sums").queue("numbers", |queue| queue.handle(double))).await
}

fn everything(seed: u64) -> Faults {
    Faults::seed(seed)
        .not_sent(0.05)
        .throttling(0.05)
        .lost_answers(0.05)
        .partial_failures(0.1)
        .stale_handles(0.05)
        .lost_deletes(0.1)
        .duplicates(0.1)
        .reordering(0.5)
        .empty_receives(0.05)
        .slow_calls(0.2, Duration::from_secs(1))
}

/// Forty tasks under those faults: what each was answered, and which faults were met.
async fn under(faults: Faults) -> (Vec<Option<u32>>, BTreeMap<FaultKind, u64>) {
    let world = start().await;
    let sent = world.client().send_all((0..40).map(Double)).await;
    world.faults(faults);
    world.run_until_empty().await;
    let met = world.faults_met();
    world.no_faults();
    world.run_until_empty().await;
    let mut answers = Vec::new();
    for pending in sent {
        answers.push(pending.unwrap().now().await.unwrap());
    }
    (answers, met)
}

#[tokio::test(start_paused = true)]
async fn every_task_is_answered_whatever_queues_do_and_each_fault_is_met() {
    let (answers, met) = under(everything(3)).await;
    let expected: Vec<_> = (0..40).map(|number| Some(2 * number)).collect();
    assert_eq!(answers, expected);
    for kind in [
        FaultKind::Duplicate,
        FaultKind::LostAnswer,
        FaultKind::LostDelete,
        FaultKind::PartialFailure,
        FaultKind::Slow,
    ] {
        assert!(met.get(&kind).is_some_and(|count| *count > 0), "{kind:?} was not met: {met:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_asked_for_is_not_met() {
    let (_, met) = under(Faults::seed(3)).await;
    assert!(met.is_empty(), "{met:?}");
    let (_, met) = under(Faults::seed(3).lost_deletes(0.3)).await;
    assert_eq!(met.keys().collect::<Vec<_>>(), [&FaultKind::LostDelete]);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_is_throttled_is_known_not_to_be_on_the_queue() {
    let world = start().await;
    world.client().send(Double(0)).await.unwrap(); // finds the queue
    world.faults(Faults::seed(1).throttling(1.0));
    let refused = world.client().send(Double(1)).await.unwrap_err();
    assert!(refused.to_string().contains("throttled"), "{refused}");
    world.no_faults();
    assert_eq!(world.available("numbers").await, 1);
}
