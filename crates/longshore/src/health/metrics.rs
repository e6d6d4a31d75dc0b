//! What an app and workers count, as Prometheus reads it: `GET /metrics` beside their health page.
//!
//! ```text
//! RequestMeter, WorkerStatus, RepliesStatus, StoreCalls ─► Gathered (copies) ─► Page
//! ```
//!
//! Everything is read when it is asked for. Labels are names of queues, names of tasks that have a handler here,
//! and closed sets; of messages the page has nothing. Workers of one queue are shown together.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use longshore_metrics::{Family, Histogram, MEDIA_TYPE, Numbers, Page, render};
use longshore_tasks::store::{CallNumbers, StoreCalls};
use longshore_tasks::transport::Requests;
use longshore_tasks::transport::meter::{Line, Spent};
use longshore_tasks::worker::{TaskNumbers, WorkerNumbers};
use longshore_tasks::{RepliesReport, RepliesStatus, Transport, WorkerReport};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::page::WorkersPage;

const REQUESTS: Family = Family::new(
    "longshore_sqs_requests",
    "Requests to SQS as it bills them since the start; the entries of a batch share its request",
);
const ENTRIES: Family = Family::new(
    "longshore_sqs_entries",
    "Messages that those requests sent, received, deleted or changed since the start",
);
const CALLS: Family = Family::new(
    "longshore_sqs_calls",
    "Calls of SQS since the start; by the entries, this tells how large batches are",
);
const RUNS: Family =
    Family::new("longshore_task_runs", "Runs of tasks since the start, by what they came to");
const RUNNING: Family = Family::new("longshore_tasks_running", "Handlers that run just now");
const STUCK: Family = Family::new(
    "longshore_tasks_stuck",
    "Handlers that go on just now though their runs were given up",
);
const ABANDONED: Family = Family::new(
    "longshore_task_runs_abandoned",
    "Runs that were given up and went on for more than a second, since the start",
);
const RUN_DURATION: Family = Family::in_seconds(
    "longshore_task_run_duration",
    "How long handlers ran since the start, whatever it came to",
);
const LATENESS: Family = Family::in_seconds(
    "longshore_task_lateness",
    "How long after it was sent the first run of a task began; a delay that was asked for counts",
);
const STORE_DURATION: Family = Family::in_seconds(
    "longshore_store_call_duration",
    "How long calls of the store of task records took since the start",
);
const STORE_ERRORS: Family = Family::new(
    "longshore_store_call_errors",
    "Calls of the store of task records that failed since the start",
);
const REPLIES: Family =
    Family::new("longshore_replies", "Messages of the reply queue since the start, by their fate");
const DELIVERIES: Family = Family::new(
    "longshore_deliveries_without_run",
    "Messages of tasks that were received and not run since the start, by the reason",
);

/// Gauges of the workers of a queue.
const GAUGES: [OfWorkers; 3] = [
    (Family::new("longshore_worker_places", "Tasks that the workers run at once, at most"), |of| {
        of.numbers.places
    }),
    (Family::new("longshore_worker_messages", "Messages that the workers have in hand"), |of| {
        of.running
    }),
    (Family::new("longshore_leases_held", "Messages whose leases the workers hold"), |of| {
        of.numbers.leases_held
    }),
];
/// Counters of the workers of a queue.
const COUNTERS: [OfWorkers; 7] = [
    (Family::new("longshore_leases_renewed", "Renewals of leases since the start"), |of| {
        of.numbers.leases_renewed
    }),
    (Family::new("longshore_leases_lost", "Leases that were lost since the start"), |of| {
        of.numbers.leases_lost
    }),
    (
        Family::new(
            "longshore_outbox_made_good",
            "Replies and dead letters that were sent later than they were due, since the start",
        ),
        |of| of.report.made_good,
    ),
    (
        Family::new(
            "longshore_ends_held_up",
            "Ends of runs that the store did not take at first, since the start",
        ),
        |of| of.report.ends_held_up,
    ),
    (
        Family::new(
            "longshore_tasks_stranded",
            "Tasks that nobody came for since the start: sent anew, or ended as dead",
        ),
        |of| of.report.stranded,
    ),
    (
        Family::new(
            "longshore_deletes_unknown",
            "Deletes of messages that were not confirmed since the start",
        ),
        |of| of.report.delete_unknown,
    ),
    (
        Family::new(
            "longshore_leases_too_late",
            "Deletes and hand-backs that were given up since their lease had ended, since the start",
        ),
        |of| of.report.too_late,
    ),
];

type OfWorkers = (Family, fn(&OfQueue) -> u64);

/// Where the numbers of a process are.
#[derive(Clone, Debug)]
pub(crate) struct MetricsPage {
    transport: Arc<dyn Transport>,
    store: Arc<StoreCalls>,
    workers: Option<Arc<WorkersPage>>,
    replies: Option<Arc<RepliesStatus>>,
}

impl MetricsPage {
    /// The page of a process whose requests go through `transport`, and whose store counts in `store`.
    pub(crate) fn new(transport: Arc<dyn Transport>, store: Arc<StoreCalls>) -> Self {
        Self { transport, store, workers: None, replies: None }
    }

    /// With what these workers count.
    #[must_use]
    pub(crate) fn workers(self, workers: &Arc<WorkersPage>) -> Self {
        Self { workers: Some(Arc::clone(workers)), ..self }
    }

    /// With what the consumer of replies counts, if there is one.
    #[must_use]
    pub(crate) fn replies(self, replies: Option<Arc<RepliesStatus>>) -> Self {
        Self { replies, ..self }
    }

    /// `GET /metrics`.
    pub(crate) fn routes(self) -> Router {
        let page =
            async |State(page): State<Self>| ([(CONTENT_TYPE, MEDIA_TYPE)], render(page.gather()));
        Router::new().route("/metrics", get(page)).with_state(self)
    }

    fn gather(&self) -> Gathered {
        let meter = self.transport.meter();
        let mut queues: BTreeMap<String, OfQueue> = BTreeMap::new();
        for (queue, status) in self.workers.iter().flat_map(|page| page.started()) {
            let of_queue = queues.entry(queue).or_default();
            of_queue.add(status.running(), status.report(), status.numbers());
        }
        Gathered {
            requests: meter.map(|meter| meter.snapshot()).unwrap_or_default(),
            store: self.store.numbers(),
            queues,
            replies: self.replies.as_ref().map(|replies| replies.report()),
        }
    }
}

/// What the workers of a queue have counted.
#[derive(Debug, Default)]
struct OfQueue {
    /// Messages that they have in hand.
    running: u64,
    report: WorkerReport,
    numbers: WorkerNumbers,
}

impl OfQueue {
    fn add(&mut self, running: u64, report: WorkerReport, numbers: WorkerNumbers) {
        self.running += running;
        self.report += report;
        self.numbers += numbers;
    }
}

/// The numbers of one moment.
#[derive(Debug)]
struct Gathered {
    requests: Requests,
    store: Vec<CallNumbers>,
    queues: BTreeMap<String, OfQueue>,
    replies: Option<RepliesReport>,
}

impl Numbers for Gathered {
    fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        self.requests(page)?;
        self.tasks(page)?;
        self.workers(page)?;
        self.store(page)?;
        self.replies(page)
    }
}

impl Gathered {
    fn requests(&self, page: &mut Page<'_>) -> fmt::Result {
        let requests =
            |(line, spent): (_, Spent)| (labels(line), ConstCounter::new(spent.requests()));
        page.family(&REQUESTS, self.requests.lines().map(requests))?;
        let carried = self.requests.lines().filter(|(_, spent)| spent.entries > 0);
        let entries = |(line, spent): (_, Spent)| (labels(line), ConstCounter::new(spent.entries));
        page.family(&ENTRIES, carried.map(entries))?;
        let calls = self.requests.calls().map(|(queue, action, count)| {
            ([("queue", queue), ("action", action.as_str())], ConstCounter::new(count))
        });
        page.family(&CALLS, calls)
    }

    fn tasks(&self, page: &mut Page<'_>) -> fmt::Result {
        let runs = self.by_task().flat_map(|(of_task, numbers)| {
            let sample = move |(end, count): (&longshore_tasks::worker::RunEnd, &u64)| {
                let [queue, task] = of_task;
                ([queue, task, ("outcome", end.as_str())], ConstCounter::new(*count))
            };
            numbers.ends.iter().map(sample)
        });
        page.family(&RUNS, runs)?;
        let running = |(labels, of): (_, &TaskNumbers)| (labels, ConstGauge::new(of.running));
        page.family(&RUNNING, self.by_task().map(running))?;
        let stuck = |(labels, of): (_, &TaskNumbers)| (labels, ConstGauge::new(of.stuck));
        page.family(&STUCK, self.by_task().map(stuck))?;
        let abandoned = |(labels, of): (_, &TaskNumbers)| (labels, ConstCounter::new(of.abandoned));
        page.family(&ABANDONED, self.by_task().map(abandoned))?;
        let durations =
            |(labels, of): (_, &TaskNumbers)| (labels, Histogram::of_durations(&of.durations));
        page.family(&RUN_DURATION, self.by_task().map(durations))?;
        let lateness =
            |(labels, of): (_, &TaskNumbers)| (labels, Histogram::of_durations(&of.lateness));
        page.family(&LATENESS, self.by_task().map(lateness))
    }

    /// What was counted of each task, with its labels.
    fn by_task(&self) -> impl Iterator<Item = ([(&'static str, &str); 2], &TaskNumbers)> {
        self.queues.iter().flat_map(|(queue, of_queue)| {
            let tasks = of_queue.numbers.tasks.iter();
            tasks.map(move |(task, of)| ([("queue", queue.as_str()), ("task", &**task)], of))
        })
    }

    fn workers(&self, page: &mut Page<'_>) -> fmt::Result {
        let queues = || self.queues.iter().map(|(queue, of)| ([("queue", queue.as_str())], of));
        for (family, value) in &GAUGES {
            page.family(family, queues().map(|(queue, of)| (queue, ConstGauge::new(value(of)))))?;
        }
        for (family, value) in &COUNTERS {
            let samples = queues().map(|(queue, of)| (queue, ConstCounter::new(value(of))));
            page.family(family, samples)?;
        }
        let reasons = queues().flat_map(|([queue], OfQueue { report, .. })| {
            let counts = [
                ("busy", report.busy),
                ("repeated", report.repeated),
                ("returned", report.returned),
                ("over_limit", report.over_limit),
            ];
            counts.map(|(reason, count)| ([queue, ("reason", reason)], ConstCounter::new(count)))
        });
        page.family(&DELIVERIES, reasons)
    }

    fn store(&self, page: &mut Page<'_>) -> fmt::Result {
        let durations =
            |of: &CallNumbers| ([("call", of.call)], Histogram::of_durations(&of.durations));
        page.family(&STORE_DURATION, self.store.iter().map(durations))?;
        let errors = |of: &CallNumbers| ([("call", of.call)], ConstCounter::new(of.errors));
        page.family(&STORE_ERRORS, self.store.iter().map(errors))
    }

    fn replies(&self, page: &mut Page<'_>) -> fmt::Result {
        let fates = self.replies.iter().flat_map(|report| {
            [
                ("kept", report.kept),
                ("unknown", report.unknown),
                ("dead_lettered", report.dead_lettered),
            ]
        });
        let sample = |(fate, count)| ([("fate", fate)], ConstCounter::<u64>::new(count));
        page.family(&REPLIES, fates.map(sample))
    }
}

fn labels(line: &Line) -> [(&'static str, &str); 4] {
    let Line { queue, action, purpose, task } = line;
    [
        ("queue", &**queue),
        ("action", action.as_str()),
        ("purpose", purpose.as_str()),
        ("task", &**task),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longshore_broker::{Broker, BrokerOptions};
    use longshore_tasks::store::{MeasuredStore, Store};
    use longshore_tasks::{
        Client, ClientOptions, Failure, Json, MemoryStore, Replies, Task, Worker,
    };
    use serde::{Deserialize, Serialize};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::queues::{QueueNames, apply, desired};
    use crate::role::Endpoint;

    #[derive(Serialize, Deserialize)]
    struct Resize(u32);

    impl Task for Resize {
        const NAME: &'static str = "resize";
        type Reply = u32;
        type Codec = Json;
    }

    async fn resize(Resize(width): Resize) -> Result<u32, Failure> {
        if width == 0 { Err(Failure::dead("no width")) } else { Ok(width / 2) }
    }

    /// The page of a process that has run three tasks in two workers, and taken in their replies.
    async fn page() -> String {
        let broker = Broker::open(BrokerOptions::default()).await.unwrap();
        let endpoint = Endpoint::embedded(&broker);
        let queues = desired("[queues.images]\n[queues.replies]", &QueueNames::default()).unwrap();
        apply(&*endpoint.admin, &queues).await.unwrap();
        let store = MeasuredStore::new(Arc::new(MemoryStore::new()));
        let (transport, calls) = (endpoint.transport, store.calls());
        let store: Arc<dyn Store> = Arc::new(store);
        let options =
            ClientOptions { reply_queue: Some("replies".to_owned()), ..ClientOptions::default() };
        let client = Client::new(Arc::clone(&transport), "images", Arc::clone(&store), options);
        let workers = Arc::new(WorkersPage::new(2, None));
        let shutdown = CancellationToken::new();
        let mut running = tokio::task::JoinSet::new();
        for place in 0..2 {
            let worker = Worker::new(Arc::clone(&transport), "images", Arc::clone(&store));
            let worker = worker.handle(resize).reply_queue("replies").own_thread(false);
            workers.show(place, "images", worker.status());
            let shutdown = shutdown.clone();
            running.spawn(async move { assert!(worker.run(shutdown).await.is_ok()) });
        }
        let replies = Replies::new(Arc::clone(&transport), "replies", client.records().clone());
        let taken_in = replies.status();
        let consumed = replies.run(shutdown.clone());
        running.spawn(async move { assert!(consumed.await.is_ok()) });
        for sent in client.send_all((0..3).map(Resize)).await {
            drop(sent.unwrap().reply(Duration::from_secs(60)).await);
        }
        while taken_in.report().kept < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shutdown.cancel();
        while !running.is_empty() {
            let ended = tokio::time::timeout(Duration::from_millis(50), running.join_next()).await;
            if let Ok(Some(ended)) = ended {
                ended.unwrap();
            }
            broker.release_parked();
        }
        let page = MetricsPage::new(transport, calls).workers(&workers).replies(Some(taken_in));
        render(page.gather())
    }

    #[tokio::test(start_paused = true)]
    async fn a_scrape_has_what_app_and_workers_count() {
        let page = page().await;
        let images = r#"queue="images",task="resize""#;
        for line in [
            "# TYPE longshore_sqs_requests counter".to_owned(),
            r#"longshore_sqs_requests_total{queue="images",action="SendMessageBatch",purpose="task",task="resize"} 1.0"#.to_owned(),
            r#"longshore_sqs_entries_total{queue="images",action="SendMessageBatch",purpose="task",task="resize"} 3"#.to_owned(),
            r#"longshore_sqs_calls_total{queue="images",action="SendMessageBatch"} 1"#.to_owned(),
            format!(r#"longshore_task_runs_total{{{images},outcome="done"}} 2"#),
            format!(r#"longshore_task_runs_total{{{images},outcome="dead"}} 1"#),
            format!("longshore_tasks_running{{{images}}} 0"),
            format!("longshore_tasks_stuck{{{images}}} 0"),
            format!("longshore_task_runs_abandoned_total{{{images}}} 0"),
            format!("longshore_task_run_duration_seconds_count{{{images}}} 3"),
            format!("longshore_task_lateness_seconds_count{{{images}}} 3"),
            r#"longshore_task_lateness_seconds_count{queue="images",task="other"} 0"#.to_owned(),
            r#"longshore_worker_places{queue="images"} 20"#.to_owned(),
            r#"longshore_worker_messages{queue="images"} 0"#.to_owned(),
            r#"longshore_leases_held{queue="images"} 0"#.to_owned(),
            r#"longshore_leases_lost_total{queue="images"} 0"#.to_owned(),
            r#"longshore_deliveries_without_run_total{queue="images",reason="busy"} 0"#.to_owned(),
            r#"longshore_store_call_errors_total{call="write"} 0"#.to_owned(),
            r#"longshore_replies_total{fate="kept"} 3"#.to_owned(),
            "# EOF".to_owned(),
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        assert!(page.contains(r#"longshore_store_call_duration_seconds_count{call="write"}"#));
    }
}
