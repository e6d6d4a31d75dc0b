//! What a task costs in requests by the rate at which tasks come, and how long they wait for that: the numbers
//! of `docs/cost.md`. Counted by the queues in memory and by the meter, which must agree.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{
    Client, ClientOptions, Handlers, Json, MemoryStore, ReplyMode, Task, TaskOptions, Worker,
    WorkerReport,
};
use longshore_types::{MessageAttribute, MessageAttributes};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};

use crate::inputs::Counting;
use crate::simulation::Simulation;
use crate::world::{Log, REPLIES, Running, Square, TASKS, World, start};

/// How long a request is on its way, and how long a task runs.
const WAY: Duration = Duration::from_millis(15);
const RUNS: Duration = Duration::from_millis(20);

/// A task whose reply is in the store, where its status is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Kept(u64);

impl Task for Kept {
    const NAME: &'static str = "kept";
    type Reply = u64;
    type Codec = Json;

    fn options() -> TaskOptions {
        TaskOptions::new().reply(ReplyMode::Store)
    }
}

/// A task whose reply nobody wants.
#[derive(Debug, Serialize, Deserialize)]
struct Forgotten(u64);

impl Task for Forgotten {
    const NAME: &'static str = "forgotten";
    type Reply = ();
    type Codec = Json;

    fn options() -> TaskOptions {
        TaskOptions::new().reply(ReplyMode::None)
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sends {
    Kept,
    Forgotten,
    ByQueue,
    /// A foreign program: one by one, and not by requests of ours.
    Foreign,
}

/// What tasks cost at a rate.
#[derive(Debug)]
struct Cost {
    per_task: f64,
    receives_per_task: f64,
    /// How long after they were asked for half of the tasks, and 99 of a hundred, began.
    begins: (Duration, Duration),
}

/// Times at random, so many a second in the mean, and the same in each run.
fn times(rate: f64, count: u32) -> Vec<Duration> {
    let mut state = 1_u64;
    let mut fraction = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (f64::from(u32::try_from(state >> 32).unwrap()) + 1.0) / (f64::from(u32::MAX) + 2.0)
    };
    let gaps = (0..count).map(|_| -fraction().ln() / rate);
    let sum = |at: &mut f64, gap: f64| {
        *at += gap;
        Some(Duration::from_secs_f64(*at))
    };
    gaps.scan(0.0, sum).collect()
}

fn worker(world: &World, linger: Duration, begun: &Log<(u64, Instant)>) -> Running<WorkerReport> {
    let note = {
        let begun = Arc::clone(begun);
        move |number: u64| begun.lock().unwrap().push((number, Instant::now()))
    };
    let (kept, forgotten, square) = (note.clone(), note.clone(), note);
    let handlers: Handlers<()> = Handlers::new()
        .handle(move |Kept(number): Kept| {
            kept(number);
            async move {
                tokio::time::sleep(RUNS).await;
                Ok(number)
            }
        })
        .handle(move |Forgotten(number): Forgotten| {
            forgotten(number);
            async move {
                tokio::time::sleep(RUNS).await;
                Ok(())
            }
        })
        .handle(move |Square(number): Square| {
            square(u64::try_from(number).unwrap());
            async move {
                tokio::time::sleep(RUNS).await;
                Ok(number * number)
            }
        });
    let worker: Worker = world.worker_without_handlers();
    start(worker.handlers(&handlers, &()).concurrency(100).linger(linger))
}

fn requests(world: &World) -> (usize, usize) {
    let calls = |action| world.simulation.calls(action).len();
    let of_tasks = [Action::SendMessageBatch, Action::DeleteMessageBatch];
    let renewals = calls(Action::ChangeMessageVisibilityBatch);
    let receives = calls(Action::ReceiveMessage);
    (of_tasks.map(calls).iter().sum::<usize>() + renewals + receives, receives)
}

/// What so many tasks cost that come at that rate, after as many others that are not counted.
async fn cost(sends: Sends, rate: f64, count: u32, linger: Duration) -> Cost {
    let world = World::new();
    world.simulation.set_way(WAY);
    let begun = Log::default();
    let running = worker(&world, linger, &begun);
    let replies = (sends == Sends::ByQueue).then(|| world.start_replies());
    let options = ClientOptions {
        linger,
        random: Arc::new(Counting::default()),
        clock: Arc::new(world.clock),
        reply_queue: Some(REPLIES.to_owned()),
        ..ClientOptions::default()
    };
    let client = Client::new(
        Arc::<Simulation>::clone(&world.simulation) as _,
        TASKS,
        Arc::<MemoryStore>::clone(&world.store) as _,
        options,
    );
    let (began_at, times) = (Instant::now(), times(rate, count * 2));
    let mut sent = Vec::new();
    let mut warm = None;
    for (number, at) in (0..).zip(&times) {
        sleep_until(began_at + *at).await;
        if number == u64::from(count) {
            warm = Some(requests(&world));
        }
        match sends {
            Sends::Foreign => {
                let attributes = foreign(number, &world);
                world.simulation.put(TASKS, &number.to_string(), attributes);
            }
            Sends::Kept => sent.push(spawn_send(&client, Kept(number))),
            Sends::Forgotten => sent.push(spawn_send(&client, Forgotten(number))),
            Sends::ByQueue => {
                sent.push(spawn_send(&client, Square(i64::try_from(number).unwrap())));
            }
        }
    }
    for sent in sent {
        sent.await.unwrap();
    }
    world.until_empty(TASKS).await;
    world.until_empty(REPLIES).await;
    let (before, after) = (warm.unwrap(), requests(&world));
    running.stop().await;
    if let Some(replies) = replies {
        replies.stop().await;
    }
    agree(&world);
    let tasks = f64::from(count);
    let per_task = |count: usize| f64::from(u32::try_from(count).unwrap()) / tasks;
    let (per_task, receives_per_task) =
        (per_task(after.0 - before.0), per_task(after.1 - before.1));
    Cost { per_task, receives_per_task, begins: percentiles(&begun, began_at, &times) }
}

/// What a program bears that writes our attributes itself, so that no reply is sent to it.
fn foreign(number: u64, world: &World) -> MessageAttributes {
    let (id, created_at) = (format!("foreign-{number}"), world.now().as_millis().to_string());
    [("taskName", "kept".to_owned()), ("taskId", id), ("createdAt", created_at)]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), MessageAttribute::text(text)))
        .collect()
}

/// The queues and the meter have counted the same, now that no receive is under way.
fn agree(world: &World) {
    for action in [
        Action::SendMessageBatch,
        Action::ReceiveMessage,
        Action::DeleteMessageBatch,
        Action::ChangeMessageVisibilityBatch,
    ] {
        let called = world.simulation.calls(action).len() as u64;
        assert_eq!(called, world.simulation.meter.total(action), "{action}");
    }
}

fn spawn_send<T: Task>(client: &Client, task: T) -> tokio::task::JoinHandle<()> {
    let client = client.clone();
    tokio::spawn(async move { drop(client.send(task).await.unwrap()) })
}

fn percentiles(
    begun: &Log<(u64, Instant)>,
    began_at: Instant,
    times: &[Duration],
) -> (Duration, Duration) {
    let begun = begun.lock().unwrap();
    let late =
        |(number, at): &(u64, Instant)| *at - (began_at + times[usize::try_from(*number).unwrap()]);
    let mut all: Vec<Duration> = begun.iter().map(late).collect();
    all.sort_unstable();
    assert_eq!(all.len(), times.len(), "each task ran once");
    (all[all.len() / 2], all[all.len() * 99 / 100])
}

const LINGER: Duration = Duration::from_millis(50);

#[tokio::test(start_paused = true)]
async fn at_200_tasks_a_second_a_task_without_a_reply_by_queue_costs_0_36_requests_at_most() {
    for sends in [Sends::Kept, Sends::Forgotten] {
        for rate in [200.0, 1000.0] {
            let cost = cost(sends, rate, 800, LINGER).await;
            assert!(cost.per_task <= 0.36, "{sends:?} at {rate}: {cost:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_200_tasks_a_second_a_task_whose_reply_is_sent_costs_0_72_requests_at_most() {
    let cost = cost(Sends::ByQueue, 200.0, 800, LINGER).await;
    assert!(cost.per_task <= 0.72, "{cost:?}");
}

#[tokio::test(start_paused = true)]
async fn what_foreign_programs_send_one_by_one_shares_receives_and_waits_for_50_ms_at_most() {
    let before = cost(Sends::Foreign, 200.0, 800, Duration::ZERO).await;
    let after = cost(Sends::Foreign, 200.0, 800, LINGER).await;
    assert!(before.receives_per_task >= 0.28, "{before:?} {after:?}");
    assert!(after.receives_per_task <= 0.21, "{before:?} {after:?}");
    assert!(after.begins.1 <= before.begins.1 + LINGER, "{before:?} {after:?}");
}

#[tokio::test(start_paused = true)]
async fn who_sends_alone_waits_for_nobody() {
    for rate in [0.5, 2.0, 5.0] {
        let before = cost(Sends::Foreign, rate, 40, Duration::ZERO).await;
        let after = cost(Sends::Foreign, rate, 40, LINGER).await;
        assert!(after.begins.0 <= before.begins.0, "{rate}: {before:?} {after:?}");
    }
}

/// Writes the table of `docs/cost.md`.
#[tokio::test(start_paused = true)]
#[ignore = "prints a table and asserts nothing: run it with --nocapture after a change of the rules"]
async fn print_the_table() {
    let rates = [
        (0.01, 30),
        (1.0, 100),
        (10.0, 300),
        (50.0, 600),
        (100.0, 800),
        (200.0, 1000),
        (1000.0, 2000),
    ];
    let kinds = [
        (Sends::Kept, LINGER),
        (Sends::ByQueue, LINGER),
        (Sends::Foreign, Duration::ZERO),
        (Sends::Foreign, LINGER),
    ];
    for (rate, count) in rates {
        for (sends, linger) in kinds {
            let cost = cost(sends, rate, count, linger).await;
            println!("{rate:>7} a second, linger {linger:?}, {sends:?}: {cost:?}");
        }
    }
}
