//! A queue of tasks with levels: three SQS queues, one worker, and whose turn it is.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, ClientOptions, Priorities, Priority, SendError, SendOptions, Worker, WorkerError,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::world::{Log, RECEIVES_MAX, Square, TASKS, TASKS_DEAD, VISIBILITY, World, start, until};

const LEVELS: [Priority; 3] = Priority::ALL;

/// A world whose queue of tasks has levels, and a client that knows it.
fn world() -> (World, Client) {
    let world = World::new();
    for level in [Priority::High, Priority::Low] {
        let queue = level.queue_of(TASKS);
        world.simulation.create(&queue, VISIBILITY, Some((TASKS_DEAD, RECEIVES_MAX)));
    }
    let options = ClientOptions {
        priorities: BTreeSet::from([TASKS.to_owned()]),
        clock: Arc::new(world.clock),
        ..ClientOptions::default()
    };
    let (simulation, store) = (Arc::clone(&world.simulation), Arc::clone(&world.store));
    (world, Client::new(simulation as _, TASKS, store as _, options))
}

/// The number of a level's tasks: what a run says that it is of.
fn number_of(level: Priority) -> i64 {
    level as i64
}

async fn fill(client: &Client, level: Priority, count: usize) {
    let options = SendOptions { priority: Some(level), ..SendOptions::default() };
    let task = || (Square(number_of(level)), options.clone());
    let sent = client.send_all_with((0..count).map(|_| task()).collect()).await;
    assert!(sent.iter().all(Result::is_ok));
}

/// A worker whose runs take a second, and the levels of the runs in the order of their starts.
fn noting(world: &World, priorities: Priorities) -> (Worker, Log<i64>) {
    let starts: Log<i64> = Log::default();
    let noted = Arc::clone(&starts);
    let worker = world.worker(move |Square(level), _| {
        noted.lock().unwrap().push(level);
        async move {
            sleep(Duration::from_secs(1)).await;
            Ok(level)
        }
    });
    (worker.priorities(priorities), starts)
}

/// How many of the first starts were of each level, the highest first.
async fn shares(starts: &Mutex<Vec<i64>>, count: usize) -> [usize; 3] {
    until(|| starts.lock().unwrap().len() >= count).await;
    let starts = starts.lock().unwrap();
    LEVELS.map(|level| starts[..count].iter().filter(|one| **one == number_of(level)).count())
}

fn receives(world: &World, level: Priority) -> Vec<usize> {
    let queue = level.queue_of(TASKS);
    let calls = world.simulation.calls(Action::ReceiveMessage);
    calls.into_iter().filter(|call| call.queue == queue).map(|call| call.entries).collect()
}

#[tokio::test(start_paused = true)]
async fn strict_runs_the_highest_first_and_one_in_sixteen_of_each_other() {
    let (world, client) = world();
    for level in LEVELS {
        fill(&client, level, 200).await;
    }
    let (worker, starts) = noting(&world, Priorities::strict());
    let worker = start(worker.concurrency(4));
    // Each level first finds out with one place that there is more.
    let [high, normal, low] = shares(&starts, 3 + 160).await;
    assert!((139..=142).contains(&high), "{high} of 163 were high");
    assert!((10..=12).contains(&normal) && (10..=12).contains(&low), "{normal} {low}");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn weights_share_the_starts_among_levels_that_have_tasks() {
    let (world, client) = world();
    for level in LEVELS {
        fill(&client, level, 200).await;
    }
    let (worker, starts) = noting(&world, Priorities::weighted(4, 2, 1));
    let worker = start(worker.concurrency(7));
    // At first nobody knows yet that every level has tasks.
    let (first, all) = (shares(&starts, 14).await, shares(&starts, 14 + 140).await);
    for (level, share) in [80, 40, 20].into_iter().enumerate() {
        let got = all[level] - first[level];
        assert!(got.abs_diff(share) <= 2, "{first:?} {all:?}");
    }
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn a_low_task_starts_while_high_ones_come_without_end() {
    for priorities in [Priorities::strict(), Priorities::weighted(12, 2, 1)] {
        let (world, client) = world();
        let (worker, starts) = noting(&world, priorities);
        fill(&client, Priority::High, 400).await;
        let worker = start(worker.concurrency(10));
        shares(&starts, 100).await;
        let before = starts.lock().unwrap().len();
        fill(&client, Priority::Low, 1).await;
        until(|| starts.lock().unwrap().contains(&number_of(Priority::Low))).await;
        let after = starts.lock().unwrap().len() - before;
        assert!(after <= 30, "{after} started before it");
        worker.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_level_costs_one_long_poll_and_one_place() {
    let (world, client) = world();
    let (worker, starts) = noting(&world, Priorities::strict());
    let worker = start(worker.concurrency(10));
    sleep(Duration::from_secs(200)).await;
    for level in LEVELS {
        let asked = receives(&world, level);
        assert!(asked.len() <= 11 && asked.iter().all(|count| *count == 1), "{asked:?}");
    }
    let before = receives(&world, Priority::High).len();
    fill(&client, Priority::Normal, 800).await;
    let begun = starts.lock().unwrap().len();
    sleep(Duration::from_secs(60)).await;
    let ran = starts.lock().unwrap().len() - begun;
    assert!(
        ran >= 8 * 58,
        "eight of ten places run the level that has tasks, not {ran} in a minute"
    );
    let asked = receives(&world, Priority::High).split_off(before);
    assert!(asked.len() <= 4 && asked.iter().all(|count| *count == 1), "{asked:?}");
    worker.kill().await;
}

#[tokio::test(start_paused = true)]
async fn with_fewer_places_than_levels_each_has_its_turn() {
    for level in LEVELS {
        let (world, client) = world();
        let (worker, starts) = noting(&world, Priorities::strict());
        let worker = start(worker.concurrency(1));
        sleep(Duration::from_secs(30)).await;
        fill(&client, level, 1).await;
        sleep(Duration::from_secs(4)).await;
        assert_eq!(*starts.lock().unwrap(), [number_of(level)]);
        worker.kill().await;
    }
}

#[tokio::test(start_paused = true)]
async fn r8_levels_together_run_no_more_than_the_worker_may() {
    let (world, client) = world();
    for level in LEVELS {
        fill(&client, level, 100).await;
    }
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (running, seen) = (Arc::clone(&now), Arc::clone(&most));
    let worker = world.worker(move |Square(n), _| {
        let running = Arc::clone(&running);
        seen.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        async move {
            sleep(Duration::from_millis(100)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok(n)
        }
    });
    let worker = worker.priorities(Priorities::weighted(3, 2, 1)).concurrency(25);
    let status = worker.status();
    let worker = start(worker);
    for level in LEVELS {
        world.until_empty(&level.queue_of(TASKS)).await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 25);
    until(|| status.running() == 0).await;
    let report = worker.stop().await;
    assert_eq!((report.done, report.deleted), (300, 300));
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_of_all_levels() {
    let (world, client) = world();
    client.pause(TASKS).await.unwrap();
    for level in LEVELS {
        fill(&client, level, 1).await;
    }
    let (worker, starts) = noting(&world, Priorities::strict());
    let worker = start(worker);
    sleep(Duration::from_secs(60)).await;
    assert!(starts.lock().unwrap().is_empty());
    client.resume(TASKS).await.unwrap();
    shares(&starts, 3).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_priority_chooses_the_queue_and_one_without_levels_refuses_it() {
    let (world, client) = world();
    client.send(Square(0)).await.unwrap();
    for level in LEVELS {
        client.send(Square(0)).priority(level).await.unwrap();
    }
    let there = LEVELS.map(|level| world.simulation.messages(&level.queue_of(TASKS)).len());
    assert_eq!(there, [1, 2, 1], "normal is the queue itself");

    let refused = world.client.send(Square(0)).priority(Priority::High).await.unwrap_err();
    assert!(matches!(refused, SendError::Invalid { .. }), "{refused}");
    assert!(refused.to_string().contains("queue.priorities(Priorities::strict())"), "{refused}");
    assert_eq!(world.simulation.messages(TASKS).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_batch_of_several_priorities_answers_each_task_in_its_place() {
    let (world, client) = world();
    let option = |priority| SendOptions { priority, ..SendOptions::default() };
    let of = [Some(Priority::Low), None, Some(Priority::High), Some(Priority::Low)];
    let tasks = of.into_iter().enumerate();
    let tasks = tasks.map(|(n, priority)| (Square(i64::try_from(n).unwrap()), option(priority)));
    let sent = client.send_all_with(tasks.collect()).await;
    for (n, sent) in sent.into_iter().enumerate() {
        let record = client.task(sent.unwrap().id()).await.unwrap().unwrap();
        assert_eq!(record.asked.body.as_deref(), Some(n.to_string().as_str()));
        assert_eq!(record.asked.queue, of[n].unwrap_or_default().queue_of(TASKS));
    }
    assert_eq!(world.simulation.messages("tasks-low").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn priorities_that_make_no_sense_keep_a_worker_from_starting() {
    let (world, _) = world();
    let worker = world.worker(|Square(n), _| async move { Ok(n) });
    let refused = worker.priorities(Priorities::weighted(1, 1, 0)).run(CancellationToken::new());
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, WorkerError::Priorities(_)), "{refused}");

    let (transport, store) = (Arc::clone(&world.simulation), Arc::clone(&world.flaky));
    let fifo = Worker::new(transport as _, "tasks.fifo", store as _).own_thread(false);
    let refused = fifo.priorities(Priorities::strict()).run(CancellationToken::new()).await;
    assert!(refused.unwrap_err().to_string().contains("tasks.fifo is a FIFO queue"));
}
