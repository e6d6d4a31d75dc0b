//! What an application says of itself; everything else is assembled around it.

use std::fmt::Debug;

use axum::Router;
use clap::Args;
use longshore_gateway::Gateway;
use longshore_tasks::Worker;

use crate::exit::Fault;

/// An application: a task queue, a reply queue, HTTP in front, workers behind.
///
/// [`run`](crate::run()) makes a program of it, with the commands `up`, `app`, `worker`, `broker`,
/// `queues apply` and `health`.
pub trait Application: 'static {
    /// The program's name, as it is typed.
    const NAME: &'static str;
    /// One sentence for the head of `--help`.
    const ABOUT: &'static str;
    /// The text of the queue declaration that is built in: `queues.toml`.
    const QUEUES: &'static str;
    /// The declared queue of tasks.
    const TASK_QUEUE: &'static str;
    /// The declared queue of replies.
    const STATUS_QUEUE: &'static str;
    /// Paths and queries to try, for the start-up message, such as `/fibonacci?value=8`.
    const TO_TRY: &'static [&'static str];

    /// The application's own flags, beside those that every application has.
    type Options: Args + Clone + Debug + Send + Sync + 'static;

    /// The routes of the app. `GET /health` is there already.
    fn routes(gateway: &Gateway, options: &Self::Options) -> Router;

    /// Gives a worker its handlers. Called once for each worker, before it starts.
    ///
    /// # Errors
    ///
    /// What keeps the program from starting: a file that cannot be opened, say.
    fn handle(worker: Worker, options: &Self::Options) -> Result<Worker, Fault>;
}
