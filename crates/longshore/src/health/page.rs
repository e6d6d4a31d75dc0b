//! The health pages of an app and of workers: 200 if the role can do its work, else 503.
//!
//! Both are JSON objects with `role` and `status`: `ok`, `waiting` (for a broker that does not
//! answer), `stuck` (handlers that cannot be stopped keep places closed) or `draining` (the role was told to
//! stop).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use longshore_tasks::control::Said;
use longshore_tasks::transport::{RequestMeter, RequestReport};
use longshore_tasks::worker::RunningTask;
use longshore_tasks::{
    Clock, RepliesReport, RepliesStatus, SystemClock, Transport, WorkerReport, WorkerStatus,
};
use longshore_types::{QueueName, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

/// How long a worker that has room can go without an answer to a receive: three long polls.
const RECEIVE_AGE_MAX: Duration = Duration::from_secs(60);
/// Tasks that a worker's health page names.
const TASKS_MAX: usize = 100;
/// How long an app's health page waits for the broker.
const BROKER_PATIENCE: Duration = Duration::from_secs(2);

/// What a role is up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// It does its work.
    Ok,
    /// The broker does not answer.
    Waiting,
    /// So many handlers go on though their runs were given up that places are closed.
    Stuck,
    /// It was told to stop.
    Draining,
}

impl Condition {
    fn status_code(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Waiting | Self::Stuck | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The health page of the workers of a process.
#[derive(Debug)]
pub(crate) struct WorkersPage {
    workers: Mutex<Vec<Option<Started>>>,
    meter: Option<Arc<RequestMeter>>,
    clock: Arc<dyn Clock>,
}

/// A worker that was started.
#[derive(Clone, Debug)]
struct Started {
    queue: String,
    status: Arc<WorkerStatus>,
    at: Timestamp,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkersHealth {
    role: &'static str,
    status: Condition,
    workers: Vec<WorkerHealth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<RequestReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkerHealth {
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    status: Condition,
    running: u64,
    receiving: u64,
    /// How many tasks may run at once; none before it has begun.
    concurrency: Option<usize>,
    /// Since when its queue is paused, by whom and why, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Said>,
    /// What runs, the longest first.
    tasks: Vec<RunningTask>,
    /// Handlers that go on though their runs were given up, those given up first come first.
    stuck: Vec<RunningTask>,
    /// Places that are closed because there are too many of those.
    places_closed: u64,
    /// Whether a handler does not give its thread back. The worker keeps its leases all the same.
    handlers_blocked: bool,
    last_receive_age_seconds: Option<u64>,
    #[serde(flatten)]
    report: WorkerReport,
}

impl WorkersPage {
    /// A page of `count` workers that have not started, with the requests of their process.
    pub(crate) fn new(count: usize, meter: Option<Arc<RequestMeter>>) -> Self {
        let (workers, clock) = (Mutex::new(vec![None; count]), Arc::new(SystemClock));
        Self { workers, meter, clock }
    }

    /// Shows `status` as that of the worker at `place`, which is for `queue`.
    pub(crate) fn show(&self, place: usize, queue: &str, status: Arc<WorkerStatus>) {
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers[place] = Some(Started { queue: queue.to_owned(), status, at: self.clock.now() });
    }

    /// The workers that have started, each with its queue.
    pub(crate) fn started(&self) -> Vec<(String, Arc<WorkerStatus>)> {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let started = workers.iter().flatten();
        started.map(|started| (started.queue.clone(), Arc::clone(&started.status))).collect()
    }

    /// `GET /health`, and the same at `GET /`.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        let page = async |State(page): State<Arc<Self>>| {
            let health = page.health(page.clock.now());
            (health.status.status_code(), Json(health))
        };
        Router::new().route("/", get(page)).route("/health", get(page)).with_state(self)
    }

    fn health(&self, now: Timestamp) -> WorkersHealth {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let workers: Vec<_> =
            workers.iter().map(|started| worker_health(started.as_ref(), now)).collect();
        let unwell = workers.iter().map(|worker| worker.status).find(|it| *it != Condition::Ok);
        let requests = self.meter.as_deref().map(RequestMeter::report);
        WorkersHealth { role: "worker", status: unwell.unwrap_or(Condition::Ok), workers, requests }
    }
}

fn worker_health(started: Option<&Started>, now: Timestamp) -> WorkerHealth {
    let status = started.map(|started| started.status.as_ref());
    let answered_at = status.and_then(WorkerStatus::receive_answered_at);
    WorkerHealth {
        queue: started.map(|started| started.queue.clone()),
        status: started.map_or(Condition::Waiting, |started| condition(started, now)),
        running: status.map_or(0, WorkerStatus::running),
        receiving: status.map_or(0, WorkerStatus::receiving),
        concurrency: status.and_then(WorkerStatus::concurrency),
        paused: status.and_then(|status| status.control().paused),
        tasks: status.map(|status| status.running_tasks(TASKS_MAX)).unwrap_or_default(),
        stuck: status.map(|status| status.stuck_tasks(TASKS_MAX)).unwrap_or_default(),
        places_closed: status.map_or(0, WorkerStatus::places_closed),
        handlers_blocked: status.is_some_and(WorkerStatus::handlers_blocked),
        last_receive_age_seconds: answered_at.map(|at| now.since(at).as_secs()),
        report: status.map(WorkerStatus::report).unwrap_or_default(),
    }
}

fn condition(Started { status, at, .. }: &Started, now: Timestamp) -> Condition {
    // A worker whose places are all taken, or whose queue is paused, receives nothing, and is well.
    let unanswered_since = status.unanswered_since(*at);
    let receives = unanswered_since.is_none_or(|since| now.since(since) <= RECEIVE_AGE_MAX);
    if status.is_draining() {
        Condition::Draining
    } else if status.places_closed() > 0 {
        Condition::Stuck
    } else if receives {
        Condition::Ok
    } else {
        Condition::Waiting
    }
}

/// The health page of an app.
#[derive(Clone, Debug)]
pub(crate) struct AppPage {
    transport: Arc<dyn Transport>,
    task_queue: Option<QueueName>,
    replies: Option<Arc<RepliesStatus>>,
    shutdown: CancellationToken,
}

#[derive(Debug, Serialize)]
struct AppHealth {
    role: &'static str,
    status: Condition,
    #[serde(skip_serializing_if = "Option::is_none")]
    replies: Option<RepliesReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<RequestReport>,
}

impl AppPage {
    /// A page of an app that sends to `task_queue`, if to any, and consumes `replies`, if it does,
    /// until `shutdown`.
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        task_queue: Option<QueueName>,
        replies: Option<Arc<RepliesStatus>>,
        shutdown: CancellationToken,
    ) -> Self {
        Self { transport, task_queue, replies, shutdown }
    }

    /// `GET /health`.
    pub(crate) fn routes(self) -> Router {
        let page = async |State(page): State<Self>| {
            let status = page.condition().await;
            let replies = page.replies.map(|replies| replies.report());
            let requests = page.transport.meter().map(|meter| meter.report());
            (status.status_code(), Json(AppHealth { role: "app", status, replies, requests }))
        };
        Router::new().route("/health", get(page)).with_state(self)
    }

    async fn condition(&self) -> Condition {
        if self.shutdown.is_cancelled() {
            return Condition::Draining;
        }
        let Some(task_queue) = &self.task_queue else { return Condition::Ok };
        let asked = self.transport.resolve(task_queue.as_str());
        match tokio::time::timeout(BROKER_PATIENCE, asked).await {
            Ok(Ok(_)) => Condition::Ok,
            Ok(Err(_)) | Err(_) => Condition::Waiting,
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_tasks::transport::Action;

    use super::*;

    #[test]
    fn workers_that_have_not_started_wait() {
        let health = WorkersPage::new(2, None).health(Timestamp::from_millis(1));
        assert_eq!(health.status, Condition::Waiting);
        assert_eq!(health.workers.len(), 2);
    }

    #[test]
    fn a_worker_waits_when_its_receives_are_not_answered_for_a_minute() {
        let started = Started {
            queue: "q".to_owned(),
            status: Arc::default(),
            at: Timestamp::from_millis(1_000),
        };
        assert_eq!(condition(&started, Timestamp::from_millis(61_000)), Condition::Ok);
        assert_eq!(condition(&started, Timestamp::from_millis(61_001)), Condition::Waiting);
    }

    #[test]
    fn a_page_names_role_and_status() {
        let meter = Arc::new(RequestMeter::default());
        meter.count(Action::GetQueueUrl, "q", 0);
        let health = WorkersPage::new(1, Some(meter)).health(Timestamp::from_millis(1));
        let page = serde_json::to_value(health).unwrap();
        assert_eq!(page["role"], "worker");
        assert_eq!(page["status"], "waiting");
        assert_eq!(page["workers"][0]["running"], 0);
        assert_eq!(page["requests"]["byPurpose"]["look"]["requests"], 1.0);
    }
}
