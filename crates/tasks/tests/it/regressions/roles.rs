//! R16, R20, R21: claims that stay locked, errors that end the host, and a backlog that hides what runs.

use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{Failure, Status};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{CALLS, DAY, HOUR, MINUTE};
use crate::world::{
    Counter, Log, REPLIES, RETENTION, Square, TASKS, VISIBILITY, World, start, until,
};

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

// R20: the host goes on.

const FATAL: [&str; 4] =
    ["QueueDoesNotExist", "AccessDenied", "InvalidClientTokenId", "AWS.Surprise"];

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
