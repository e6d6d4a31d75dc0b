//! Takeovers where the store has no clock, so that a claim is over only once it was seen unchanged.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::lost::{kill_in_a_run, squaring};
use crate::world::{Counter, Square, TASKS, VISIBILITY, World, start, until};

fn world() -> World {
    let world = World::new();
    world.flaky.without_clock.store(true, Ordering::SeqCst);
    world
}

/// Whoever receives its message watches the claim to its end, however many workers could have it.
#[tokio::test(start_paused = true)]
async fn the_task_of_a_dead_worker_is_taken_over_after_one_lease_however_many_workers_there_are() {
    let world = world();
    world.send(8).await;
    kill_in_a_run(&world).await;
    let killed_at = Instant::now();
    let runs = Counter::default();
    let mut workers = Vec::new();
    for _ in 0..12 {
        // Not in step, so that each has its turn to receive.
        workers.push(squaring(&world, &runs));
        sleep(Duration::from_millis(700)).await;
    }
    let receives = || world.simulation.messages(TASKS).first().map(|message| message.receive_count);
    until(|| receives() == Some(2)).await;
    until(|| runs.get() == 1).await;
    assert!(receives().is_none_or(|count| count == 2), "{:?}", receives());
    let waited = killed_at.elapsed();
    assert!(waited > VISIBILITY * 2 && waited < VISIBILITY * 3, "{waited:?}");
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(runs.get(), 1);
}

/// A claim that is extended is given up, and its message handed back: its place is another task's.
#[tokio::test(start_paused = true)]
async fn a_holder_that_lives_keeps_no_other_worker_watching() {
    let world = world();
    let runs = Counter::default();
    let counter = runs.clone();
    let holder = start(world.worker(move |Square(n), _| {
        counter.add();
        async move {
            sleep(VISIBILITY * 20).await;
            Ok(n)
        }
    }));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    // As if SQS delivered it once more: another worker receives the copy.
    let original = world.simulation.messages(TASKS)[0].clone();
    let watcher = start(world.worker(|Square(n), _| async move { Ok(n) }).concurrency(1));
    world.simulation.put(TASKS, &original.body, original.attributes);
    sleep(VISIBILITY * 3 / 4).await;
    let other = world.send(9).await;
    until(|| world.bodies(crate::world::REPLIES) == ["9"]).await;
    assert!(matches!(world.status(&other).await, Some(longshore_tasks::Status::Completed { .. })));
    assert_eq!(runs.get(), 1);
    assert_eq!(watcher.stop().await.done, 1);
    holder.kill().await;
}
