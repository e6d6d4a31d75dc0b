//! Accepts tasks for callers, and gives each the URL where its status is.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use longshore_tasks::{Client, Task, TaskId};
use tokio_util::task::TaskTracker;

use crate::base_url::BaseUrl;
use crate::problem::Problem;
use crate::refusal;

/// What a [`Gateway`] can be told.
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

/// Turns requests into tasks. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Gateway {
    client: Client,
    options: Arc<GatewayOptions>,
    sends: TaskTracker,
}

/// A task that is on its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The task's id.
    pub id: TaskId,
    /// Where its status is.
    pub callback_url: String,
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
        let base = self.base_url(headers)?;
        let callback_url = |id: &TaskId| base.join(&format!("{path}/status/{id}"));
        let client = self.client.clone();
        let sent = self.sends.spawn(async move { client.send(&task).await });
        match sent.await.expect("a send neither panics nor is aborted") {
            Ok(pending) => {
                let id = pending.id().clone();
                Ok(Accepted { callback_url: callback_url(&id), id })
            }
            Err(error) => Err(refusal::of_send(&error, self.options.retry_after, callback_url)),
        }
    }

    /// Waits until every send that has begun has ended. Call it when no request is served any
    /// more, before what the client sends through is closed.
    pub async fn sends_ended(&self) {
        self.sends.close();
        self.sends.wait().await;
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn retry_after(&self) -> Duration {
        self.options.retry_after
    }

    fn base_url(&self, headers: &HeaderMap) -> Result<BaseUrl, Problem> {
        let configured = self.options.public_url.clone();
        configured.map_or_else(|| BaseUrl::of_request(headers), Ok)
    }
}
