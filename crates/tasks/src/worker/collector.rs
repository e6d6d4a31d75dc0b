//! Gathers tasks for a batch handler, calls it once for all of them, and gives each its own answer.
//!
//! ```text
//! run of a task ── join ──▶ gatherer (on the worker's runtime) ── batch ──▶ call (on the handlers')
//!       ▲                                                                      │
//!       └──────────────────── its own answer, or that of the whole ────────────┘
//! ```
//!
//! A batch leaves when it is full, when its first task has waited for the linger, when no other task can
//! come, or when the worker is told to stop. None can come when every place of the worker is taken by tasks that
//! wait for a batch or run something else. A batch under way makes room for as many as it has, so it is waited
//! for, as long as the linger allows: otherwise whoever comes a moment before it ends would leave alone, and so
//! would its successors, until batches of one are left.
//!
//! # Invariants
//!
//! - A task has the answer in its own place, or one that is the same for the whole batch; never another task's.
//! - The gatherer runs nothing of the application's, nor drops it: no panic of the application's can end it.
//! - A task whose run has gone is not handed to the handler; when all runs of a batch have gone, the call is
//!   dropped at its next `await`.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::batch_handler::BatchOptions;
use super::context::Context;
use super::handler::conclude;
use super::handlers::{HandlerRuntime, panic_text};
use super::outcome::Outcome;
use super::room::Room;
use super::same_queue;
use super::status::RunningTask;
use super::stuck::{self, AboutRun, StuckRuns, Watched, Working};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::task::Task;
use crate::trace::spans;
use crate::transport::BoxFuture;

/// What a batch handler answers: a result for each task, or one failure for all.
pub(super) type Results<R> = Result<Vec<Result<R, Failure>>, Failure>;

/// A batch handler with its state.
pub(super) type Call<T> =
    Arc<dyn Fn(Vec<(T, Context)>) -> BoxFuture<'static, Results<<T as Task>::Reply>> + Send + Sync>;

/// Where the tasks of one name meet, in one worker.
pub(super) struct Collector<T: Task> {
    call: Call<T>,
    options: BatchOptions,
    /// The runs of this task.
    room: Room,
    gatherer: OnceLock<mpsc::UnboundedSender<Member<T>>>,
}

/// A task in a batch.
struct Member<T: Task> {
    task: T,
    context: Context,
    span: Span,
    answer: oneshot::Sender<Answer<T::Reply>>,
    watched: WatchedBatch,
}

/// The batch that a task left in, as long as its run waits: with the last of them the batch is given up.
type WatchedBatch = Arc<OnceLock<Arc<Watched>>>;

/// What the run of a task is told.
enum Answer<R> {
    /// What the handler answered for it.
    Own(Result<R, Failure>),
    /// What became of every task of its batch.
    Whole(Outcome),
}

/// Makes batches of those who join.
struct Gatherer<T: Task> {
    joined: mpsc::UnboundedReceiver<Member<T>>,
    call: Call<T>,
    options: BatchOptions,
    room: Room,
    handlers: HandlerRuntime,
}

impl<T: Task> Collector<T> {
    pub(super) fn new(call: Call<T>, options: BatchOptions) -> Self {
        Self { call, options, room: Room::default(), gatherer: OnceLock::new() }
    }

    /// Has a task join the batch that is being gathered. Who waits for what this answers is told the
    /// task's own end; dropped, the task leaves the batch, or what the handler answers for it is ignored.
    ///
    /// The gatherer runs on the worker's runtime: a batch leaves in time even if the handlers' runtime is
    /// blocked.
    pub(super) fn join(
        &self,
        task: T,
        context: Context,
        handlers: &HandlerRuntime,
    ) -> impl Future<Output = Outcome> + Send + use<T> {
        let (answer, receiver) = oneshot::channel();
        let watched = WatchedBatch::default();
        let span = context.log_span().clone();
        let member = Member { task, context, span, answer, watched: Arc::clone(&watched) };
        // The gatherer ends only with its runtime; then the answer says so.
        drop(self.gatherer.get_or_init(|| self.start(handlers)).send(member));
        let of_handler = self.room.enter();
        // In the order in which they are dropped.
        let inside = (handlers.room.enter(), of_handler);
        async move {
            let _watched = watched;
            let answer = receiver.await;
            drop(inside);
            match answer {
                Ok(Answer::Own(ended)) => conclude::<T>(ended),
                Ok(Answer::Whole(outcome)) => outcome,
                Err(_) => Outcome::retry("its batch ended without an answer"),
            }
        }
    }

    fn start(&self, handlers: &HandlerRuntime) -> mpsc::UnboundedSender<Member<T>> {
        let (sender, joined) = mpsc::unbounded_channel();
        let gatherer = Gatherer {
            joined,
            call: Arc::clone(&self.call),
            options: self.options.clone(),
            room: self.room.clone(),
            handlers: handlers.clone(),
        };
        handlers.worker.spawn(gatherer.run());
        sender
    }
}

impl<T: Task> Gatherer<T> {
    /// Gathers until the worker is gone.
    async fn run(mut self) {
        while let Some(first) = self.joined.recv().await {
            let batch = self.gather(first).await;
            let (call, handlers) = (Arc::clone(&self.call), self.handlers.clone());
            self.handlers.runtime.spawn(carry_out(call, batch, handlers));
        }
    }

    async fn gather(&mut self, first: Member<T>) -> Vec<Member<T>> {
        let mut batch = vec![first];
        let mut linger = std::pin::pin!(sleep(self.options.linger));
        while !self.is_full(&batch) {
            tokio::select! {
                biased;
                member = self.joined.recv() => match member {
                    Some(member) => batch.push(member),
                    None => break,
                },
                () = none_can_come(&self.handlers, &self.room, &batch) => break,
                () = self.handlers.shutdown.cancelled() => break,
                () = &mut linger => break,
            }
        }
        // Who took the last place may have joined since the look above.
        while !self.is_full(&batch)
            && let Ok(member) = self.joined.try_recv()
        {
            batch.push(member);
        }
        batch
    }

    fn is_full(&self, batch: &[Member<T>]) -> bool {
        waited_for(batch) >= self.options.tasks_max
    }
}

impl<T: Task> Member<T> {
    fn is_waited_for(&self) -> bool {
        !self.answer.is_closed()
    }
}

/// Waits until every place of the worker is taken, and none by a batch of this handler that is under way.
async fn none_can_come<T: Task>(handlers: &HandlerRuntime, own: &Room, batch: &[Member<T>]) {
    let taken = |of_worker: usize| of_worker >= handlers.permits.count();
    let none_under_way = |of_handler: usize| of_handler == waited_for(batch);
    // Whoever comes or goes last, in the one room or in the other, is noticed.
    tokio::select! {
        biased;
        () = handlers.room.until(|count| taken(count) && none_under_way(own.count())) => {}
        () = own.until(|count| none_under_way(count) && taken(handlers.room.count())) => {}
    }
}

fn waited_for<T: Task>(batch: &[Member<T>]) -> usize {
    batch.iter().filter(|member| member.is_waited_for()).count()
}

/// Calls the handler for a batch, and answers each run that still waits.
async fn carry_out<T: Task>(
    call: Call<T>,
    mut batch: Vec<Member<T>>,
    HandlerRuntime { queue, stuck, clock, .. }: HandlerRuntime,
) {
    batch.retain(Member::is_waited_for);
    let (Some(span), Some(working)) = (span_of(&batch, &queue), watch(&batch, &stuck, &*clock))
    else {
        return;
    };
    let exported = span.in_scope(|| {
        spans::batch(&queue, T::NAME, batch.iter().map(|member| member.context.trace()))
    });
    let (tasks, mut answers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|member| ((member.task, member.context), member.answer)).unzip();
    // Called within: a function that panics before its future is made has failed too.
    let run = same_queue::within(queue, async move { call(tasks).await });
    let run = stuck::within(working, run);
    let run =
        AssertUnwindSafe(run.instrument(exported.clone()).instrument(span.clone())).catch_unwind();
    let ended = tokio::select! {
        biased;
        ended = run => ended,
        () = all_gone(&mut answers) => return spans::fail(&exported, "given_up"),
    };
    if !matches!(ended, Ok(Ok(_))) {
        spans::fail(&exported, "whole_batch");
    }
    let shared = span.in_scope(|| share(ended, answers.len()));
    for (answer, own) in answers.into_iter().zip(shared) {
        // Who waited may have gone.
        drop(answer.send(own));
    }
}

/// Watches a batch that leaves, as the run of its first task: it is given up when none of its runs waits for it.
fn watch<T: Task>(batch: &[Member<T>], stuck: &StuckRuns, clock: &dyn Clock) -> Option<Working> {
    let context = &batch.first()?.context;
    let shown = RunningTask {
        task: context.task_id().to_string(),
        name: Some(T::NAME.to_owned()),
        attempt: context.attempt(),
        since: clock.now().as_millis(),
    };
    let about = AboutRun::new(shown, T::NAME.into(), CancellationToken::new(), None);
    let (watched, working) = stuck.watch(about);
    let watched = Arc::new(watched);
    for member in batch {
        member.watched.get_or_init(|| Arc::clone(&watched));
    }
    Some(working)
}

/// What log lines of the handler name: the batch, by the id of its first task. The lines of each of its tasks
/// name it too. `None` if nobody is in it.
fn span_of<T: Task>(batch: &[Member<T>], queue: &str) -> Option<Span> {
    let first = batch.first()?.context.task_id().to_string();
    let span =
        tracing::info_span!("batch", batch = first, name = T::NAME, queue, tasks = batch.len());
    for member in batch {
        member.span.record("batch", &*first);
        span.follows_from(&member.span);
    }
    Some(span)
}

/// Waits until no run waits any more.
async fn all_gone<R>(answers: &mut [oneshot::Sender<Answer<R>>]) {
    for answer in answers {
        answer.closed().await;
    }
}

/// An answer for each of so many tasks.
fn share<R>(ended: Result<Results<R>, Box<dyn Any + Send>>, tasks: usize) -> Vec<Answer<R>> {
    let whole = match ended {
        Ok(Ok(results)) if results.len() == tasks => {
            return results.into_iter().map(Answer::Own).collect();
        }
        Ok(Ok(results)) => miscounted(results.len(), tasks),
        Ok(Err(failure)) => failure.into(),
        Err(panic) => Outcome::retry(panic_text(&*panic)),
    };
    (0..tasks).map(|_| Answer::Whole(whole.clone())).collect()
}

/// Nobody can say which result is whose.
fn miscounted(results: usize, tasks: usize) -> Outcome {
    let reason = format!(
        "the batch handler answered {results} results for {tasks} tasks; it must answer one for each, in \
         their order, so none of them counts"
    );
    tracing::error!(results, tasks, "{reason}");
    Outcome::retry(reason)
}
