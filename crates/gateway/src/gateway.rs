//! Accepts tasks for callers, and gives each the URL where its status is.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use longshore_tasks::{Client, Pending, SendError, SendOptions, Task, TaskId, TraceContext};
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::base_url::BaseUrl;
use crate::problem::Problem;
use crate::{refusal, traced};

/// What a [`Gateway`] can be told.
///
/// ```
/// use longshore_gateway::{BaseUrl, Gateway, GatewayOptions};
/// use longshore_tasks::Client;
///
/// /// Behind a proxy that speaks TLS: callers are not to be sent to the `Host` that it asks for.
/// fn gateway(client: Client) -> Gateway {
///     let public_url = BaseUrl::parse("https://tasks.example.org").expect("it is a URL");
///     Gateway::new(client, GatewayOptions { public_url: Some(public_url), ..Default::default() })
/// }
/// ```
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// What callback URLs begin with; `None` takes the request's own `Host`.
    pub public_url: Option<BaseUrl>,
    /// When a caller is told to try again, where the queue or the store cannot be reached.
    pub retry_after: Duration,
}

impl Default for GatewayOptions {
    /// The request's own `Host`; 5 s.
    fn default() -> Self {
        Self { public_url: None, retry_after: Duration::from_secs(5) }
    }
}

/// Turns requests into tasks. Cheap to clone; clones share everything. [`Gateway::routes`] has all that
/// many an application needs, and an example.
///
/// ```
/// use axum::http::HeaderMap;
/// use longshore_gateway::{Gateway, Problem};
/// use longshore_tasks::Task;
///
/// /// Sends several tasks for one request; a single one is [`Gateway::accept`]'s.
/// async fn import<T: Task>(
///     gateway: &Gateway,
///     rows: Vec<T>,
///     headers: &HeaderMap,
/// ) -> Result<Vec<String>, Problem> {
///     let accepted = gateway.accept_all(rows, "/imports", headers).await?;
///     accepted.into_iter().map(|one| Ok(one?.callback_url)).collect()
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
    options: Arc<GatewayOptions>,
    sends: TaskTracker,
}

/// A task that is on its queue.
///
/// ```
/// use axum::http::StatusCode;
/// use axum::http::header::LOCATION;
/// use axum::response::IntoResponse;
/// use longshore_gateway::Accepted;
/// use longshore_tasks::TaskId;
///
/// let callback_url = "http://localhost:5000/greetings/status/t-1".to_owned();
/// let accepted = Accepted { id: TaskId::parse("t-1").unwrap(), callback_url };
/// let answer = accepted.into_response();
/// assert_eq!(answer.status(), StatusCode::ACCEPTED);
/// assert_eq!(answer.headers()[LOCATION], "http://localhost:5000/greetings/status/t-1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task's id.
    pub id: TaskId,
    /// Where its status is.
    pub callback_url: String,
}

impl IntoResponse for Accepted {
    /// 202, with the callback URL in `Location`, and id and callback URL as JSON: for who gives no other
    /// answer.
    fn into_response(self) -> Response {
        let body = json!({ "id": self.id.as_str(), "callbackUrl": self.callback_url });
        let headers = [(LOCATION, self.callback_url), (CACHE_CONTROL, "no-store".to_owned())];
        (StatusCode::ACCEPTED, headers, Json(body)).into_response()
    }
}

impl Gateway {
    /// A gateway to the task queue of `client`.
    pub fn new(client: Client, options: GatewayOptions) -> Self {
        Self { client, options: Arc::new(options), sends: TaskTracker::new() }
    }

    /// Sends `task` for the caller whose request had `headers`. Its status will be at
    /// `<base URL><path>/status/<id>`; `path` begins with a slash.
    ///
    /// # Errors
    ///
    /// The answer to give the caller: see [`refusal`] for which it is.
    ///
    /// # Cancel safety
    ///
    /// A send goes on when this is dropped (the caller closed the connection, say): between its
    /// steps the task would be known to the queue but not, by its message id, to the store.
    pub async fn accept<T: Task>(
        &self,
        task: T,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Accepted, Problem> {
        self.accept_with(task, SendOptions::default(), path, headers).await
    }

    /// As [`Gateway::accept`], with options of the send: a priority, a delay, an id of the caller's own. A trace
    /// that the request continues is added, unless the options name one.
    ///
    /// ```
    /// use axum::http::HeaderMap;
    /// use longshore_gateway::{Accepted, Gateway, Problem};
    /// use longshore_tasks::{Priority, SendOptions, Task};
    ///
    /// /// Somebody waits for this one.
    /// async fn urgent<T: Task>(gateway: &Gateway, task: T, headers: &HeaderMap) -> Result<Accepted, Problem> {
    ///     let options = SendOptions { priority: Some(Priority::High), ..SendOptions::default() };
    ///     gateway.accept_with(task, options, "/pictures", headers).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Gateway::accept`].
    ///
    /// # Cancel safety
    ///
    /// As [`Gateway::accept`].
    pub async fn accept_with<T: Task>(
        &self,
        task: T,
        options: SendOptions,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Accepted, Problem> {
        let mut answers = self.accept_all_with(vec![(task, options)], path, headers).await?;
        answers.pop().expect("every task is answered for")
    }

    /// Sends tasks, packed into as few requests as they fit, and answers for each in its place. As
    /// [`Gateway::accept`] for each.
    ///
    /// # Errors
    ///
    /// The request names no host that callback URLs could begin with: then nothing is sent.
    pub async fn accept_all<T: Task>(
        &self,
        tasks: Vec<T>,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Vec<Result<Accepted, Problem>>, Problem> {
        let plain = |task| (task, SendOptions::default());
        self.accept_all_with(tasks.into_iter().map(plain).collect(), path, headers).await
    }

    async fn accept_all_with<T: Task>(
        &self,
        mut tasks: Vec<(T, SendOptions)>,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Vec<Result<Accepted, Problem>>, Problem> {
        let base = self.base_url(headers)?;
        let callback_url = |id: &TaskId| base.join(&format!("{path}/status/{id}"));
        if let Some(trace) = traced::trace_of(headers) {
            for (_, options) in &mut tasks {
                continue_trace(options, &trace);
            }
        }
        let client = self.client.clone();
        let sent = self.sends.spawn(async move { client.send_all_with(tasks).await });
        let sent = sent.await.expect("a send neither panics nor is aborted");
        let answer = |sent: Result<Pending<T>, SendError>| match sent {
            Ok(pending) => {
                let id = pending.id().clone();
                Ok(Accepted { callback_url: callback_url(&id), id })
            }
            Err(error) => Err(refusal::of_send(&error, self.options.retry_after, callback_url)),
        };
        Ok(sent.into_iter().map(answer).collect())
    }

    /// The client that tasks are sent by, for whoever sends them otherwise.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until every send that has begun has ended. Call it when no request is served any
    /// more, before what the client sends through is closed.
    pub async fn sends_ended(&self) {
        self.sends.close();
        self.sends.wait().await;
    }

    pub(crate) fn retry_after(&self) -> Duration {
        self.options.retry_after
    }

    fn base_url(&self, headers: &HeaderMap) -> Result<BaseUrl, Problem> {
        let configured = self.options.public_url.clone();
        configured.map_or_else(|| BaseUrl::of_request(headers), Ok)
    }
}

/// Has a task go on from where the request is in a trace, unless it was given another.
fn continue_trace(options: &mut SendOptions, trace: &TraceContext) {
    if options.traceparent.is_none() {
        options.traceparent = Some(trace.parent.to_string());
        options.tracestate = trace.state.as_ref().map(ToString::to_string);
    }
}
