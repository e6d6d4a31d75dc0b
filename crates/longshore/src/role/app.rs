//! `app`: HTTP in front, the reply queue behind.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use clap::Args;
use longshore_gateway::{Gateway, GatewayOptions, Problem, ServerOptions, serve};
use longshore_tasks::{Client, ClientOptions, Replies, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::bind::{address_of, bind};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use super::{Crew, QUEUE_PATIENCE, store};
use crate::app::App;
use crate::exit::Fault;
use crate::health::page::AppPage;
use crate::options::{AppOptions, HttpOptions, ReceiveOptions};
use crate::run::names;
use crate::signals::Signals;
use crate::task_queue::TaskQueue;
use crate::{announce, clash};

/// What the HTTP side and the reply queue's side of an app are made from.
pub(super) struct AppParts {
    pub(super) endpoint: Endpoint,
    pub(super) names: Names,
    pub(super) client: Client,
    pub(super) http: HttpOptions,
    pub(super) receive: ReceiveOptions,
    pub(super) grace: Duration,
}

/// The client of an application: each task goes to the queue that handles it.
pub(super) fn client<S: Clone + Send + Sync + 'static>(
    endpoint: &Endpoint,
    names: &Names,
    task_queues: &[TaskQueue<S>],
    store: Arc<dyn Store>,
    retention: Duration,
) -> Client {
    let routed = task_queues.iter().zip(&names.task_queues).flat_map(|(queue, name)| {
        queue.handlers.names().map(move |task| (task.to_owned(), name.to_string()))
    });
    let options = ClientOptions {
        reply_queue: names.reply_queue.as_ref().map(ToString::to_string),
        queues: routed.collect(),
        retention,
        ..ClientOptions::default()
    };
    let first = names.task_queues.first().map_or_else(String::new, ToString::to_string);
    Client::new(Arc::clone(&endpoint.transport), first, store, options)
}

impl AppParts {
    pub(super) fn gateway(&self) -> Gateway {
        let public_url = self.http.public_url.clone();
        Gateway::new(
            self.client.clone(),
            GatewayOptions { public_url, ..GatewayOptions::default() },
        )
    }

    /// Starts the HTTP side in `front` and the reply queue's side in `back`.
    pub(super) fn spawn(
        self,
        listener: TcpListener,
        router: Router,
        front: &mut Crew,
        back: &mut Crew,
    ) {
        let options = ServerOptions { grace: self.grace, ..ServerOptions::default() };
        let shutdown = front.shutdown();
        front.spawn(async move {
            serve(listener, router, options, shutdown).await;
            Ok(())
        });
        let shutdown = back.shutdown();
        if self.names.reply_queue.is_some() {
            back.spawn(async move { self.keep_replies(shutdown).await });
        } else {
            back.spawn(async move {
                shutdown.cancelled().await;
                Ok(())
            });
        }
    }

    /// The application's routes, those that every app has, and an answer to everything else.
    ///
    /// # Errors
    ///
    /// A route is there twice; nothing was started.
    pub(super) fn router(
        &self,
        routes: impl FnOnce() -> Router,
        shutdown: CancellationToken,
    ) -> Result<Router, Fault> {
        let transport = Arc::clone(&self.endpoint.transport);
        let page = AppPage::new(transport, self.names.task_queues.first().cloned(), shutdown);
        let router = clash::merged(routes, page.routes())?;
        Ok(router
            .fallback(async || {
                Problem::not_found("nothing is here: the start-up message names what can be asked")
            })
            .method_not_allowed_fallback(async || {
                let detail = "this can be asked for with another method: see the header Allow";
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
            }))
    }

    /// Consumes replies. A broker that cannot be reached yet is waited for, and so is, for a minute,
    /// a queue that is not there yet.
    async fn keep_replies(self, shutdown: CancellationToken) -> Result<(), Fault> {
        let queue = self.names.reply_queue.as_ref().map_or("", |queue| queue.as_str());
        let transport = Arc::clone(&self.endpoint.transport);
        let replies = Replies::new(transport, queue, self.client.records().clone())
            .retention(self.http.result_retention)
            .wait(self.receive.receive_wait)
            .queue_patience(QUEUE_PATIENCE);
        match replies.run(shutdown).await {
            Ok(report) => {
                tracing::info!(?report, "replies are no longer received");
                Ok(())
            }
            Err(error) => Err(Fault::cannot_start(error.to_string())),
        }
    }
}

/// Runs `app` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub async fn run<O, S>(
    app: App<O, S>,
    options: AppOptions<O>,
    signals: &mut Signals,
) -> Result<(), Fault>
where
    O: Args + Clone + Debug + Send + Sync + 'static,
    S: Clone + Send + Sync + 'static,
{
    let names = names(&app, &options.queues)?;
    let listener = bind(options.http.listen, "--listen").await?;
    let address = address_of(&listener);
    let store = store::open(&options.data.store()).await?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let grace = options.drain.grace;
    let message = announce::roles::app(&app, &options, &endpoint, &names, address);
    let (mut front, mut back) = (Crew::new(), Crew::new());
    let retention = options.http.result_retention;
    let client = client(&endpoint, &names, &app.task_queues, store, retention);
    let (http, receive) = (options.http, options.receive);
    let parts = AppParts { endpoint, names, client, http, receive, grace };
    let gateway = parts.gateway();
    let (routes, for_routes) = (app.routes, gateway.clone());
    let make = || routes.map_or_else(Router::new, |routes| routes(for_routes, options.application));
    let router = parts.router(make, front.shutdown())?;
    parts.spawn(listener, router, &mut front, &mut back);
    announce::say(&message);
    until_signal_or_end(signals, [&mut front, &mut back]).await;
    let ended = front.stop(grace + SLACK).await;
    gateway.sends_ended().await;
    ended.and(back.stop(SLACK).await)
}
