//! How a reply travels is decided once, by whoever sends the task: its message tells the worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_tasks::envelope::{REPLY_BY, REPLY_TO};
use longshore_tasks::{
    Client, ClientOptions, Failure, Handlers, ReplyMode, Status, Task as _, TaskOptions, Worker,
};

use crate::world::{REPLIES, Square, TASKS, World, start};

/// A client that was told how replies to [`Square`] travel, if it was, and which queue wants them.
pub(crate) fn client(world: &World, mode: Option<ReplyMode>, reply_queue: Option<&str>) -> Client {
    let replies: BTreeMap<_, _> =
        mode.into_iter().map(|mode| (Square::NAME.to_owned(), mode)).collect();
    let reply_queue = reply_queue.map(ToOwned::to_owned);
    let options = ClientOptions { replies, reply_queue, ..ClientOptions::default() };
    let (transport, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.store) as _);
    Client::new(transport, TASKS, store, options)
}

/// A worker that was told otherwise, or nothing.
fn worker(world: &World, mode: Option<ReplyMode>) -> Worker {
    let options = mode.map(|mode| TaskOptions::new().reply(mode)).unwrap_or_default();
    let square = |Square(n): Square| async move { Ok::<_, Failure>(n * n) };
    let handlers = Handlers::new().handle(square).options::<Square>(options);
    world.worker_without_handlers().handlers(&handlers, &())
}

/// Sends a task, has it run, and says how many replies came by the queue. The store always has the result.
async fn replies_by_queue(sender: Option<ReplyMode>, at_worker: Option<ReplyMode>) -> usize {
    let world = World::new();
    let pending = client(&world, sender, Some(REPLIES)).send(Square(8)).await.unwrap();
    let worker = start(worker(&world, at_worker));
    world.until_empty(TASKS).await;
    worker.stop().await;
    assert_eq!(world.status(pending.id()).await, Some(Status::Completed { body: "64".to_owned() }));
    world.bodies(REPLIES).len()
}

#[tokio::test(start_paused = true)]
async fn the_sender_decides_whatever_a_worker_was_told() {
    let told = [None, Some(ReplyMode::Queue), Some(ReplyMode::Store), Some(ReplyMode::None)];
    for at_worker in told {
        for sender in told {
            let by_queue = sender.unwrap_or_default() == ReplyMode::Queue;
            let came = replies_by_queue(sender, at_worker).await;
            assert_eq!(came, usize::from(by_queue), "{sender:?}, {at_worker:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_says_where_the_reply_goes_or_else_how_it_travels() {
    let world = World::new();
    for (mode, to, by) in [
        (ReplyMode::Queue, Some(REPLIES), None),
        (ReplyMode::Store, None, Some("store")),
        (ReplyMode::None, None, Some("none")),
    ] {
        client(&world, Some(mode), Some(REPLIES)).send(Square(8)).await.unwrap();
        let message = world.simulation.messages(TASKS).pop().unwrap();
        assert_eq!((message.text(REPLY_TO), message.text(REPLY_BY)), (to, by), "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn which_message_stands_for_a_task_is_noted_where_a_reply_may_name_it() {
    let world = World::new();
    for (mode, noted) in
        [(ReplyMode::Queue, true), (ReplyMode::Store, true), (ReplyMode::None, false)]
    {
        let client = client(&world, Some(mode), Some(REPLIES));
        let pending = client.send(Square(8)).await.unwrap();
        let record = client.task(pending.id()).await.unwrap().unwrap();
        assert_eq!(record.message_id.is_some(), noted, "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_has_no_reply_queue_leaves_it_to_the_worker() {
    for (at_worker, came) in [(None, 1), (Some(ReplyMode::Store), 0)] {
        let world = World::new();
        client(&world, None, None).send(Square(8)).await.unwrap();
        let worker = start(worker(&world, at_worker));
        world.until_empty(TASKS).await;
        worker.stop().await;
        assert_eq!(world.bodies(REPLIES).len(), came, "{at_worker:?}");
    }
}
