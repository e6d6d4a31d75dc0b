//! What can handle a task: a plain function of the task, and of state and context if it wants them.
//!
//! ```text
//! async fn(Task) | (Task, Context) | (Task, State<S>) | (Task, State<S>, Context) → Result<Reply, Failure>
//! ```
//!
//! The task is inferred from the function, so that registering names no types. A test calls the
//! function; nothing here is needed for it.

use std::fmt;
use std::sync::Arc;

use futures::FutureExt as _;
use tracing::Span;

use super::context::Context;
use super::handlers::{AbortOnDrop, HandlerRuntime};
use super::outcome::Outcome;
use super::same_queue;
use super::stuck;
use crate::codec::Codec;
use crate::failure::Failure;
use crate::task::Task;
use crate::transport::BoxFuture;

/// What the handlers of an application share: a connection pool, a client, settings.
///
/// ```
/// use longshore_tasks::{Failure, Handlers, Json, State, Task};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Greet(String);
/// # impl Task for Greet {
/// #     const NAME: &'static str = "greet";
/// #     type Reply = String;
/// #     type Codec = Json;
/// # }
///
/// #[derive(Clone)]
/// struct Words {
///     greeting: &'static str,
/// }
///
/// async fn greet(Greet(name): Greet, State(words): State<Words>) -> Result<String, Failure> {
///     Ok(format!("{}, {name}", words.greeting))
/// }
///
/// // The state itself is given to `App::state`, or to `Worker::handlers`.
/// let handlers: Handlers<Words> = Handlers::new().handle(greet);
/// # assert_eq!(handlers.names().count(), 1);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<S>(pub S);

type Run = dyn Fn(String, Context, &HandlerRuntime) -> BoxFuture<'static, Outcome> + Send + Sync;

/// Runs the task whose argument is in a body.
#[derive(Clone)]
pub(super) struct AnyHandler(Arc<Run>);

impl fmt::Debug for AnyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyHandler").finish_non_exhaustive()
    }
}

impl AnyHandler {
    pub(super) fn new<F>(run: F) -> Self
    where
        F: Fn(String, Context, &HandlerRuntime) -> BoxFuture<'static, Outcome>
            + Send
            + Sync
            + 'static,
    {
        Self(Arc::new(run))
    }

    /// A run of the task, to be run by `handlers`.
    pub(super) fn run(
        &self,
        body: String,
        context: Context,
        handlers: &HandlerRuntime,
    ) -> BoxFuture<'static, Outcome> {
        (self.0)(body, context, handlers)
    }
}

/// A function that runs tasks of type `T`, with the application's state `S` if it asks for it.
///
/// Implemented for `async` functions and closures of one to three arguments; `M` tells them apart
/// and is always inferred.
///
/// ```
/// use longshore_tasks::{Context, Failure, Handlers, Json, State, Task};
/// # macro_rules! tasks {
/// #     ($($task:ident $name:literal),*) => {$(
/// #         #[derive(serde::Serialize, serde::Deserialize)]
/// #         struct $task(u64);
/// #         impl Task for $task {
/// #             const NAME: &'static str = $name;
/// #             type Reply = u64;
/// #             type Codec = Json;
/// #         }
/// #     )*};
/// # }
/// # tasks!(Square "square", Scale "scale", Count "count");
///
/// async fn square(Square(number): Square) -> Result<u64, Failure> {
///     number.checked_mul(number).ok_or_else(|| Failure::discard("too large"))
/// }
///
/// // After the task: the state, then what is known of the run.
/// async fn scale(Scale(by): Scale, State(unit): State<u64>, ctx: Context) -> Result<u64, Failure> {
///     ctx.progress(50, "scaling");
///     Ok(by * unit)
/// }
///
/// let count = async |Count(number): Count, ctx: Context| Ok(number + u64::from(ctx.attempt()));
///
/// let handlers = Handlers::<u64>::new().handle(square).handle(scale).handle(count);
/// assert_eq!(handlers.names().collect::<Vec<_>>(), ["count", "scale", "square"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle tasks",
    note = "write `async fn(Task) -> Result<Reply, Failure>`; after the task it may take \
            `State<S>`, then `Context`"
)]
pub trait Handler<T: Task, M, S>: Send + Sync + 'static {
    /// Runs a task.
    fn call(
        &self,
        task: T,
        state: S,
        context: Context,
    ) -> impl Future<Output = Result<T::Reply, Failure>> + Send + 'static;
}

/// A function that runs tasks of type `T` and blocks its thread. As [`Handler`], without `async`.
///
/// It runs on a thread of the handlers' runtime for blocking work. Tokio has up to 512 of them by default
/// (`max_blocking_threads`), for everything in the process: beyond that a run waits for a thread, with its lease
/// renewed. No thread can be stopped: a long handler looks at [`Context::is_cancelled`] now and then. One that goes
/// on though its run was given up is logged as an error, and keeps no task from being run until there are as
/// many of them as the worker has places.
///
/// ```
/// use longshore_tasks::{Failure, Handlers, Json, Task};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Scan(String);
/// # impl Task for Scan {
/// #     const NAME: &'static str = "scan";
/// #     type Reply = u64;
/// #     type Codec = Json;
/// # }
///
/// /// Reads a whole file, which takes its thread for as long as the disk takes.
/// fn scan(Scan(path): Scan) -> Result<u64, Failure> {
///     Ok(std::fs::read(path)?.iter().map(|&byte| u64::from(byte)).sum())
/// }
///
/// let handlers: Handlers = Handlers::new().handle_blocking(scan);
/// # assert_eq!(handlers.names().count(), 1);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle tasks",
    note = "write `fn(Task) -> Result<Reply, Failure>`; after the task it may take `State<S>`, \
            then `Context`"
)]
pub trait BlockingHandler<T: Task, M, S>: Send + Sync + 'static {
    /// Runs a task.
    fn call(&self, task: T, state: S, context: Context) -> Result<T::Reply, Failure>;
}

macro_rules! shapes {
    ($(($($argument:ty),*) => |$task:ident, $state:ident, $context:ident| $($value:expr),*;)*) => {$(
        impl<F, Fut, T, S> Handler<T, fn($($argument),*), S> for F
        where
            F: Fn($($argument),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<T::Reply, Failure>> + Send + 'static,
            T: Task,
            S: Send + 'static,
        {
            fn call(
                &self,
                $task: T,
                $state: S,
                $context: Context,
            ) -> impl Future<Output = Result<T::Reply, Failure>> + Send + 'static {
                self($($value),*)
            }
        }

        impl<F, T, S> BlockingHandler<T, fn($($argument),*), S> for F
        where
            F: Fn($($argument),*) -> Result<T::Reply, Failure> + Send + Sync + 'static,
            T: Task,
            S: Send + 'static,
        {
            fn call(&self, $task: T, $state: S, $context: Context) -> Result<T::Reply, Failure> {
                self($($value),*)
            }
        }
    )*};
}

shapes! {
    (T) => |task, _state, _context| task;
    (T, Context) => |task, _state, context| task, context;
    (T, State<S>) => |task, state, _context| task, State(state);
    (T, State<S>, Context) => |task, state, context| task, State(state), context;
}

/// The handler of any task that `handler` makes, with that state.
pub(super) fn asynchronous<T, M, S, H>(handler: Arc<H>, state: S) -> AnyHandler
where
    T: Task,
    S: Clone + Send + Sync + 'static,
    H: Handler<T, M, S>,
{
    AnyHandler::new(move |body, context, handlers| {
        let task = match argument::<T>(&body) {
            Ok(task) => task,
            Err(unreadable) => return unreadable,
        };
        drop(body);
        let (handler, state) = (Arc::clone(&handler), state.clone());
        let inside = handlers.room.enter();
        // Called within: a function that panics before its future is made has failed too.
        async move {
            let _inside = inside;
            let run = handler.call(task, state, context);
            conclude::<T>(run.await)
        }
        .boxed()
    })
}

/// As [`asynchronous`], on a thread that may be blocked.
pub(super) fn blocking<T, M, S, H>(handler: Arc<H>, state: S) -> AnyHandler
where
    T: Task,
    S: Clone + Send + Sync + 'static,
    H: BlockingHandler<T, M, S>,
{
    AnyHandler::new(move |body, context, handlers| {
        let task = match argument::<T>(&body) {
            Ok(task) => task,
            Err(unreadable) => return unreadable,
        };
        let (handler, state) = (Arc::clone(&handler), state.clone());
        let inside = handlers.room.enter();
        async move {
            let _inside = inside;
            let working = stuck::working();
            let run = same_queue::carried(move || {
                let _working = working;
                handler.call(task, state, context)
            });
            // What it makes spans of, and logs, belongs to the run, on whichever thread.
            let span = Span::current();
            let thread = tokio::task::spawn_blocking(move || span.in_scope(run));
            // A run that is given up before it has a thread never begins.
            let _abort = AbortOnDrop(thread.abort_handle());
            match thread.await {
                Ok(ended) => conclude::<T>(ended),
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(error) => Failure::retry(error).into(),
                },
            }
        }
        .boxed()
    })
}

/// The argument in a body, or what a run comes to that cannot read it.
pub(super) fn argument<T: Task>(body: &str) -> Result<T, BoxFuture<'static, Outcome>> {
    T::Codec::decode_argument(body).map_err(|error| {
        let reason = error.to_string();
        async { Outcome::Unknown { reason } }.boxed()
    })
}

/// What a handler's result means for its task.
pub(super) fn conclude<T: Task>(ended: Result<T::Reply, Failure>) -> Outcome {
    let reply = match ended {
        Ok(reply) => reply,
        Err(failure) => return failure.into(),
    };
    match T::Codec::encode_reply(&reply) {
        Ok(body) => Outcome::Done { body },
        Err(error) => Outcome::dead(error.to_string()),
    }
}
