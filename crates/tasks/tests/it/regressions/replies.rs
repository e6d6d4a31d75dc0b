//! R15, R24, R25: late replies and duplicates, records that came back, whoever waits for another task.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::store::{Answer, Change};
use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, ClientOptions, Failure, Json, ReplyError, Status, Task, TaskId, life,
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{CALLS, HOUR, MINUTE};
use crate::lost::squaring;
use crate::replies::foreign_reply;
use crate::world::{
    Counter, Log, REPLIES, REPLIES_DEAD, RETENTION, Square, TASKS, TASKS_DEAD, VISIBILITY, World,
    start, until,
};

// R15: the reply lane.

/// Tasks whose workers are foreign: their replies come over the queue.
async fn asked(world: &World, count: i64) -> Vec<longshore_tasks::Pending<Square>> {
    let sent = world.client.send_all((0..count).map(Square)).await;
    sent.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(start_paused = true)]
async fn r15_a_late_reply_is_there_for_whoever_asks_again() {
    let world = World::new();
    let replies = world.start_replies();
    let pending = asked(&world, 1).await.pop().unwrap();
    let late = pending.reply(MINUTE).await.unwrap_err();
    assert!(matches!(late, ReplyError::TimedOut { .. }), "{late}");
    world.simulation.put(REPLIES, "64", foreign_reply(pending.id().as_str()));
    world.until_empty(REPLIES).await;
    assert_eq!(pending.now().await.unwrap(), Some(64));
    assert_eq!(pending.reply(Duration::ZERO).await.unwrap(), 64);
    assert_eq!(replies.stop().await.kept, 1);
}

#[tokio::test(start_paused = true)]
async fn r15_duplicates_and_orphans_change_nothing_and_keep_no_other_reply_waiting() {
    let world = World::new();
    let replies = world.start_replies();
    let pending = asked(&world, 1).await.pop().unwrap();
    let orphan = "01a20808-1aa5-74af-a683-db4ace7f8031";
    for _ in 0..25 {
        world.simulation.put(REPLIES, "13", foreign_reply(orphan));
    }
    for body in ["64", "64", "65"] {
        world.simulation.put(REPLIES, body, foreign_reply(pending.id().as_str()));
    }
    assert_eq!(pending.reply(MINUTE).await.unwrap(), 64);
    world.until_empty(REPLIES).await;
    assert_eq!(pending.now().await.unwrap(), Some(64), "the first one stays");
    assert!(world.bodies(REPLIES_DEAD).is_empty());
    assert_eq!(world.known().await, 1);
    let report = replies.stop().await;
    assert_eq!((report.kept, report.unknown), (3, 25));
}

#[tokio::test(start_paused = true)]
async fn r15_a_requester_that_dies_with_replies_in_hand_loses_none() {
    for action in [Action::ReceiveMessage, Action::DeleteMessageBatch] {
        let world = World::new();
        let pending = asked(&world, 3).await;
        for task in &pending {
            world.simulation.put(REPLIES, "64", foreign_reply(task.id().as_str()));
        }
        // It dies before it has them, or when it has kept them.
        world.simulation.hold(action);
        let first = world.start_replies();
        until(|| !world.simulation.calls(action).is_empty()).await;
        first.kill().await;
        world.simulation.let_go(action);
        let second = world.start_replies();
        for task in pending {
            let id = task.id().clone();
            assert_eq!(world.client.pending::<Square>(id).reply(HOUR).await.unwrap(), 64);
        }
        world.until_empty(REPLIES).await;
        second.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn r15_thousands_who_wait_cost_one_long_poll_and_all_are_answered() {
    const COUNT: usize = 2000;
    let world = World::new();
    let options = ClientOptions { clock: Arc::new(world.clock), ..ClientOptions::default() };
    let (queues, store) = (Arc::clone(&world.simulation) as _, Arc::clone(&world.flaky) as _);
    let client = Client::new(queues, TASKS, store, options);
    let replies = world.start_replies_of(&client);
    let sent = client.send_all((0..).take(COUNT).map(Square)).await;
    let pending: Vec<_> = sent.into_iter().map(Result::unwrap).collect();
    let ids: Vec<TaskId> = pending.iter().map(|task| task.id().clone()).collect();
    let waits = pending.into_iter().map(async |task| task.reply(HOUR).await.unwrap());
    let all = tokio::spawn(futures::future::join_all(waits.collect::<Vec<_>>()));
    sleep(Duration::from_secs(10)).await;

    let meter = &world.simulation.meter;
    let calls = || CALLS.map(|action| meter.total(action));
    let (polls, before) = (|| meter.total(Action::ReceiveMessage), calls());
    sleep(Duration::from_secs(30)).await;
    assert!(polls() - before[0] <= 2, "{} receives in half a minute", polls() - before[0]);
    assert_eq!(calls()[1..], before[1..], "nothing else is called");

    let asked_for = || world.flaky.asked_for.load(Ordering::SeqCst);
    let before = asked_for();
    for (n, id) in ids.iter().enumerate() {
        world.simulation.put(REPLIES, &n.to_string(), foreign_reply(id.as_str()));
    }
    let answers = all.await.unwrap();
    assert_eq!(answers, (0..).take(COUNT).collect::<Vec<i64>>());
    // Whoever leaves hands the wait on, and not a look at all who are left.
    let asked_for = asked_for() - before;
    assert!(asked_for <= COUNT * 6, "{asked_for} records read for {COUNT} replies");
    replies.stop().await;
}

// R24: what has vanished stays so.

/// Removes the record of a task, as if its time were over.
async fn remove_record(world: &World, id: &TaskId) {
    let records = world.client.records();
    let record = records.find(id).await.unwrap().record.unwrap();
    let gone = records.write_one(Change::of(record, life::withdrawn())).await.unwrap();
    assert!(matches!(gone, Answer::Written(_)), "{gone:?}");
    assert_eq!(world.known().await, 0);
}

/// A worker whose one task goes on for that long, once its record and its message were removed.
async fn run_vanished(runs_for: Duration, end: fn() -> crate::world::Answer) {
    let (world, runs) = (World::new(), Counter::default());
    let replies = world.start_replies();
    let counter = runs.clone();
    let worker = start(world.worker(move |_, context| {
        counter.add();
        async move {
            context.progress(50, "half of it");
            sleep(runs_for).await;
            context.progress(99, "nearly all of it");
            end()
        }
    }));
    let id = world.send(8).await;
    until(|| runs.get() == 1).await;
    remove_record(&world, &id).await;
    let message = world.simulation.take_all(TASKS).pop().unwrap();
    sleep(HOUR).await;
    assert!(world.client.cancel(&id).await.is_err());
    assert_eq!((world.known().await, world.status(&id).await), (0, None));
    let reply = longshore_tasks::Reply::completed("64");
    world.client.records().take_in(&id, &reply, RETENTION).await.unwrap();
    world.simulation.put(REPLIES, "64", foreign_reply(id.as_str()));
    world.simulation.put(REPLIES, "64", foreign_reply(&message.id));
    world.until_empty(REPLIES).await;
    assert_eq!(world.status(&id).await, None);
    // A reply to a MessageId is kept hidden for an hour: its task might still be noted.
    sleep(HOUR).await;
    assert_eq!((world.known().await, world.status(&id).await), (0, None));
    assert!(world.bodies(TASKS_DEAD).is_empty());
    assert_eq!(runs.get(), 1);
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r24_the_result_of_a_task_that_has_vanished_is_kept_nowhere() {
    // Shorter than the first renewal, so that its end finds out; and longer.
    for runs_for in [Duration::from_secs(5), 10 * MINUTE] {
        run_vanished(runs_for, || Ok(64)).await;
        run_vanished(runs_for, || Err(Failure::dead("broken"))).await;
        run_vanished(runs_for, || Err(Failure::retry("again"))).await;
        run_vanished(runs_for, || Err(Failure::snooze(MINUTE))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn r24_what_is_noted_after_the_end_brings_no_record_back() {
    let world = World::new();
    let worker = squaring(&world, &Counter::default());
    world.simulation.hold(Action::SendMessageBatch);
    world.simulation.put(TASKS, "8", foreign_task());
    let id = TaskId::parse("order-17").unwrap();
    let ended = async || matches!(world.status(&id).await, Some(Status::Completed { .. }));
    while !ended().await {
        sleep(Duration::from_secs(1)).await;
    }
    remove_record(&world, &id).await;
    world.simulation.let_go(Action::SendMessageBatch);
    world.until_empty(TASKS).await;
    sleep(HOUR).await;
    assert_eq!(world.bodies(REPLIES), ["64"]);
    assert_eq!(world.known().await, 0);
    worker.stop().await;
}

fn foreign_task() -> longshore_types::MessageAttributes {
    let text = longshore_types::MessageAttribute::text;
    longshore_types::MessageAttributes::from([
        ("task".to_owned(), text("square")),
        ("taskId".to_owned(), text("order-17")),
    ])
}

// R25: whoever waits for another task.

const PARTS: &str = "parts";

/// Half of the work of a [`Square`].
#[derive(Debug, Serialize, Deserialize)]
struct Part(i64);

impl Task for Part {
    const NAME: &'static str = "part";
    type Reply = i64;
    type Codec = Json;
}

#[tokio::test(start_paused = true)]
async fn r25_who_waits_for_a_task_that_ends_twice_has_one_result() {
    let world = World::new();
    world.simulation.create(PARTS, VISIBILITY, None);
    let queues = [(Part::NAME.to_owned(), PARTS.to_owned())].into();
    let random = Arc::new(crate::inputs::Counting::default());
    let (clock, reply_queue) = (Arc::new(world.clock), Some(REPLIES.to_owned()));
    let options = ClientOptions { queues, random, clock, reply_queue, ..ClientOptions::default() };
    let client = Client::new(
        Arc::clone(&world.simulation) as _,
        TASKS,
        Arc::clone(&world.store) as _,
        options,
    );
    let (results, replies) = (Log::default(), world.start_replies());
    let seen = Arc::clone(&results);
    let parent = world.worker(move |Square(n), context| {
        let seen: Log<i64> = Arc::clone(&seen);
        async move {
            let pending = context.send(Part(n)).await?;
            for wait in [HOUR, Duration::ZERO] {
                let part = pending.reply(wait).await?;
                seen.lock().unwrap().push(part);
                sleep(10 * MINUTE).await;
            }
            pending.reply(Duration::ZERO).await.map_err(Failure::from)
        }
    });
    let parent = start(parent.client(client));
    let id = world.send(8).await;
    until(|| !world.simulation.messages(PARTS).is_empty()).await;
    // Its child is done by two foreign workers, each with a result of its own, and more than once.
    let child = world.simulation.take_all(PARTS).pop().unwrap();
    for (wait, body) in [(0, "1"), (0, "1"), (1, "2"), (60, "3"), (3600, "4")] {
        sleep(Duration::from_secs(wait)).await;
        world.simulation.put(REPLIES, body, foreign_reply(&child.id));
        world.until_empty(REPLIES).await;
    }
    world.until_empty(TASKS).await;
    assert_eq!(*results.lock().unwrap(), [1, 1], "the first, whenever it is asked for");
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "1".to_owned() }));
    assert_eq!(parent.stop().await.done, 1);
    replies.stop().await;
}
