//! FIFO queues: message groups, and deduplication ids that swallow nothing that is meant.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::QueueHandle;
use longshore_tasks::{
    ClaimStore, Client, ClientOptions, Failure, Reply, RetryPolicy, Worker, reply,
};

use crate::simulation::Counting;
use crate::world::{Counter, Square, VISIBILITY, World, start, until};

const TASKS: &str = "tasks.fifo";
const DEAD: &str = "tasks-dead.fifo";

fn world() -> (World, Client) {
    let world = World::new();
    world.simulation.create(DEAD, VISIBILITY, None);
    world.simulation.create(TASKS, VISIBILITY, Some((DEAD, 3)));
    let options = ClientOptions { clock: Arc::new(world.clock), ..ClientOptions::default() };
    let (queue, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    let client = Client::new(queue, TASKS, store, options);
    (world, client)
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_sent_anew_is_not_taken_for_the_one_it_replaces() {
    let (world, client) = world();
    client.send(&Square(8)).await.unwrap();
    let runs = Counter::default();
    let counter = runs.clone();
    let claims: Arc<dyn ClaimStore> = Arc::clone(&world.store) as _;
    let worker = Worker::new(Arc::clone(&world.simulation) as _, TASKS, claims)
        .handle(move |Square(n), _| {
            let run = counter.add();
            async move { if run < 7 { Err(Failure::retry("again")) } else { Ok(n) } }
        })
        .retry(RetryPolicy { attempts_max: 7, ..RetryPolicy::default() })
        .random(Arc::new(Counting::default()))
        .clock(Arc::new(world.clock))
        .wait(Duration::from_secs(1));
    let worker = start(worker);
    until(|| world.simulation.messages(TASKS).is_empty()).await;
    assert_eq!(runs.get(), 7);
    assert!(world.simulation.messages(DEAD).is_empty());
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn completed_is_not_taken_for_a_duplicate_of_failed() {
    let (world, client) = world();
    let id = client.send(&Square(8)).await.unwrap().id().clone();
    let queue = QueueHandle::new("replies.fifo", "sim://replies.fifo");
    let failed = reply::seal(&queue, &id, Reply::failed("no"), world.now());
    let completed = reply::seal(&queue, &id, Reply::completed("64"), world.now());
    assert_eq!(failed.group_id, completed.group_id);
    assert_ne!(failed.deduplication_id, completed.deduplication_id);
}
