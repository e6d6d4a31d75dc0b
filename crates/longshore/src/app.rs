//! An application, built from what only it can say; everything else is assembled around it.
//!
//! ```text
//! App::new(name) ─▶ queues, options, state ─▶ queue(…handlers…) ─▶ routes ─▶ run: up | app | worker | …
//! ```

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::process::ExitCode;

use axum::Router;
use clap::Args;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use longshore_gateway::Gateway;
use longshore_tasks::{Client, Failure};

use crate::assembly::{Assembly, Surroundings};
use crate::exit::Fault;
use crate::options::QueueOptions;
use crate::role::Names;
use crate::task_queue::TaskQueue;

/// The flags of an application that has none of its own.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct NoOptions {}

pub(crate) type MakeState<O, S> =
    Box<dyn FnOnce(Client, O) -> LocalBoxFuture<'static, Result<S, Fault>>>;
pub(crate) type MakeRoutes<O> = Box<dyn FnOnce(Gateway, O) -> Router>;

/// An application: queues of tasks, handlers behind them, HTTP in front. [`App::run`] makes a program
/// of it, with the commands `up`, `app`, `worker`, `broker`, `queues apply`, `health`, `verify` and `salvage`.
///
/// `O` is the application's own flags, `S` the state that its handlers share.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use longshore::{App, Failure, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// #[task(name = "greet", reply = String)]
/// struct Greet {
///     name: String,
/// }
///
/// async fn greet(task: Greet) -> Result<String, Failure> {
///     Ok(format!("Hello, {}", task.name))
/// }
///
/// fn main() -> ExitCode {
///     App::new("greeter")
///         .queue("greetings", |queue| queue.handle(greet).concurrency(64))
///         .run()
/// }
/// ```
pub struct App<O = NoOptions, S = ()> {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) declaration: String,
    pub(crate) reply_queue: Option<String>,
    pub(crate) examples: Vec<String>,
    pub(crate) task_queues: Vec<TaskQueue<S>>,
    pub(crate) routes: Option<MakeRoutes<O>>,
    pub(crate) state: MakeState<O, S>,
    /// What was said too early, and is gone: whoever runs the application is told.
    pub(crate) misplaced: Option<&'static str>,
    options: PhantomData<O>,
}

impl App {
    /// An application by the name that its program is typed as.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            about: format!("The application {name}"),
            name,
            declaration: String::new(),
            reply_queue: None,
            examples: Vec::new(),
            task_queues: Vec::new(),
            routes: None,
            state: Box::new(|_, _| async { Ok(()) }.boxed_local()),
            misplaced: None,
            options: PhantomData,
        }
    }

    /// The application's own flags, beside those that every application has. Say so before what uses
    /// them: state and routes.
    ///
    /// ```
    /// use longshore::{App, Failure, State, Task};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Clone, Debug, clap::Args)]
    /// struct Options {
    ///     /// What a greeting begins with
    ///     #[arg(long, env = "LONGSHORE_WORD", default_value = "Hello")]
    ///     word: String,
    /// }
    ///
    /// #[derive(Debug, Serialize, Deserialize, Task)]
    /// #[task(reply = String)]
    /// struct Greet {
    ///     name: String,
    /// }
    ///
    /// async fn greet(task: Greet, State(word): State<String>) -> Result<String, Failure> {
    ///     Ok(format!("{word}, {}", task.name))
    /// }
    ///
    /// let app = App::new("greeter")
    ///     .options::<Options>()
    ///     .state(async |_client, options| Ok(options.word))
    ///     .queue("greetings", |queue| queue.handle(greet));
    /// assert!(app.command().render_help().to_string().contains("--word <WORD>"));
    /// ```
    #[must_use]
    pub fn options<O: Args + Clone + 'static>(self) -> App<O> {
        let Self { name, about, declaration, reply_queue, examples, task_queues, .. } = self;
        let early = self.routes.map(|_| "App::routes before App::options");
        App {
            name,
            about,
            declaration,
            reply_queue,
            examples,
            task_queues,
            routes: None,
            state: Box::new(|_, _| async { Ok(()) }.boxed_local()),
            misplaced: self.misplaced.or(early),
            options: PhantomData,
        }
    }
}

impl<O: Args + Clone + fmt::Debug + Send + Sync + 'static> App<O> {
    /// What the handlers share, as `State<S>`: made once a process, before its workers start, with
    /// the client that tasks are sent by and the application's own flags. Say so before
    /// [`App::queue`].
    ///
    /// What it fails with keeps the program from starting.
    #[must_use]
    pub fn state<S, F>(self, make: impl FnOnce(Client, O) -> F + 'static) -> App<O, S>
    where
        S: Clone + Send + Sync + 'static,
        F: Future<Output = Result<S, Failure>> + 'static,
    {
        let Self { name, about, declaration, reply_queue, examples, routes, .. } = self;
        let early = (!self.task_queues.is_empty()).then_some("App::queue before App::state");
        let state: MakeState<O, S> = Box::new(move |client, options| {
            let making = make(client, options);
            async move { making.await.map_err(|failure| cannot_start(&failure)) }.boxed_local()
        });
        App {
            name,
            about,
            declaration,
            reply_queue,
            examples,
            task_queues: Vec::new(),
            routes,
            state,
            misplaced: self.misplaced.or(early),
            options: PhantomData,
        }
    }
}

impl<O, S> App<O, S>
where
    O: Args + Clone + fmt::Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    /// One sentence for the head of `--help`.
    #[must_use]
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    /// The text of the declaration that is built in: `queues.toml`. Queues of the application that it
    /// leaves out are declared by default: see [`App::queue`]. `--queues FILE` takes its place, and
    /// leaves nothing out.
    #[must_use]
    pub fn queues(mut self, declaration: impl Into<String>) -> Self {
        self.declaration = declaration.into();
        self
    }

    /// A queue of tasks, and how they are handled. Tasks that it handles are sent to it, so no other queue
    /// can handle them too: the program then ends with code 2. Can be called again for another queue.
    ///
    /// A queue that [`App::queues`] does not declare is declared by default, with the settings that SQS
    /// gives a queue and a dead-letter queue: `NAME-dead`, or `NAME-dead.fifo` for `NAME.fifo`, to which
    /// a message goes after 10 receives, and which keeps it for 14 days.
    #[must_use]
    pub fn queue(
        mut self,
        name: impl Into<String>,
        handle: impl FnOnce(TaskQueue<S>) -> TaskQueue<S>,
    ) -> Self {
        self.task_queues.push(handle(TaskQueue::new(name.into())));
        self
    }

    /// The queue of replies, declared by default as one of tasks is. Without one results are in the store
    /// alone, which apps and workers then must share.
    #[must_use]
    pub fn reply_queue(mut self, name: impl Into<String>) -> Self {
        self.reply_queue = Some(name.into());
        self
    }

    /// The routes of the app, over the gateway that its tasks are sent by. `GET /health` is there
    /// already. [`Gateway::routes`] makes those of a task; others are axum's, which is [`crate::axum`].
    #[must_use]
    pub fn routes(self, routes: impl FnOnce(Gateway) -> Router + 'static) -> Self {
        self.routes_with_options(move |gateway, _| routes(gateway))
    }

    /// As [`App::routes`], with the application's own flags.
    #[must_use]
    pub fn routes_with_options(
        mut self,
        routes: impl FnOnce(Gateway, O) -> Router + 'static,
    ) -> Self {
        self.routes = Some(Box::new(routes));
        self
    }

    /// A path and query to try, such as `/fibonacci?value=8`, for the start-up message. Can be called
    /// again for another.
    #[must_use]
    pub fn example(mut self, path: impl Into<String>) -> Self {
        self.examples.push(path.into());
        self
    }

    /// Runs the application as the command line says, and answers the exit code.
    pub fn run(self) -> ExitCode {
        crate::run::run(self)
    }

    /// The names of the application's queues, as its declaration and `options` say.
    ///
    /// # Errors
    ///
    /// The declaration cannot be read, or makes no sense; a task has two handlers, or a queue two purposes.
    pub fn names(&self, options: &QueueOptions) -> Result<Names, Fault> {
        crate::run::names(self, options)
    }

    /// Puts the application into its surroundings, without starting anything: what every role does,
    /// and what a test does that runs the parts itself. `options` are the application's own flags.
    pub fn assemble(self, around: Surroundings, options: O) -> Assembly<O, S> {
        Assembly::new(self, around, options)
    }

    /// The command line of the application, for whoever wants to describe it.
    pub fn command(&self) -> clap::Command {
        crate::cli::command(self)
    }
}

fn cannot_start(failure: &Failure) -> Fault {
    let reason = failure.chain().join(": ");
    Fault::cannot_start(format!("the application's state cannot be made: {reason}"))
}

impl<O, S> fmt::Debug for App<O, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("name", &self.name)
            .field("task_queues", &self.task_queues)
            .field("reply_queue", &self.reply_queue)
            .finish_non_exhaustive()
    }
}
