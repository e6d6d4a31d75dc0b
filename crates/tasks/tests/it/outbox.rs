//! The loop that finds what is due: what it leaves to others, and what cannot hold it up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::reply::Reply;
use longshore_tasks::store::Change;
use longshore_tasks::transport::Action;
use longshore_tasks::{Client, ClientOptions, Clock as _, Store as _, TaskId, Worker, life};
use tokio::time::{Instant, sleep};

use crate::inputs::Counting;
use crate::lost::squaring;
use crate::simulation::Fault;
use crate::world::{Counter, Square, TASKS, VISIBILITY, World, start, until};

const OTHERS: &str = "others";

/// A client of another queue, whose replies go to `replies`.
fn client(world: &World, queue: &str, replies: &str) -> Client {
    let options = ClientOptions {
        clock: Arc::new(world.clock),
        reply_queue: Some(replies.to_owned()),
        ..ClientOptions::default()
    };
    Client::new(Arc::clone(&world.simulation) as _, queue, Arc::clone(&world.store) as _, options)
}

fn worker(world: &World, queue: &str) -> Worker {
    Worker::new(Arc::clone(&world.simulation) as _, queue, Arc::clone(&world.store) as _)
        .handle(|Square(n): Square| async move { Ok(n * n) })
        .own_thread(false)
        .clock(Arc::new(world.clock))
        .random(Arc::new(Counting::default()))
}

/// Ends a task whose reply queue is away, and the worker with it: its reply is due.
async fn owe_a_reply(world: &World, queue: &str, replies: &str) {
    let away = world.simulation.remove(replies);
    let worker = start(worker(world, queue).allow_reply_queue(replies));
    client(world, queue, replies).send(Square(8)).await.unwrap();
    world.until_empty(queue).await;
    worker.kill().await;
    world.simulation.restore(replies, away);
}

#[tokio::test(start_paused = true)]
async fn a_worker_leaves_what_is_due_of_another_queue_to_its_workers_until_they_are_late() {
    let world = World::new();
    for queue in [OTHERS, "their-replies"] {
        world.simulation.create(queue, VISIBILITY, None);
    }
    owe_a_reply(&world, OTHERS, "their-replies").await;
    let ended_at = Instant::now();
    let worker = squaring(&world, &Counter::default());
    until(|| !world.simulation.messages("their-replies").is_empty()).await;
    let waited = ended_at.elapsed();
    // It is due 20 s after the end, and theirs for a minute.
    assert!(waited > Duration::from_secs(78), "{waited:?}");
    assert!(waited < Duration::from_secs(90), "{waited:?}");
    assert_eq!(worker.stop().await.made_good, 1);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_records_of_another_queue_keep_no_reply_of_the_own_queue_waiting() {
    let world = World::new();
    for queue in [OTHERS, "their-replies", "own-replies"] {
        world.simulation.create(queue, VISIBILITY, None);
    }
    let theirs = client(&world, OTHERS, "their-replies");
    for n in 0..120 {
        theirs.send(Square(n)).await.unwrap();
    }
    owe_a_reply(&world, OTHERS, "their-replies").await;
    owe_a_reply(&world, TASKS, "own-replies").await;
    let ended_at = Instant::now();
    let worker = start(worker(&world, TASKS).allow_reply_queue("own-replies"));
    until(|| !world.simulation.messages("own-replies").is_empty()).await;
    assert!(ended_at.elapsed() < Duration::from_secs(40), "{:?}", ended_at.elapsed());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn six_queues_that_do_not_answer_delay_no_reply_to_a_seventh() {
    let world = World::new();
    let queues: Vec<_> = (0..7).map(|n| format!("replies-{n}")).collect();
    for queue in &queues {
        world.simulation.create(queue, VISIBILITY, None);
        owe_a_reply(&world, TASKS, queue).await;
    }
    let answered = || {
        let has_one = |queue: &&String| !world.simulation.messages(queue).is_empty();
        queues.iter().filter(has_one).count()
    };
    assert_eq!(answered(), 0);
    let receives = || world.simulation.calls(Action::ReceiveMessage).len();
    let before = receives();
    let worker = start(worker(&world, TASKS));
    until(|| receives() > before).await;
    // They are due at about one time, and looked for side by side.
    for _ in 0..6 {
        world.simulation.fail_next(Action::GetQueueUrl, Fault::Hangs);
    }
    let started_at = Instant::now();
    until(|| answered() >= 1).await;
    assert!(started_at.elapsed() < Duration::from_secs(60), "{:?}", started_at.elapsed());
    // The six come again when they are due again.
    until(|| answered() == 7).await;
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_look_that_wrote_nothing_is_followed_by_a_pause_and_what_is_over_is_removed() {
    let world = World::new();
    let records = world.client.records();
    let now = world.clock.now();
    let hidden = |n: usize| {
        let id = TaskId::parse(&format!("m-{n}")).unwrap();
        Change::first(id, life::hidden("replies", Reply::completed("1"), now))
    };
    records.write((0..150).map(hidden).collect()).await.unwrap();
    sleep(Duration::from_secs(61)).await;
    let lagging = world.store.due(150).await.unwrap();
    assert_eq!(lagging.value.len(), 150);
    *world.flaky.frozen_due.lock().unwrap() = Some(lagging);
    let worker = squaring(&world, &Counter::default());
    sleep(Duration::from_secs(20)).await;
    // Two write, of which each is followed by another at once; then all that is found is old.
    let looks = world.flaky.looks.load(Ordering::SeqCst);
    assert!((8..=20).contains(&looks), "{looks}");
    assert!(world.flaky.expiries.load(Ordering::SeqCst) >= 1);
    worker.stop().await;
}
