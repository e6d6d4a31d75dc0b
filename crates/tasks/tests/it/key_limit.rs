//! As many tasks of a key at once as its limit allows, on all workers that share the store.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longshore_tasks::transport::Action;
use longshore_tasks::{
    Failure, Handlers, Json, Store as _, Task, TaskId, TaskOptions, Worker, WorkerError,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::fifo;
use crate::simulation::Fault;
use crate::world::{Square, TASKS, TASKS_DEAD, VISIBILITY, World, start, until};

/// Work for a tenant: how long it takes, and how it ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Job {
    tenant: String,
    seconds: u64,
    end: String,
}

impl Task for Job {
    const NAME: &'static str = "job";
    const HAS_KEY: bool = true;
    type Reply = ();
    type Codec = Json;

    fn key(&self) -> Option<String> {
        Some(self.tenant.clone())
    }
}

fn job(tenant: &str, seconds: u64, end: &str) -> Job {
    Job { tenant: tenant.to_owned(), seconds, end: end.to_owned() }
}

/// How many run now, at most at once, and in all.
type Counts = (usize, usize, usize);

/// Who runs, of each tenant.
#[derive(Clone, Debug, Default)]
struct Ran(Arc<Mutex<BTreeMap<String, Counts>>>);

struct Runs<'a>(&'a Ran, String);

impl Ran {
    fn begin(&self, tenant: &str) -> Runs<'_> {
        let mut of_all = self.0.lock().unwrap();
        let (now, most, all) = of_all.entry(tenant.to_owned()).or_default();
        (*now, *all) = (*now + 1, *all + 1);
        *most = (*most).max(*now);
        Runs(self, tenant.to_owned())
    }

    /// How many ran at most at once, and in all.
    fn of(&self, tenant: &str) -> (usize, usize) {
        let of_all = self.0.lock().unwrap();
        of_all.get(tenant).map_or((0, 0), |(_, most, all)| (*most, *all))
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().get_mut(&self.1).unwrap().0 -= 1;
    }
}

/// Handlers of jobs, so many of a tenant at once.
fn jobs(ran: &Ran, of_a_tenant: usize) -> Handlers {
    let ran = ran.clone();
    let run = move |job: Job| {
        let ran = ran.clone();
        async move {
            let _runs = ran.begin(&job.tenant);
            sleep(Duration::from_secs(job.seconds)).await;
            match &*job.end {
                "done" => Ok(()),
                "retry" => Err(Failure::retry_after(Duration::from_secs(3600), "later")),
                "dead" => Err(Failure::dead("never")),
                "discard" => Err(Failure::discard("not wanted")),
                "snooze" => Err(Failure::snooze(Duration::from_secs(3600))),
                end => panic!("{end}"),
            }
        }
    };
    let limit = TaskOptions::new().concurrency_per_key(of_a_tenant);
    Handlers::new().handle(run).options::<Job>(limit)
}

fn worker(world: &World, ran: &Ran, of_a_tenant: usize) -> Worker {
    world.worker_without_handlers().handlers(&jobs(ran, of_a_tenant), &())
}

async fn send(world: &World, job: Job) -> TaskId {
    world.client.send(job).await.unwrap().id().clone()
}

async fn send_many(world: &World, tenant: &str, count: usize, seconds: u64) -> Vec<TaskId> {
    let sent = world.client.send_all(vec![job(tenant, seconds, "done"); count]).await;
    sent.into_iter().map(|sent| sent.unwrap().id().clone()).collect()
}

async fn limits(world: &World) -> usize {
    world.store.list_values("limits/".to_owned(), 100).await.unwrap().value.len()
}

/// Has two workers run tasks of two keys, two of each at once.
async fn two_workers(world: &World) -> Ran {
    let ran = Ran::default();
    send_many(world, "a", 30, 3).await;
    send_many(world, "b", 5, 3).await;
    let workers = [start(worker(world, &ran, 2)), start(worker(world, &ran, 2))];
    world.until_empty(TASKS).await;
    for worker in workers {
        worker.stop().await;
    }
    assert!(world.simulation.messages(TASKS_DEAD).is_empty());
    ran
}

#[tokio::test(start_paused = true)]
async fn two_workers_together_run_no_more_of_a_key_than_its_limit() {
    let ran = two_workers(&World::new()).await;
    assert_eq!((ran.of("a"), ran.of("b")), ((2, 30), (2, 5)));
}

#[tokio::test(start_paused = true)]
async fn with_a_store_that_writes_over_any_version_they_would() {
    let world = World::new();
    world.flaky.careless.store(true, Ordering::SeqCst);
    assert!(two_workers(&world).await.of("a").0 > 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_floods_the_queue_takes_no_place_from_others_and_counts_no_attempt() {
    let world = World::new();
    let ran = Ran::default();
    let flood = send_many(&world, "flood", 40, 30).await;
    let worker = start(worker(&world, &ran, 1).concurrency(3));
    until(|| ran.of("flood").1 == 1).await;
    sleep(Duration::from_secs(5)).await;
    let sent_at = Instant::now();
    for tenant in ["a", "b", "c"] {
        send_many(&world, tenant, 2, 1).await;
    }
    until(|| ["a", "b", "c"].iter().all(|tenant| ran.of(tenant).1 == 2)).await;
    assert!(sent_at.elapsed() < Duration::from_secs(30), "{:?}", sent_at.elapsed());
    world.until_empty(TASKS).await;
    assert_eq!(ran.of("flood"), (1, 40));
    for id in flood {
        let record = world.client.task(&id).await.unwrap().unwrap();
        assert_eq!(record.life.attempts_made, 1);
    }
    let report = worker.stop().await;
    assert!(report.over_limit > 0 && report.dead == 0, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn the_place_of_a_killed_worker_is_free_when_its_claim_ends() {
    let world = World::new();
    let ran = Ran::default();
    let dies = start(worker(&world, &ran, 1));
    send(&world, job("a", 100, "done")).await;
    until(|| ran.of("a").1 == 1).await;
    // Past a renewal: the place lasts as long as the claim does.
    sleep(VISIBILITY).await;
    dies.kill().await;
    let killed_at = Instant::now();
    let other = start(worker(&world, &ran, 1));
    send(&world, job("a", 1, "done")).await;
    until(|| ran.of("a").1 == 2).await;
    let waited = killed_at.elapsed();
    assert!(waited >= Duration::from_secs(10), "its claim held still: {waited:?}");
    assert!(waited <= VISIBILITY * 3, "{waited:?}");
    world.until_empty(TASKS).await;
    assert_eq!(ran.of("a"), (1, 3));
    other.stop().await;
}

#[tokio::test(start_paused = true)]
async fn however_a_run_ends_the_next_of_its_key_runs_within_seconds() {
    for end in
        ["done", "retry", "dead", "discard", "snooze", "a panic", "cancelled", "lost", "drained"]
    {
        let world = World::new();
        let ran = Ran::default();
        let running = start(worker(&world, &ran, 1).grace(Duration::ZERO));
        let seconds = if matches!(end, "cancelled" | "lost" | "drained") { 3600 } else { 2 };
        let first = send(&world, job("a", seconds, if seconds > 2 { "done" } else { end })).await;
        until(|| ran.of("a").1 == 1).await;
        match end {
            "cancelled" => world.client.cancel(&first).await.unwrap(),
            "lost" => {
                let action = Action::ChangeMessageVisibilityBatch;
                let fault = Fault::Entries(vec![0], "ReceiptHandleIsInvalid");
                world.simulation.fail_next(action, fault);
                sleep(VISIBILITY / 2).await;
                world.simulation.take_all(TASKS);
            }
            "drained" => {
                running.shutdown.cancel();
                world.simulation.take_all(TASKS);
            }
            _ => {}
        }
        let other = start(worker(&world, &ran, 1));
        let sent_at = Instant::now();
        send(&world, job("a", 0, "done")).await;
        until(|| ran.of("a").1 == 2).await;
        assert!(sent_at.elapsed() < Duration::from_secs(12), "{end}: {:?}", sent_at.elapsed());
        assert_eq!(ran.of("a").0, 1, "{end}");
        other.stop().await;
        running.kill_or_end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_of_the_store_nothing_of_a_limited_task_runs() {
    let world = World::new();
    let ran = Ran::default();
    world.flaky.limits_down.store(true, Ordering::SeqCst);
    let worker = start(worker(&world, &ran, 1));
    let id = send(&world, job("a", 0, "done")).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(ran.of("a").1, 0);
    world.flaky.limits_down.store(false, Ordering::SeqCst);
    world.until_empty(TASKS).await;
    let record = world.client.task(&id).await.unwrap().unwrap();
    assert_eq!((ran.of("a").1, record.life.attempts_made), (1, 1));
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn who_has_no_limit_and_who_is_on_a_fifo_queue_asks_nothing_of_the_store() {
    let world = World::new();
    let ran = Ran::default();
    let both = worker(&world, &ran, 1).handle(|Square(n): Square| async move { Ok(n * n) });
    let both = start(both);
    world.send(3).await;
    world.until_empty(TASKS).await;
    assert_eq!(limits(&world).await, 0);
    send(&world, job("a", 0, "done")).await;
    world.until_empty(TASKS).await;
    assert_eq!(limits(&world).await, 1);
    both.stop().await;

    let (world, client) = fifo::world();
    let running = start(fifo::flaky(&world).handlers(&jobs(&ran, 2), &()));
    for _ in 0..5 {
        client.send(job("fifo", 2, "done")).await.unwrap();
    }
    world.until_empty(fifo::TASKS).await;
    assert_eq!((ran.of("fifo"), limits(&world).await), ((1, 5), 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_0_or_without_a_key_keeps_a_worker_from_starting() {
    let world = World::new();
    let limit = TaskOptions::new().concurrency_per_key(1);
    let squares = Handlers::<()>::new().handle(|Square(n): Square| async move { Ok(n * n) });
    let no_key = world.worker_without_handlers().handlers(&squares.options::<Square>(limit), &());
    for (worker, task, why) in
        [(worker(&world, &Ran::default(), 0), "job", "of 0"), (no_key, "square", "no key")]
    {
        let refusal = worker.run(CancellationToken::new()).await.unwrap_err();
        assert!(
            matches!(refusal, WorkerError::KeyLimit { task: of, .. } if of == task),
            "{refusal}"
        );
        assert!(refusal.to_string().contains(why), "{refusal}");
    }
}
