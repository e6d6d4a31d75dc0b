//! Handlers that wait for tasks of their own queue: that is said in the log.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{Client, ClientOptions, Failure, Json, Task, TaskId, Worker};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::logged::Logged;
use crate::world::{Square, TASKS, World, start};

/// Waits for a [`Square`].
#[derive(Debug, Serialize, Deserialize)]
struct Parent;

impl Task for Parent {
    const NAME: &'static str = "parent";
    type Reply = ();
    type Codec = Json;
}

/// A wait, in whatever handler it is called.
async fn wait(client: Client) {
    let child = client.pending::<Square>(TaskId::parse("child").unwrap());
    drop(child.reply(Duration::ZERO).await);
}

/// How often it is warned when a handler of a worker waits by a client that sends to `queue`.
async fn warnings(queue: &str, handled: impl Fn(Worker, Client) -> Worker) -> usize {
    let (logged, _guard) = Logged::begin();
    let world = World::new();
    let (transport, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    let client = Client::new(transport, queue, store, ClientOptions::default());
    let worker = start(handled(world.worker_without_handlers(), client));
    world.client.send(Parent).await.unwrap();
    world.until_empty(TASKS).await;
    assert_eq!(worker.stop().await.done, 1);
    logged.lines_with("waits for a task of its own queue").len()
}

fn asynchronous(worker: Worker, client: Client) -> Worker {
    worker.handle(move |Parent| {
        let client = client.clone();
        async move {
            wait(client).await;
            Ok::<(), Failure>(())
        }
    })
}

fn blocking(worker: Worker, client: Client) -> Worker {
    // What is logged is the test's own thread's, unless another is told.
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    worker.handle_blocking(move |Parent| {
        let waiting = || Handle::current().block_on(wait(client.clone()));
        tracing::dispatcher::with_default(&dispatch, waiting);
        Ok::<(), Failure>(())
    })
}

#[tokio::test(start_paused = true)]
async fn u8_a_handler_that_waits_for_a_task_of_its_own_queue_is_warned_of() {
    assert_eq!(warnings(TASKS, asynchronous).await, 1);
    assert_eq!(warnings("other-tasks", asynchronous).await, 0);
}

#[tokio::test(start_paused = true)]
async fn u8_a_handler_on_a_thread_that_may_be_blocked_is_warned_of() {
    assert_eq!(warnings(TASKS, blocking).await, 1);
    assert_eq!(warnings("other-tasks", blocking).await, 0);
}

#[tokio::test(start_paused = true)]
async fn u8_a_queue_that_a_client_names_by_its_url_is_the_same() {
    let url = format!("https://sqs.eu-central-1.amazonaws.com/123456789012/{TASKS}");
    assert_eq!(warnings(&url, asynchronous).await, 1);
    assert_eq!(warnings(&format!("{url}-other"), asynchronous).await, 0);
}
