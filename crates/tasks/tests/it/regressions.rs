//! What went wrong in other frameworks, and belongs to no single part of this one: waits that hold
//! something, claims and ids that stay locked, errors that end the host, records that come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use longshore_tasks::life;
use longshore_tasks::store::{Answer, Change};
use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, ClientOptions, Failure, Json, ReplyError, SendOptions, Status, Task, TaskId, Worker,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::lost::{kill_in_a_run, squaring};
use crate::replies::foreign_reply;
use crate::world::{
    Counter, Log, RECEIVES_MAX, REPLIES, REPLIES_DEAD, RETENTION, Square, TASKS, TASKS_DEAD,
    VISIBILITY, World, start, until,
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

// R11: a wait is the queue's.

const SNOOZED: i64 = 1;
const RETRIED: i64 = 2;
const DELAYED: i64 = 3;

/// A worker that runs one task at a time, and which task began when.
fn postponing(world: &World, begun: &Log<(i64, u32, Duration)>) -> Worker {
    let (begun, from) = (Arc::clone(begun), world.now());
    let clock = world.clock;
    let worker = world.worker(move |Square(n), context| {
        let at = longshore_tasks::Clock::now(&clock).since(from);
        let mut begun = begun.lock().unwrap();
        begun.push((n, context.attempt(), at));
        let first = begun.iter().filter(|(other, ..)| *other == n).count() == 1;
        async move {
            match n {
                SNOOZED if first => Err(Failure::snooze(11 * HOUR)),
                RETRIED if first => Err(Failure::retry_after(6 * HOUR, "not yet")),
                _ => Ok(n),
            }
        }
    });
    worker.concurrency(1)
}

/// The runs of a task: its attempts, and the seconds at which they began.
fn runs_of(begun: &Log<(i64, u32, Duration)>, task: i64) -> Vec<(u32, u64)> {
    let begun = begun.lock().unwrap();
    let of_task = begun.iter().filter(|(number, ..)| *number == task);
    of_task.map(|(_, attempt, at)| (*attempt, at.as_secs())).collect()
}

#[tokio::test(start_paused = true)]
async fn r11_what_waits_for_hours_runs_once_when_it_is_due_and_holds_nothing_meanwhile() {
    let (world, begun) = (World::new(), Log::default());
    let worker = postponing(&world, &begun);
    let status = worker.status();
    let worker = start(worker);
    world.send(5).await;
    world.until_empty(TASKS).await;
    sleep(MINUTE).await;
    let idle = Handle::current().metrics().num_alive_tasks();
    world.send(SNOOZED).await;
    world.send(RETRIED).await;
    world.client.send(Square(DELAYED)).delay(15 * MINUTE).await.unwrap();
    until(|| begun.lock().unwrap().len() == 3).await;
    sleep(MINUTE).await;
    assert_eq!(status.running(), 0, "no lease is held for them");
    assert_eq!(Handle::current().metrics().num_alive_tasks(), idle, "nor anything that sleeps");
    let renewals = || world.simulation.calls(Action::ChangeMessageVisibilityBatch).len();
    let before = renewals();
    world.send(4).await;
    until(|| begun.lock().unwrap().len() == 4).await;
    sleep(5 * HOUR).await;
    assert_eq!(renewals(), before, "no lease is renewed for them");
    world.until_empty(TASKS).await;
    sleep(DAY).await;
    let seconds = |task| runs_of(&begun, task);
    assert_eq!(seconds(4).len(), 1, "the one place was free");
    let due = |(attempt, at): (u32, u64), expected: u32, wait: Duration| {
        assert_eq!(attempt, expected);
        assert!((wait..wait + 2 * MINUTE).contains(&Duration::from_secs(at)), "at {at} s");
    };
    assert_eq!((seconds(SNOOZED).len(), seconds(RETRIED).len()), (2, 2));
    due(seconds(SNOOZED)[1], 1, 11 * HOUR);
    due(seconds(RETRIED)[1], 2, 6 * HOUR);
    assert_eq!(seconds(DELAYED).len(), 1);
    due(seconds(DELAYED)[0], 1, 15 * MINUTE);
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r11_what_waits_for_hours_outlives_its_worker() {
    let (world, begun) = (World::new(), Log::default());
    let first = start(postponing(&world, &begun));
    world.send(SNOOZED).await;
    world.send(RETRIED).await;
    world.client.send(Square(DELAYED)).delay(15 * MINUTE).await.unwrap();
    until(|| begun.lock().unwrap().len() == 2).await;
    sleep(Duration::from_secs(1)).await;
    first.kill().await;
    let second = start(postponing(&world, &begun));
    sleep(5 * HOUR).await;
    assert_eq!(begun.lock().unwrap().len(), 3, "the delayed one only");
    world.until_empty(TASKS).await;
    let report = second.stop().await;
    assert_eq!((report.done, report.busy), (3, 0));
}

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

// R16: the claim of a worker that was killed.

#[tokio::test(start_paused = true)]
async fn r16_the_claim_of_a_killed_worker_ends_with_its_lease_and_one_of_two_takers_runs() {
    let (world, begun) = (World::new(), Log::default());
    let running = |hold: Duration| {
        let begun: Log<(u32, Instant)> = Arc::clone(&begun);
        world.worker(move |_, context| {
            begun.lock().unwrap().push((context.attempt(), Instant::now()));
            let attempt = i64::from(context.attempt());
            async move {
                sleep(hold).await;
                Ok(attempt)
            }
        })
    };
    let id = world.send(8).await;
    let message = world.simulation.messages(TASKS)[0].clone();
    let killed = start(running(DAY));
    until(|| begun.lock().unwrap().len() == 1).await;
    killed.kill().await;
    let killed_at = Instant::now();
    // A duplicate of its message is there at once; the message itself, when its lease ends.
    world.simulation.put(TASKS, &message.body, message.attributes);
    let takers = [start(running(10 * MINUTE)), start(running(10 * MINUTE))];
    world.until_empty(TASKS).await;
    let begun = begun.lock().unwrap().clone();
    let attempts: Vec<u32> = begun.iter().map(|(attempt, _)| *attempt).collect();
    assert_eq!(attempts, [1, 2], "one of the two takers ran it");
    let waited = begun[1].1 - killed_at;
    assert!(waited >= VISIBILITY, "while the claim lasts, nobody does: {waited:?}");
    assert!(waited <= VISIBILITY + Duration::from_secs(3), "nor much longer: {waited:?}");
    assert_eq!(world.status(&id).await, Some(Status::Completed { body: "2".to_owned() }));
    let mut busy = 0;
    for taker in takers {
        busy += taker.stop().await.busy;
    }
    assert!(busy >= 1, "the loser found it taken");
}

// R17: an id of the caller's own.

/// A way for a task to come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    Done,
    Dead,
    Discarded,
    Cancelled,
    TooLate,
    /// Its worker was killed at each attempt.
    Killed,
    /// Its worker was killed, and its message is gone.
    Vanished,
}

const PATHS: [Path; 7] = [
    Path::Done,
    Path::Dead,
    Path::Discarded,
    Path::Cancelled,
    Path::TooLate,
    Path::Killed,
    Path::Vanished,
];

/// Sends a task with that id and sees it to its end.
async fn end_by(world: &World, path: Path, id: &TaskId) {
    let deadline = (path == Path::TooLate).then(|| world.now());
    let options = SendOptions { id: Some(id.clone()), deadline, ..SendOptions::default() };
    let sent = world.client.send_all_with(vec![(Square(8), options)]).await;
    assert!(sent[0].is_ok());
    sleep(Duration::from_secs(1)).await;
    match path {
        Path::Cancelled => world.client.cancel(id).await.unwrap(),
        Path::Killed => {
            for _ in 0..3 {
                kill_in_a_run(world).await;
            }
        }
        Path::Vanished => {
            kill_in_a_run(world).await;
            world.simulation.take_all(TASKS);
        }
        Path::Done | Path::Dead | Path::Discarded | Path::TooLate => {}
    }
    let worker = start(world.worker(move |Square(n), _| async move {
        match path {
            Path::Dead => Err(Failure::dead("broken")),
            Path::Discarded => Err(Failure::discard("nonsense")),
            Path::Done | Path::Cancelled | Path::TooLate | Path::Killed | Path::Vanished => {
                Ok(n * n)
            }
        }
    }));
    world.until_empty(TASKS).await;
    worker.stop().await;
}

async fn send_again(world: &World, id: &TaskId) {
    let pending = world.client.send(Square(9)).id(id.clone()).await.unwrap();
    assert_eq!(pending.id(), id);
}

#[tokio::test(start_paused = true)]
async fn r17_after_each_end_an_id_is_the_same_task_until_its_record_goes_and_free_then() {
    for path in PATHS {
        let (world, id) = (World::new(), TaskId::parse("order-17").unwrap());
        end_by(&world, path, &id).await;
        let ended = world.status(&id).await.unwrap();
        let done = matches!(ended, Status::Completed { .. });
        assert_eq!(done, path == Path::Done, "{path:?}: {ended:?}");
        // The same task: nothing is sent, nothing runs, and its result is what it was.
        for wait in [Duration::ZERO, RETENTION / 2] {
            sleep(wait).await;
            send_again(&world, &id).await;
            assert!(world.bodies(TASKS).is_empty(), "{path:?}, {wait:?} later");
            assert_eq!(world.status(&id).await.as_ref(), Some(&ended), "{path:?}");
        }
        // Its record has gone: another task, which runs.
        sleep(16 * DAY).await;
        send_again(&world, &id).await;
        assert_eq!(world.bodies(TASKS), ["9"], "{path:?}: the id is free");
        let runs = Counter::default();
        let worker = squaring(&world, &runs);
        world.until_empty(TASKS).await;
        let status = world.status(&id).await;
        assert_eq!(status, Some(Status::Completed { body: "81".to_owned() }), "{path:?}");
        assert_eq!((worker.stop().await.done, runs.get()), (1, 1), "{path:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r17_a_send_that_was_refused_locks_no_id() {
    let (world, id) = (World::new(), TaskId::parse("order-17").unwrap());
    world.simulation.refuse(Action::SendMessageBatch, "AccessDenied");
    world.client.send(Square(8)).id(id.clone()).await.unwrap_err();
    assert_eq!(world.known().await, 0);
    world.simulation.accept(Action::SendMessageBatch);
    send_again(&world, &id).await;
    assert_eq!(world.bodies(TASKS), ["9"]);
}

// R20: the host goes on.

const FATAL: [&str; 4] =
    ["QueueDoesNotExist", "AccessDenied", "InvalidClientTokenId", "AWS.Surprise"];

const CALLS: [Action; 4] = [
    Action::ReceiveMessage,
    Action::SendMessageBatch,
    Action::DeleteMessageBatch,
    Action::ChangeMessageVisibilityBatch,
];

#[tokio::test(start_paused = true)]
async fn r20_no_refusal_of_sqs_ends_a_role_that_runs_and_it_goes_on_when_it_is_over() {
    for code in FATAL {
        for action in CALLS {
            let (world, case) = (World::new(), format!("{action} refused with {code}"));
            let replies = world.start_replies();
            let worker = start(world.worker(|Square(n), context| async move {
                if n == 0 && context.attempt() == 1 {
                    return Err(Failure::retry_after(Duration::ZERO, "once more"));
                }
                Ok(n)
            }));
            sleep(MINUTE).await;
            let id = world.send(0).await;
            world.simulation.refuse(action, code);
            sleep(RETENTION / 2).await;
            let calls = world.simulation.calls(action).len();
            assert!(calls < 1500, "{case}: {calls} calls in half an hour");
            assert!(!worker.handle.is_finished() && !replies.handle.is_finished(), "{case}");
            world.simulation.accept(action);
            let later = world.send(8).await;
            until(|| worker_is_idle(&world)).await;
            let done = Some(Status::Completed { body: "8".to_owned() });
            assert_eq!(world.status(&later).await, done, "{case}");
            assert!(world.status(&id).await.is_some(), "{case}");
            worker.stop().await;
            replies.stop().await;
        }
    }
}

fn worker_is_idle(world: &World) -> bool {
    [TASKS, REPLIES].iter().all(|queue| world.simulation.messages(queue).is_empty())
}

#[tokio::test(start_paused = true)]
async fn r20_a_queue_that_is_deleted_under_a_role_ends_neither_it_nor_what_runs() {
    let (world, runs) = (World::new(), Counter::default());
    let replies = world.start_replies();
    let counter = runs.clone();
    let worker = start(world.worker(move |Square(n), _| {
        counter.add();
        async move {
            sleep(10 * MINUTE).await;
            Ok(n)
        }
    }));
    world.send(8).await;
    until(|| runs.get() == 1).await;
    let deleted = [TASKS, REPLIES].map(|queue| (queue, world.simulation.remove(queue)));
    sleep(HOUR).await;
    assert!(!worker.handle.is_finished() && !replies.handle.is_finished());
    for (name, queue) in deleted {
        world.simulation.restore(name, queue);
    }
    let later = world.send(9).await;
    until(|| worker_is_idle(&world)).await;
    let done = Some(Status::Completed { body: "9".to_owned() });
    assert_eq!(world.status(&later).await, done);
    worker.stop().await;
    replies.stop().await;
}

#[tokio::test(start_paused = true)]
async fn r20_a_role_that_cannot_start_says_so_to_its_host() {
    for code in FATAL {
        for action in [Action::GetQueueUrl, Action::GetQueueAttributes] {
            let world = World::new();
            world.simulation.refuse(action, code);
            let stop = CancellationToken::new();
            let worker = world.worker(|Square(n), _| async move { Ok(n) });
            let fault = timeout(MINUTE, worker.run(stop.clone())).await.unwrap().unwrap_err();
            assert!(longshore_tasks::error_chain(&fault).join(": ").contains(code), "{fault}");
            let records = world.client.records().clone();
            let queues = Arc::clone(&world.simulation) as _;
            let replies = longshore_tasks::Replies::new(queues, REPLIES, records);
            let fault = timeout(MINUTE, replies.run(stop)).await.unwrap().unwrap_err();
            assert!(longshore_tasks::error_chain(&fault).join(": ").contains(code), "{fault}");
        }
    }
}

// R21: what is to be done is counted once.

/// How many messages can be received now.
fn backlog(world: &World) -> u64 {
    let now = Instant::now();
    let messages = world.simulation.messages(TASKS);
    messages.iter().filter(|message| message.available_at <= now).count() as u64
}

#[tokio::test(start_paused = true)]
async fn r21_backlog_and_what_runs_are_all_tasks_once_and_a_drain_shields_what_runs() {
    let (world, runs) = (World::new(), Counter::default());
    let counter = runs.clone();
    let worker = world.worker(move |Square(n), _| {
        counter.add();
        async move {
            sleep(10 * MINUTE).await;
            Ok(n)
        }
    });
    let worker = worker.concurrency(3).grace(HOUR);
    let status = worker.status();
    let worker = start(worker);
    world.client.send_all((0..10).map(Square)).await;
    let mut left = 10;
    while left > 4 {
        sleep(5 * MINUTE).await;
        assert_eq!((status.running(), backlog(&world)), (3, left - 3));
        assert_eq!(status.running_tasks(100).len(), 3, "each once");
        sleep(5 * MINUTE + Duration::from_secs(10)).await;
        left -= 3;
    }
    worker.shutdown.cancel();
    sleep(5 * MINUTE).await;
    // A worker that is told to go shows what keeps it, and takes no more.
    assert!(status.is_draining());
    assert_eq!((status.running(), backlog(&world)), (3, 1));
    let report = worker.stop().await;
    assert_eq!((report.done, report.returned, runs.get()), (9, 0, 9));
    assert_eq!((status.running(), backlog(&world)), (0, 1));
}

// R22: what was not run counts for nothing.

#[tokio::test(start_paused = true)]
async fn r22_a_task_can_be_drained_more_often_than_it_may_be_tried() {
    let (world, runs) = (World::new(), Counter::default());
    world.send(8).await;
    for drains in 1..=RECEIVES_MAX * 2 {
        let counter = runs.clone();
        let worker = start(world.worker(move |_, context| {
            assert_eq!(context.attempt(), 1);
            counter.add();
            std::future::pending()
        }));
        until(|| runs.get() == drains).await;
        worker.stop().await;
    }
    let worker = start(world.worker(|_, context| async move { Ok(i64::from(context.attempt())) }));
    world.until_empty(TASKS).await;
    assert_eq!((world.bodies(REPLIES), world.bodies(TASKS_DEAD)), (vec!["1".to_owned()], vec![]));
    worker.stop().await;
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
