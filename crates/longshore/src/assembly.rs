//! What an application is put together from, once for every role and for tests.
//!
//! ```text
//! App ─┐                 ┌─▶ router            (HTTP)
//!      ├─▶ Assembly ─────┼─▶ replies           (the reply queue)
//! Surroundings ─┘        └─▶ state ─▶ Workers  (one for each queue, or more)
//! ```
//!
//! Nothing runs yet when an assembly was made, and nothing was asked of the broker: a role starts the
//! parts that it has, each as a member of its crew; a test runs them when it wants to.
//!
//! # Invariants
//!
//! - Client, workers and replies have the same queues, store, clock and retention.
//! - Here is the only place that knows which option of an application goes to which part.

mod surroundings;
mod workers;

use std::fmt;

use axum::Router;
use axum::http::StatusCode;
use clap::Args;
use longshore_gateway::{Gateway, GatewayOptions, Problem, traced};
use longshore_tasks::{Client, Replies};
use tokio_util::sync::CancellationToken;

pub use surroundings::Surroundings;
pub use workers::Workers;
use workers::refuse_unknown_task;

use crate::app::{App, MakeRoutes, MakeState};
use crate::clash;
use crate::exit::Fault;
use crate::health::page::AppPage;
use crate::role::QUEUE_PATIENCE;
use crate::task_queue::TaskQueue;

/// An application within its surroundings: makes its parts.
pub struct Assembly<O, S> {
    around: Surroundings,
    client: Client,
    gateway: Gateway,
    replies: Option<Replies>,
    task_queues: Vec<TaskQueue<S>>,
    state: MakeState<O, S>,
    routes: Option<MakeRoutes<O>>,
    options: O,
}

impl<O, S> Assembly<O, S>
where
    O: Args + Clone + fmt::Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    pub(crate) fn new(mut app: App<O, S>, around: Surroundings, options: O) -> Self {
        for queue in &mut app.task_queues {
            queue.override_options(&around.worker.tasks.task_options);
        }
        let client = around.client(&app.task_queues);
        let public_url = around.public_url.clone();
        let gateway = Gateway::new(
            client.clone(),
            GatewayOptions { public_url, ..GatewayOptions::default() },
        );
        let replies = consumer(&around, &client);
        let (task_queues, state, routes) = (app.task_queues, app.state, app.routes);
        Self { around, client, gateway, replies, task_queues, state, routes, options }
    }

    /// The client that tasks are sent by.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The gateway of the application's routes.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The application's routes, those that every app has, and an answer to everything else. A second
    /// call has no routes of the application. Once `shutdown` is cancelled, `GET /health` says `draining`.
    ///
    /// # Errors
    ///
    /// A route is there twice; or `--task-options` names a task that no queue handles.
    pub fn router(&mut self, shutdown: CancellationToken) -> Result<Router, Fault> {
        self.check_task_options()?;
        let (make, gateway) = (self.routes.take(), self.gateway.clone());
        let options = self.options.clone();
        let make = || make.map_or_else(Router::new, |make| traced(make(gateway, options)));
        let router = clash::merged(make, self.health(shutdown).routes())?;
        Ok(router
            .fallback(async || {
                Problem::not_found("nothing is here: the start-up message names what can be asked")
            })
            .method_not_allowed_fallback(async || {
                let detail = "this can be asked for with another method: see the header Allow";
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
            }))
    }

    /// The app's health page, which says `draining` once `shutdown` is cancelled.
    pub(crate) fn health(&self, shutdown: CancellationToken) -> AppPage {
        let first = self.around.names.task_queues.first().cloned();
        let replies = self.replies.as_ref().map(Replies::status);
        AppPage::new(self.around.transport(), first, replies, shutdown)
    }

    /// What consumes the reply queue; `None` for an application that has none.
    pub fn replies(&self) -> Option<Replies> {
        self.replies.clone()
    }

    /// What makes workers: the application's state is made for them.
    ///
    /// # Errors
    ///
    /// The state cannot be made; or `--task-options` names a task that no queue handles.
    pub async fn workers(self) -> Result<Workers<S>, Fault> {
        self.check_task_options()?;
        let state = (self.state)(self.client.clone(), self.options).await?;
        Ok(Workers::new(self.around, self.client, self.task_queues, state))
    }

    fn check_task_options(&self) -> Result<(), Fault> {
        refuse_unknown_task(&self.task_queues, &self.around.worker.tasks.task_options)
    }
}

/// What consumes the reply queue into the records of `client`.
fn consumer(around: &Surroundings, client: &Client) -> Option<Replies> {
    let queue = around.names.reply_queue.as_ref()?;
    let replies = Replies::new(around.transport(), queue.as_str(), client.records().clone())
        .clock(around.clock())
        .retention(around.retention)
        .wait(around.receive_wait)
        .queue_patience(QUEUE_PATIENCE);
    Some(replies)
}

impl<O, S> fmt::Debug for Assembly<O, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly").field("around", &self.around).finish_non_exhaustive()
    }
}
