//! Queues that are changed while workers run.

use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, Status};
use tokio::time::sleep;

use crate::world::{Counter, RECEIVES_MAX, Running, Square, TASKS, World, start};

/// As long as it takes a worker to ask its queue again, at the most, and a little more.
const ASKED_BY_THEN: Duration = Duration::from_secs(331);

/// Runs each task twice: at first it fails.
fn failing_once(world: &World) -> Running<longshore_tasks::WorkerReport> {
    let runs = Counter::default();
    start(world.worker(move |Square(n), _| {
        let run = runs.add();
        async move {
            if run % 2 == 1 {
                return Err(Failure::retry_after(Duration::from_secs(1), "again"));
            }
            Ok(n)
        }
    }))
}

/// How often something is sent to the task queue for a task that is run now.
async fn sends_of_a_task(world: &World) -> usize {
    let sends = || {
        let calls = world.simulation.calls(Action::SendMessageBatch);
        calls.iter().filter(|call| call.queue == TASKS).count()
    };
    let before = sends();
    let id = world.send(8).await;
    world.until_empty(TASKS).await;
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "8".to_owned() }));
    sends() - before
}

#[tokio::test(start_paused = true)]
async fn a_worker_keeps_to_a_queue_that_was_changed_while_it_runs() {
    let world = World::new();
    let worker = failing_once(&world);
    assert_eq!(sends_of_a_task(&world).await, 1, "its first message comes again");
    world.simulation.set_receives_max(TASKS, 2);
    sleep(ASKED_BY_THEN).await;
    assert_eq!(sends_of_a_task(&world).await, 2, "SQS would soon take it, so it is sent anew");

    // What was known holds while the queue cannot be asked.
    world.simulation.refuse(Action::GetQueueAttributes, "AccessDenied");
    world.simulation.set_receives_max(TASKS, RECEIVES_MAX);
    sleep(ASKED_BY_THEN).await;
    assert_eq!(sends_of_a_task(&world).await, 2);
    world.simulation.accept(Action::GetQueueAttributes);
    sleep(ASKED_BY_THEN).await;
    assert_eq!(sends_of_a_task(&world).await, 1);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_asked_once_in_five_minutes_and_not_for_each_message() {
    let world = World::new();
    let worker = failing_once(&world);
    for _ in 0..30 {
        sends_of_a_task(&world).await;
    }
    sleep(Duration::from_secs(3600)).await;
    let asked = world.simulation.calls(Action::GetQueueAttributes).len();
    assert!((11..=15).contains(&asked), "{asked}");
    worker.stop().await;
}
