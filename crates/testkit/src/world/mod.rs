//! A user's application in a test: broker, store, client, workers and routes in this process, under
//! one clock that runs only when the test lets it.
//!
//! ```text
//!            ┌────────── World ──────────────────────────────────────────────┐
//! test ─▶ client() ─▶ faults ─▶ sent.rs (notes what was sent) ─▶ broker      │
//!      ─▶ get(), post_json() ─▶ the app's routes ─▶ client                   │
//!      ─▶ run_until_idle() ─▶ workers, replies: started, awaited, stopped    │
//!      ─▶ run_until_empty() ─▶ the same, and time passes in between          │
//!      ─▶ advance() ─▶ tokio's paused clock ─▶ clock.rs ─▶ all of them       │
//!            └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! # Invariants
//!
//! - Workers run only within [`World::run_until_idle`], [`World::run_until_empty`] and [`World::drain`]:
//!   between them a test sees what was sent and not yet run, and time passes in one step, however long
//!   it is.
//! - There is one clock: tokio's. What it is for `sleep`, it is for broker, store, client and workers.
//! - Nothing is read from the environment, and ids and jitter are the same in every run.

mod again;
mod clock;
mod dead_letters;
mod defaults;
mod enqueued;
mod faults;
mod http;
mod queues;
mod requests;
mod run;
mod sent;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use clap::Args;
use longshore::assembly::Surroundings;
use longshore::broker::{Broker, BrokerOptions};
use longshore::options::QueueOptions;
use longshore::role::{Endpoint, Names};
use longshore::{App, Fault};
use longshore_tasks::{
    Client, Context, MemoryStore, Replies, Status, Task, TaskId, TaskRecord, Transport, Worker,
};
use longshore_types::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use self::clock::PausedClock;
use self::sent::Sent;
use crate::{FaultyTransport, Seeded};

pub use dead_letters::DeadLetter;
pub use http::Answer;
pub use longshore_tasks::transport::Purpose;
pub use requests::{Spending, per_task, refuse};

/// What ids and jitter follow from. Nobody needs another: what a test of tasks is about is not random.
const SEED: u64 = 1;

type MakeWorkers = Box<dyn Fn() -> Vec<(String, Worker)> + Send + Sync>;

/// A user's application, as a test holds it: see [`start`].
///
/// ```
/// use std::time::Duration;
///
/// use longshore::{App, Failure, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, PartialEq, Serialize, Deserialize, Task)]
/// #[task(retry(attempts = 2, backoff = "15m..15m"))]
/// struct Mail {
///     to: String,
/// }
///
/// async fn deliver(task: Mail) -> Result<(), Failure> {
///     Err(Failure::retry(format!("{} does not answer", task.to)))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let app = App::new("post").queue("mails", |queue| queue.handle(deliver));
/// let world = longshore_testkit::start(app).await;
/// let pending = world.client().send(Mail { to: "ada".to_owned() }).await.unwrap();
/// assert_eq!(world.run_until_idle().await.retried, 1);
///
/// world.advance(Duration::from_secs(15 * 60)).await; // in no time
/// assert_eq!(world.run_until_idle().await.dead, 1);
/// let record = world.task(pending.id()).await.unwrap();
/// assert_eq!(record.reason().as_deref(), Some("ada does not answer"));
/// let dead = world.dead_letters("mails").await;
/// assert_eq!(dead[0].argument(), Some(Mail { to: "ada".to_owned() }));
/// # }
/// ```
pub struct World {
    broker: Broker,
    clock: Arc<PausedClock>,
    sent: Arc<Sent>,
    /// What all of the application goes through.
    faulty: Arc<FaultyTransport>,
    /// What the test itself asks the broker by, whose requests are nobody's.
    own: Arc<dyn Transport>,
    names: Names,
    client: Client,
    router: Router,
    workers: MakeWorkers,
    replies: Option<Replies>,
}

/// Starts an application in this process, as its `main` builds it: with a broker and a store in memory.
/// Its own flags have their default values; the environment is not read.
///
/// Time in the test's runtime is paused, if `start_paused` did not do so. It stands still while anything has
/// something to do, and jumps to the next thing due when nothing has.
///
/// ```
/// use longshore::{App, Failure, Task};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize, Task)]
/// #[task(reply = String)]
/// struct Greet {
///     name: String,
/// }
///
/// async fn greet(task: Greet) -> Result<String, Failure> {
///     Ok(format!("Hello, {}", task.name))
/// }
///
/// fn app() -> App {
///     App::new("greeter").queue("greetings", |queue| queue.handle(greet))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// // In a #[tokio::test(start_paused = true)]:
/// let world = longshore_testkit::start(app()).await;
/// let pending = world.client().send(Greet { name: "Ada".to_owned() }).await.unwrap();
/// world.run_until_idle().await;
/// assert_eq!(pending.now().await.unwrap().as_deref(), Some("Hello, Ada"));
/// # }
/// ```
///
/// # Panics
///
/// The application cannot start, its flags have no defaults (see [`start_with`]), or time is not paused
/// and cannot be, because the test's runtime has several threads.
pub async fn start<O, S>(app: App<O, S>) -> World
where
    O: Args + Clone + fmt::Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    start_with(app, defaults::of_flags()).await
}

/// As [`start`], with these values of the application's own flags.
///
/// ```
/// use longshore::{App, Failure, State, Task};
///
/// #[derive(Clone, Debug, clap::Args)]
/// struct Options {
///     #[arg(long)] // no default: `start` could not know one
///     word: String,
/// }
///
/// #[derive(serde::Serialize, serde::Deserialize, Task)]
/// #[task(reply = String)]
/// struct Greet(String);
///
/// async fn greet(Greet(name): Greet, State(word): State<String>) -> Result<String, Failure> {
///     Ok(format!("{word}, {name}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let app = App::new("greeter")
///     .options::<Options>()
///     .state(async |_, options| Ok(options.word))
///     .queue("greetings", |queue| queue.handle(greet));
/// let world = longshore_testkit::start_with(app, Options { word: "Servus".to_owned() }).await;
/// let pending = world.client().send(Greet("Ada".to_owned())).await.unwrap();
/// world.run_until_idle().await;
/// assert_eq!(pending.now().await.unwrap().as_deref(), Some("Servus, Ada"));
/// # }
/// ```
///
/// # Panics
///
/// As [`start`].
pub async fn start_with<O, S>(app: App<O, S>, options: O) -> World
where
    O: Args + Clone + fmt::Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    clock::pause();
    let clock = Arc::new(PausedClock::start());
    try_start(app, options, clock).await.unwrap_or_else(|fault| panic!("{fault}"))
}

async fn try_start<O, S>(
    app: App<O, S>,
    options: O,
    clock: Arc<PausedClock>,
) -> Result<World, Fault>
where
    O: Args + Clone + fmt::Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = app.names(&QueueOptions::default())?;
    names.check_declared()?;
    let broker = open_broker(&names, Arc::clone(&clock) as _).await?;
    let sent = Arc::new(Sent::new(Endpoint::embedded(&broker).transport));
    let faulty = Arc::new(FaultyTransport::new(Arc::clone(&sent) as _));
    let own = Endpoint::embedded(&broker).transport;
    let store = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as _));
    let around = Surroundings {
        clock: Arc::clone(&clock) as _,
        random: Arc::new(Seeded::new(SEED)),
        ..Surroundings::new(Arc::clone(&faulty) as _, names.clone(), store)
    };
    let mut assembly = app.assemble(around, options);
    let router = assembly.router(CancellationToken::new())?;
    let (client, replies) = (assembly.client().clone(), assembly.replies());
    let workers = assembly.workers().await?;
    let workers: MakeWorkers = Box::new(move || workers.make(1));
    Ok(World { broker, clock, sent, faulty, own, names, client, router, workers, replies })
}

async fn open_broker(names: &Names, clock: Arc<dyn Clock>) -> Result<Broker, Fault> {
    let random = Arc::new(Seeded::new(SEED));
    let options = BrokerOptions { clock, random, ..BrokerOptions::default() };
    let broker = Broker::open(options).await;
    let broker = broker.map_err(|fault| Fault::cannot_start(fault.to_string()))?;
    let admin = Endpoint::embedded(&broker).admin;
    let applied = longshore::queues::apply(&*admin, &names.declared).await;
    applied.map_err(|(queue, fault)| Fault::cannot_start(format!("the queue {queue}: {fault}")))?;
    Ok(broker)
}

/// A context for calling a handler by hand: the first attempt of the task with that id, never cancelled,
/// without a client. See [`Context::at_attempt`] and [`Context::with_client`].
///
/// ```
/// use longshore::{Context, Failure};
///
/// async fn resize(width: u32, ctx: Context) -> Result<u32, Failure> {
///     // The large one takes too much memory: at its second attempt it is made smaller.
///     Ok(if ctx.attempt() > 1 { width / 2 } else { width })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let first = longshore_testkit::context("t-1");
/// let second = longshore_testkit::context("t-1").at_attempt(2);
/// assert_eq!(resize(200, first).await.unwrap(), 200);
/// assert_eq!(resize(200, second).await.unwrap(), 100);
/// # }
/// ```
///
/// # Panics
///
/// `id` cannot be a task's id.
pub fn context(id: &str) -> Context {
    Context::detached(TaskId::parse(id).unwrap_or_else(|fault| panic!("`{id}`: {fault}")))
}

impl World {
    /// The application's own client. What it sends is on its queue, and runs when the test says so.
    ///
    /// A wait for a reply needs somebody to run the task: `run_until_idle` first, and then
    /// `pending.now()`, which answers what is there.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The broker, for what an application does not do: to call SQS itself.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// The time in this world.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass: what comes due in it comes due in its order. No worker runs meanwhile, and no
    /// reply is taken in; [`World::run_until_idle`] then runs what became due.
    ///
    /// # Cancel safety
    ///
    /// Dropped, less time has passed.
    pub async fn advance(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// The arguments of the tasks of type `T` that were sent so far, by whom ever, in their order. A task
    /// that is run again, or sent anew by its worker, was sent once.
    ///
    /// # Panics
    ///
    /// An argument cannot be read as a `T`.
    pub fn sent<T: Task>(&self) -> Vec<T> {
        self.sent.of_type().into_iter().map(|(_, task)| task).collect()
    }

    /// All that is known of a task: its attempts with their errors, how it stands. `None` if it is not
    /// known, or was kept for as long as it should be.
    pub async fn task(&self, id: &TaskId) -> Option<TaskRecord> {
        self.client.task(id).await.expect("a store in memory answers")
    }

    /// How a task stands, as the app's status route tells it; `None` is its 404.
    pub async fn status(&self, id: &TaskId) -> Option<Status> {
        self.client.status(id).await.expect("a store in memory answers")
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now())
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
