//! Layers of tower around the runs of a worker's tasks.
//!
//! ```text
//! executor ─▶ outermost layer ─▶ … ─▶ TaskRunner (the handler)
//!                  TaskRun ──▶      ──▶ Outcome, or an error: the attempt has failed
//! ```
//!
//! A worker without layers runs its handlers as they are, and makes none of what is here.

use std::error::Error;
use std::fmt;
use std::task::{Context as TaskContext, Poll};

use futures::FutureExt as _;
use tokio::sync::oneshot;
use tower::timeout::error::Elapsed;
use tower::util::{BoxCloneSyncService, ServiceExt as _};
use tower::{Layer, Service};

use super::context::Context;
use super::handler::AnyHandler;
use super::handlers::HandlerRuntime;
use super::outcome::Outcome;
use crate::failure::Failure;
use crate::transport::{BoxFuture, Cause};

/// One run of a task, as layers see it.
///
/// ```
/// use longshore_tasks::{Context, TaskId, TaskRun};
///
/// // A worker makes them; to try a layer, so does a test.
/// let ctx = Context::detached(TaskId::parse("t-1").unwrap()).at_attempt(2);
/// let run = TaskRun::new("thumbnail", r#"{"image":"a.png"}"#, ctx);
/// assert_eq!((run.name(), run.context().attempt()), ("thumbnail", 2));
/// assert_eq!((run.queue(), run.key()), ("", None));
/// ```
#[derive(Clone)]
pub struct TaskRun {
    name: &'static str,
    key: Option<String>,
    body: String,
    context: Context,
    inside: Option<(AnyHandler, HandlerRuntime)>,
}

/// Without the argument, which is nobody's to read in a log.
impl fmt::Debug for TaskRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRun")
            .field("name", &self.name)
            .field("task", self.context.task_id())
            .field("attempt", &self.context.attempt())
            .finish_non_exhaustive()
    }
}

impl TaskRun {
    /// A run of no worker, to try a layer with a service of the test's own.
    pub fn new(name: &'static str, body: impl Into<String>, context: Context) -> Self {
        Self { name, key: None, body: body.into(), context, inside: None }
    }

    pub(super) fn of_worker(
        name: &'static str,
        key: Option<String>,
        body: String,
        context: Context,
        inside: (AnyHandler, HandlerRuntime),
    ) -> Self {
        Self { name, key, body, context, inside: Some(inside) }
    }

    /// The task's name: that of the default task, for a message without one.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The queue whose worker runs it. A queue with priorities has one name for all its levels.
    pub fn queue(&self) -> &str {
        self.inside.as_ref().map_or("", |(_, handlers)| &handlers.queue)
    }

    /// The message group: the task's key, if it has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The argument as it came, before any codec has read it.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The argument, to be changed before a codec reads it: decrypted, say.
    pub fn body_mut(&mut self) -> &mut String {
        &mut self.body
    }

    /// What the handler is told beside the argument: the task's id, the attempt, and whether the run is in
    /// vain by now.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// What layers are put around: runs the handler of a [`TaskRun`]. It is always ready, and it never fails: what the
/// handler comes to is its [`Outcome`].
///
/// ```
/// use longshore_tasks::{Outcome, TaskRun, TaskRunner};
/// use tower::{BoxError, Service as _};
///
/// /// What a layer does with the runner that it is put around, here to one that tasks of no name pass by.
/// async fn run_named(mut inner: TaskRunner, run: TaskRun) -> Result<Outcome, BoxError> {
///     if run.name().is_empty() {
///         return Err("a task without a name".into()); // a failed attempt
///     }
///     inner.call(run).await
/// }
/// ```
#[derive(Clone, Debug)]
pub struct TaskRunner(BoxCloneSyncService<TaskRun, Outcome, Cause>);

/// Runs the handler.
#[derive(Clone, Copy, Debug)]
struct Innermost;

impl Service<TaskRun> for Innermost {
    type Response = Outcome;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Outcome, Cause>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, run: TaskRun) -> Self::Future {
        let TaskRun { body, context, inside, .. } = run;
        let Some((handler, handlers)) = inside else {
            return async { Err("it is a run of no worker".into()) }.boxed();
        };
        handler.run(body, context, &handlers).map(Ok).boxed()
    }
}

impl Service<TaskRun> for TaskRunner {
    type Response = Outcome;
    type Error = Cause;
    type Future = BoxFuture<'static, Result<Outcome, Cause>>;

    fn poll_ready(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), Cause>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, run: TaskRun) -> Self::Future {
        self.0.call(run)
    }
}

impl TaskRunner {
    /// Handlers without a layer.
    pub(super) fn innermost() -> Self {
        Self(BoxCloneSyncService::new(Innermost))
    }

    /// The same within another layer.
    pub(super) fn within<L>(self, layer: &L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<TaskRun, Response = Outcome, Error: Into<Cause>, Future: Send + 'static>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        Self(BoxCloneSyncService::new(layer.layer(self).map_err(Into::into)))
    }

    /// A run through all layers; `ready` is told when they let it through.
    pub(super) async fn run(mut self, run: TaskRun, ready: oneshot::Sender<()>) -> Outcome {
        let ended = async {
            let service = self.ready().await?;
            // Who waits for it may have gone.
            let _gone = ready.send(());
            service.call(run).await
        };
        ended.await.unwrap_or_else(failed)
    }
}

/// What an error of a layer means for the task: a failed attempt.
fn failed(error: Cause) -> Outcome {
    if is_elapsed(&*error) {
        return Outcome::retry("it took longer than the timeout of a layer around its handler");
    }
    Failure::retry(error).into()
}

fn is_elapsed(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| (*error).source()).any(<dyn Error>::is::<Elapsed>)
}
