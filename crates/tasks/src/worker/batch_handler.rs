//! What can handle several tasks of one type in one call: a function of all of them, and of the state if it
//! wants it.
//!
//! ```text
//! async fn(Vec<Task>) | (Vec<Task>, State<S>)  → Vec<Result<Reply, Failure>>
//!          Vec<(Task, Context)>                | Result<Vec<Result<Reply, Failure>>, Failure>
//! ```
//!
//! To the rest of a worker it is a handler like any other: everything about a delivery stays with its task. The run
//! of a task joins a batch (`collector.rs`) and waits for its own answer.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;

use super::collector::{Call, Collector};
use super::context::Context;
use super::handler::{AnyHandler, State, argument};
use crate::failure::Failure;
use crate::task::Task;
use crate::task_options::TaskOptions;

/// As many tasks as a receive brings, and as a worker runs at once if nobody says otherwise.
const TASKS_MAX: usize = 10;
/// What is sent together comes by several receives, and each task is claimed before it is run: this is
/// enough for a few round trips, and little beside the time that a task is on its way.
const LINGER: Duration = Duration::from_millis(100);

/// When a batch is complete.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::BatchOptions;
///
/// let options = BatchOptions::new().tasks_max(50).linger(Duration::from_secs(1));
/// assert_eq!(BatchOptions::new(), BatchOptions::new().tasks_max(10).linger(Duration::from_millis(100)));
/// # drop(options);
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchOptions {
    /// Tasks of a batch at most: at least 1, 10 by default. There are never more than the worker, or the task's
    /// own [`concurrency`](TaskOptions::concurrency), lets run at once, so raise that too.
    pub tasks_max: usize,
    /// How long the first task of a batch waits for others: 100 ms by default, at most half of the task's
    /// [`timeout`](TaskOptions::timeout). Zero waits for nobody, and takes those who are there already.
    pub linger: Duration,
}

impl Default for BatchOptions {
    fn default() -> Self {
        Self { tasks_max: TASKS_MAX, linger: LINGER }
    }
}

impl BatchOptions {
    /// Batches of up to 10 tasks, of which the first waits for up to 100 ms.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tasks of a batch at most; see [`tasks_max`](Self#structfield.tasks_max).
    #[must_use]
    pub fn tasks_max(mut self, count: usize) -> Self {
        self.tasks_max = count;
        self
    }

    /// How long the first task of a batch waits for others; see [`linger`](Self#structfield.linger).
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// The same within what is possible for tasks of those options.
    fn within(&self, task: &TaskOptions) -> Self {
        let tasks_max = self.tasks_max.min(task.concurrency.unwrap_or(usize::MAX)).max(1);
        let linger_max = task.timeout.map_or(Duration::MAX, |timeout| timeout / 2);
        Self { tasks_max, linger: self.linger.min(linger_max) }
    }
}

/// A function that runs several tasks of type `T` in one call, with the application's state `S` if it asks
/// for it.
///
/// Implemented for `async` functions and closures that take the tasks as `Vec<T>` or `Vec<(T, Context)>` and then, if
/// they want it, `State<S>`. They answer a result for each task, in the order of the tasks; `M` tells the
/// shapes apart and is always inferred.
///
/// ```
/// use longshore_tasks::{Failure, Handlers, Json, State, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Order { number: u64, pieces: u32 }
///
/// impl Task for Order {
///     const NAME: &'static str = "order";
///     type Reply = u64;
///     type Codec = Json;
/// }
///
/// # #[derive(Clone)]
/// # struct Database;
/// # impl Database {
/// #     async fn insert(&self, orders: &[&Order]) -> std::io::Result<()> {
/// #         assert!(orders.iter().all(|order| order.pieces > 0));
/// #         Ok(())
/// #     }
/// # }
/// /// Stores all orders by one statement.
/// async fn store(
///     orders: Vec<Order>,
///     State(database): State<Database>,
/// ) -> Result<Vec<Result<u64, Failure>>, Failure> {
///     let valid: Vec<&Order> = orders.iter().filter(|order| order.pieces > 0).collect();
///     database.insert(&valid).await?; // all of them are run again
///     let result = |order: &Order| match order.pieces {
///         0 => Err(Failure::discard("an order of nothing")), // this one alone
///         _ => Ok(order.number),
///     };
///     Ok(orders.iter().map(result).collect())
/// }
///
/// let handlers = Handlers::new().handle_batch(store);
/// # let _ = handlers.names();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let orders = vec![Order { number: 7, pieces: 1 }, Order { number: 8, pieces: 0 }];
/// let results = store(orders, State(Database)).await.unwrap();
/// assert!(results[0].is_ok() && results[1].is_err());
/// # });
/// ```
///
/// # Which tasks are in a batch
///
/// Tasks of one type that one worker has received, in the order in which they came to run. Each is still a
/// delivery of its own: it is claimed, renewed, replied to and deleted by itself, and its options, such as
/// retries and timeout, hold for it alone. The timeout includes the wait for the batch.
///
/// A batch leaves when it has [`tasks_max`](BatchOptions::tasks_max) tasks, or when its first has waited for
/// the [`linger`](BatchOptions::linger). It leaves earlier when the worker shuts down, and when no other task can
/// come: every place of the worker, or of the task's own concurrency, is taken, and not by an earlier batch, which
/// would make room for many. Several batches can be under way at once, if the concurrency is so much larger.
///
/// A task whose argument cannot be read is in no batch.
///
/// # What becomes of a task
///
/// - Its own result says so, as that of a [`Handler`](super::Handler) does: a failure of one task concerns no
///   other.
/// - `Err` in place of all results is the failure of each task.
/// - A panic fails each task, to be tried again. Since it counts as an attempt of all, an argument that a function
///   cannot cope with is better answered by a failure of that task.
/// - Fewer or more results than tasks fail each task too, to be tried again: nobody could say whose they are.
///
/// # Tasks that end while they are in a batch
///
/// A task can be cancelled, exceed its timeout, lose its lease, or be handed back at the end of a shutdown's grace
/// period. Before its batch leaves, it is taken out. Later the function is not told, except by
/// [`Context::cancelled`]; what it answers for that task is ignored. Once that is so for every task of a batch, the
/// function is dropped at its next `await`. What it has done by then is done, as with any handler: tasks are delivered at
/// least once.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle batches of tasks",
    note = "write `async fn(Vec<Task>) -> Vec<Result<Reply, Failure>>`, with a result for each task in their \
            order; it may take `Vec<(Task, Context)>` instead, then `State<S>`, and answer \
            `Result<Vec<Result<Reply, Failure>>, Failure>`"
)]
pub trait BatchHandler<T: Task, M, S>: Send + Sync + 'static {
    /// Runs the tasks of a batch.
    fn call(
        &self,
        tasks: Vec<(T, Context)>,
        state: S,
    ) -> impl Future<Output = Result<Vec<Result<T::Reply, Failure>>, Failure>> + Send + 'static;
}

/// What a [`BatchHandler`] takes for each task: the task, or the task and its [`Context`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no task of a batch",
    note = "a batch handler takes `Vec<Task>` or `Vec<(Task, Context)>`"
)]
pub trait BatchItem: Send + 'static {
    /// The task.
    type Task: Task;

    /// Makes it of a task and its context.
    fn of(task: Self::Task, context: Context) -> Self;
}

impl<T: Task> BatchItem for T {
    type Task = T;

    fn of(task: T, _context: Context) -> Self {
        task
    }
}

impl<T: Task> BatchItem for (T, Context) {
    type Task = T;

    fn of(task: T, context: Context) -> Self {
        (task, context)
    }
}

/// What a [`BatchHandler`] answers for tasks with the reply `R`: a result for each, or one failure for all.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not answer a batch of tasks whose reply is `{R}`",
    note = "answer `Vec<Result<Reply, Failure>>`, with a result for each task in their order, or \
            `Result<Vec<Result<Reply, Failure>>, Failure>`"
)]
pub trait BatchResults<R> {
    /// A result for each task, or one failure for all.
    fn into_results(self) -> Result<Vec<Result<R, Failure>>, Failure>;
}

impl<R> BatchResults<R> for Vec<Result<R, Failure>> {
    fn into_results(self) -> Result<Self, Failure> {
        Ok(self)
    }
}

impl<R> BatchResults<R> for Result<Vec<Result<R, Failure>>, Failure> {
    fn into_results(self) -> Self {
        self
    }
}

macro_rules! shapes {
    ($(($($argument:ty),*) => |$tasks:ident, $state:ident| $($value:expr),*;)*) => {$(
        impl<F, Fut, I, S> BatchHandler<I::Task, fn($($argument),*), S> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: BatchResults<<I::Task as Task>::Reply>> + Send + 'static,
            I: BatchItem,
            S: Send + 'static,
        {
            fn call(
                &self,
                tasks: Vec<(I::Task, Context)>,
                $state: S,
            ) -> impl Future<Output = Result<Vec<Result<<I::Task as Task>::Reply, Failure>>, Failure>>
            + Send
            + 'static {
                let $tasks = tasks.into_iter().map(|(task, context)| I::of(task, context)).collect();
                let run = self($($value),*);
                async move { run.await.into_results() }
            }
        }
    )*};
}

shapes! {
    (Vec<I>) => |tasks, _state| tasks;
    (Vec<I>, State<S>) => |tasks, state| tasks, State(state);
}

/// The handler of any task that `handler` makes, with that state, for tasks of those options.
pub(super) fn batched<T, M, S, H>(
    handler: Arc<H>,
    state: S,
    batch: &BatchOptions,
    task: &TaskOptions,
) -> AnyHandler
where
    T: Task,
    S: Clone + Send + Sync + 'static,
    H: BatchHandler<T, M, S>,
{
    let call: Call<T> = Arc::new(move |tasks| handler.call(tasks, state.clone()).boxed());
    let collector = Collector::new(call, batch.within(task));
    AnyHandler::new(move |body, context, handlers| {
        let task = match argument::<T>(&body) {
            Ok(task) => task,
            Err(unreadable) => return unreadable,
        };
        collector.join(task, context, handlers).boxed()
    })
}
