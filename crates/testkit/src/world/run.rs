//! Runs the workers of a world, and takes in their replies, until there is nothing to do.
//!
//! Under tokio's paused clock a sleep ends when nothing else has anything to do. So after one of a
//! millisecond, everything that can happen without time has happened, and what is left to do is on the
//! queues or in a handler that waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::{Worker, WorkerReport, WorkerStatus};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::World;

/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Between two looks at workers that have been waiting for something for long.
const LOOK_LATER: Duration = Duration::from_secs(1);
/// From when on that is.
const LONG: Duration = Duration::from_secs(10);
/// How long, in this world, anything may run: SQS keeps no message in flight for longer.
const LONGEST: Duration = Duration::from_secs(12 * 3600);
/// How long a queue keeps a message at most.
const FOR_EVER: Duration = Duration::from_secs(14 * 24 * 3600);
/// Between two looks at what is delayed or to be tried again, at first: SQS counts whole seconds.
const DUE_AGAIN: Duration = Duration::from_secs(1);
/// The part of what was waited until now that may pass before the next look.
const DUE_PARTS: u32 = 50;

/// Workers that run.
struct Running {
    shutdown: CancellationToken,
    members: JoinSet<WorkerReport>,
    statuses: HashMap<String, Arc<WorkerStatus>>,
}

impl Running {
    fn start(workers: Vec<(String, Worker)>) -> Self {
        let (shutdown, mut members) = (CancellationToken::new(), JoinSet::new());
        let mut statuses = HashMap::new();
        for (queue, worker) in workers {
            statuses.insert(queue.clone(), worker.status());
            // Handlers and all else on the test's own thread, where time is paused.
            let run = worker.own_thread(false).run(shutdown.clone());
            members.spawn(async move {
                run.await.unwrap_or_else(|fault| panic!("the worker of {queue}: {fault}"))
            });
        }
        Self { shutdown, members, statuses }
    }

    /// The queues whose workers hold a task.
    fn busy(&self) -> Vec<&str> {
        let busy = self.statuses.iter().filter(|(_, status)| status.running() > 0);
        busy.map(|(queue, _)| queue.as_str()).collect()
    }

    /// A worker that ended by itself could not start: the test ends with what it said.
    fn check(&mut self) {
        if let Some(ended) = self.members.try_join_next() {
            let report = ended.unwrap_or_else(|fault| resume(fault));
            panic!("a worker ended by itself, after {report:?}");
        }
    }
}

fn resume(fault: tokio::task::JoinError) -> ! {
    std::panic::resume_unwind(fault.into_panic())
}

impl World {
    /// Runs the tasks that are on the queues, and those that they send, until none is left that can run
    /// now; then takes in their replies. A handler that waits is waited for, and its wait takes no time
    /// outside this world. What is delayed, or to be tried again later, stays: [`World::advance`] comes
    /// first.
    ///
    /// # Panics
    ///
    /// A worker cannot start, or a handler has not ended after 12 hours of this world.
    pub async fn run_until_idle(&self) -> WorkerReport {
        let queues: Vec<String> = self.names.task_queues.iter().map(ToString::to_string).collect();
        self.run(&queues).await
    }

    /// As [`World::run_until_idle`], with the workers of one queue only.
    ///
    /// # Panics
    ///
    /// As [`World::run_until_idle`]; and there is no such queue.
    pub async fn drain(&self, queue: &str) -> WorkerReport {
        self.queue(queue).await;
        self.run(&[queue.to_owned()]).await
    }

    async fn run(&self, queues: &[String]) -> WorkerReport {
        let (began, mut report) = (Instant::now(), WorkerReport::default());
        while self.any_available(queues).await {
            report += self.run_workers(queues, began).await;
        }
        self.take_in_replies().await;
        report
    }

    /// As [`World::run_until_idle`], and then lets time pass until what is delayed or to be tried again is
    /// due, and runs that, until the queues of all workers are empty: every task that was sent, and each that
    /// one of them sent, has come to its end. What waits for long runs a fiftieth of its wait late at most.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use longshore::{App, Context, Failure, Task};
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, Task)]
    /// #[task(reply = u32, retry(attempts = 4, backoff = "15m..1h"))]
    /// struct Call(String);
    ///
    /// async fn call(_: Call, ctx: Context) -> Result<u32, Failure> {
    ///     if ctx.attempt() < 4 { Err(Failure::retry("the line is busy")) } else { Ok(ctx.attempt()) }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let app = App::new("exchange").queue("calls", |queue| queue.handle(call));
    /// let world = longshore_testkit::start(app).await;
    /// let later = world.client().send(Call("ada".to_owned())).delay(Duration::from_secs(600));
    /// let pending = later.await.unwrap();
    ///
    /// let report = world.run_until_empty().await; // hours, in no time
    /// assert_eq!((report.retried, report.done), (3, 1));
    /// assert_eq!(pending.now().await.unwrap(), Some(4));
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// As [`World::run_until_idle`]; and the queues are not empty after 14 days of this world.
    pub async fn run_until_empty(&self) -> WorkerReport {
        let (began, mut report) = (Instant::now(), self.run_until_idle().await);
        while self.wait_until_due(began).await {
            report += self.run_until_idle().await;
        }
        report
    }

    /// Lets time pass until a task can run. `false` if there is none.
    async fn wait_until_due(&self, began: Instant) -> bool {
        let queues: Vec<String> = self.names.task_queues.iter().map(ToString::to_string).collect();
        let waits_since = Instant::now();
        while self.any_left(&queues).await {
            if self.any_available(&queues).await {
                return true;
            }
            assert!(
                began.elapsed() < FOR_EVER,
                "tasks of {queues:?} are put off for ever: they have not ended after 14 days of this world"
            );
            sleep(DUE_AGAIN.max(waits_since.elapsed() / DUE_PARTS)).await;
        }
        false
    }

    async fn any_left(&self, queues: &[String]) -> bool {
        for queue in queues.iter().filter(|queue| self.handles(queue)) {
            for level in self.names.queues_of(queue) {
                if self.messages(&level).await > 0 {
                    return true;
                }
            }
        }
        false
    }

    async fn any_available(&self, queues: &[String]) -> bool {
        for queue in queues {
            if self.handles(queue) && self.waiting(queue).await > 0 {
                return true;
            }
        }
        false
    }

    /// How many tasks of a queue can be received now, of all its levels.
    async fn waiting(&self, queue: &str) -> usize {
        let mut waiting = 0;
        for level in self.names.queues_of(queue) {
            waiting += self.available(&level).await;
        }
        waiting
    }

    /// Whether anybody works on the queue: messages for other programs stay.
    fn handles(&self, queue: &str) -> bool {
        (self.workers)().iter().any(|(handled, _)| handled == queue)
    }

    async fn run_workers(&self, queues: &[String], began: Instant) -> WorkerReport {
        let workers = (self.workers)().into_iter().filter(|(queue, _)| queues.contains(queue));
        let mut running = Running::start(workers.collect());
        loop {
            let ran = began.elapsed();
            sleep(if ran < LONG { LOOK_AGAIN } else { LOOK_LATER }).await;
            running.check();
            let busy = running.busy();
            if busy.is_empty() && !self.any_available(queues).await {
                break;
            }
            assert!(
                ran < LONGEST,
                "tasks of {busy:?} still run after 12 hours of this world, or call one another for ever"
            );
        }
        running.shutdown.cancel();
        let mut report = WorkerReport::default();
        while let Some(ended) = running.members.join_next().await {
            report += ended.unwrap_or_else(|fault| resume(fault));
        }
        report
    }

    /// Takes in what is on the reply queue.
    async fn take_in_replies(&self) {
        let (Some(replies), Some(queue)) = (&self.replies, &self.names.reply_queue) else { return };
        if self.available(queue.as_str()).await == 0 {
            return;
        }
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(replies.clone().run(shutdown.clone()));
        while self.available(queue.as_str()).await > 0 {
            sleep(LOOK_AGAIN).await;
        }
        shutdown.cancel();
        let ended = running.await.unwrap_or_else(|fault| resume(fault));
        ended.unwrap_or_else(|fault| panic!("{fault}"));
    }
}
