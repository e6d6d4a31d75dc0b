//! `app`: HTTP in front, the reply queue behind.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use longshore_gateway::{Gateway, GatewayOptions, Problem, ServerOptions, serve};
use longshore_tasks::{Client, ClientOptions, Replies, RepliesError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Crew;
use super::bind::{address_of, bind};
use super::crew::{SLACK, until_signal_or_end};
use super::endpoint::Endpoint;
use super::names::Names;
use super::reach::reach;
use super::store::Stores;
use crate::announce;
use crate::application::Application;
use crate::exit::Fault;
use crate::health::page::AppPage;
use crate::options::{AppOptions, HttpOptions, ReceiveOptions};
use crate::signals::Signals;

/// What an app is made from.
pub(super) struct App {
    pub(super) endpoint: Endpoint,
    pub(super) names: Names,
    pub(super) stores: Stores,
    pub(super) http: HttpOptions,
    pub(super) receive: ReceiveOptions,
    pub(super) grace: Duration,
}

impl App {
    /// Starts the HTTP side in `front` and the reply queue's side in `back`.
    pub(super) fn spawn<A: Application>(
        self,
        listener: TcpListener,
        application: &A::Options,
        front: &mut Crew,
        back: &mut Crew,
    ) -> Gateway {
        let gateway = self.gateway();
        let router = self.router::<A>(&gateway, application, front.shutdown());
        let options = ServerOptions { grace: self.grace, ..ServerOptions::default() };
        let shutdown = front.shutdown();
        front.spawn(async move {
            serve(listener, router, options, shutdown).await;
            Ok(())
        });
        let shutdown = back.shutdown();
        back.spawn(async move { self.keep_replies(shutdown).await });
        gateway
    }

    fn gateway(&self) -> Gateway {
        let reply_queue = Some(self.names.status_queue.to_string());
        let client = Client::new(
            Arc::clone(&self.endpoint.transport),
            self.names.task_queue.as_str(),
            Arc::clone(&self.stores.replies),
            ClientOptions {
                reply_queue,
                retention: self.http.result_retention,
                ..ClientOptions::default()
            },
        );
        let public_url = self.http.public_url.clone();
        Gateway::new(client, GatewayOptions { public_url, ..GatewayOptions::default() })
    }

    fn router<A: Application>(
        &self,
        gateway: &Gateway,
        application: &A::Options,
        shutdown: CancellationToken,
    ) -> Router {
        let transport = Arc::clone(&self.endpoint.transport);
        let page = AppPage::new(transport, self.names.task_queue.clone(), shutdown);
        A::routes(gateway, application)
            .merge(page.routes())
            .fallback(async || {
                Problem::not_found("nothing is here: the start-up message names what can be asked")
            })
            .method_not_allowed_fallback(async || {
                let detail = "this can be asked for with another method: see the header Allow";
                Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
            })
    }

    /// Consumes replies; a broker that is not there when it starts is waited for.
    async fn keep_replies(self, shutdown: CancellationToken) -> Result<(), Fault> {
        loop {
            if !reach(&self.endpoint, &self.names.status_queue, &shutdown).await? {
                return Ok(());
            }
            let transport = Arc::clone(&self.endpoint.transport);
            let store = Arc::clone(&self.stores.replies);
            let replies = Replies::new(transport, self.names.status_queue.as_str(), store)
                .retention(self.http.result_retention)
                .wait(self.receive.receive_wait);
            match replies.run(shutdown.clone()).await {
                Ok(report) => {
                    tracing::info!(?report, "replies are no longer received");
                    return Ok(());
                }
                Err(RepliesError::Start(error)) if error.is_transient() => {
                    tracing::warn!(%error, "replies cannot be received yet; trying again");
                }
                Err(error) => return Err(Fault::cannot_start(error.to_string())),
            }
        }
    }
}

/// Runs `app` until a signal.
///
/// # Errors
///
/// See [`Fault`]: what kept it from starting, or ended it.
pub async fn run<A: Application>(
    options: AppOptions<A::Options>,
    signals: &mut Signals,
) -> Result<(), Fault> {
    let names = Names::read::<A>(&options.queues)?;
    let listener = bind(options.http.listen, "--listen").await?;
    let address = address_of(&listener);
    let stores = Stores::open(&options.data.store())?;
    let endpoint = Endpoint::connect(&options.endpoint).await?;
    let grace = options.drain.grace;
    let message = announce::roles::app::<A>(&options, &endpoint, &names, address);
    let (mut front, mut back) = (Crew::new(), Crew::new());
    let app = App { endpoint, names, stores, http: options.http, receive: options.receive, grace };
    let gateway = app.spawn::<A>(listener, &options.application, &mut front, &mut back);
    announce::say(&message);
    until_signal_or_end(signals, [&mut front, &mut back]).await;
    let ended = front.stop(grace + SLACK).await;
    gateway.sends_ended().await;
    ended.and(back.stop(SLACK).await)
}
