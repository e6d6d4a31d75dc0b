//! What an app and workers count, as Prometheus reads it: `GET /metrics` beside their health page.
//!
//! Everything is read when it is asked for. Labels are names of queues, names of tasks that have a handler here,
//! and closed sets; of messages the page has nothing.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use longshore_metrics::{Family, MEDIA_TYPE, Numbers, Page, render};
use longshore_tasks::Transport;
use longshore_tasks::transport::Requests;
use longshore_tasks::transport::meter::{Line, Spent};
use prometheus_client::metrics::counter::ConstCounter;

const REQUESTS: Family = Family::new(
    "longshore_sqs_requests",
    "Requests to SQS as it bills them since the start; the entries of a batch share its request",
);
const ENTRIES: Family = Family::new(
    "longshore_sqs_entries",
    "Messages that those requests sent, received, deleted or changed since the start",
);

/// Where the numbers of a process are.
#[derive(Clone, Debug)]
pub(crate) struct MetricsPage {
    transport: Arc<dyn Transport>,
}

impl MetricsPage {
    /// The page of a process whose requests go through `transport`.
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }

    /// `GET /metrics`.
    pub(crate) fn routes(self) -> Router {
        let page =
            async |State(page): State<Self>| ([(CONTENT_TYPE, MEDIA_TYPE)], render(page.gather()));
        Router::new().route("/metrics", get(page)).with_state(self)
    }

    fn gather(&self) -> Gathered {
        let meter = self.transport.meter();
        Gathered { requests: meter.map(|meter| meter.snapshot()).unwrap_or_default() }
    }
}

/// The numbers of one moment.
#[derive(Debug)]
struct Gathered {
    requests: Requests,
}

impl Numbers for Gathered {
    fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        let requests =
            |(line, spent): (_, Spent)| (labels(line), ConstCounter::new(spent.requests()));
        page.family(&REQUESTS, self.requests.lines().map(requests))?;
        let carried = self.requests.lines().filter(|(_, spent)| spent.entries > 0);
        let entries = |(line, spent): (_, Spent)| (labels(line), ConstCounter::new(spent.entries));
        page.family(&ENTRIES, carried.map(entries))
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
    use longshore_broker::{Broker, BrokerOptions};
    use longshore_tasks::{Client, ClientOptions, Json, MemoryStore, Task};
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::queues::{QueueNames, apply, desired};
    use crate::role::Endpoint;

    #[derive(Serialize, Deserialize)]
    struct Resize(u32);

    impl Task for Resize {
        const NAME: &'static str = "resize";
        type Reply = ();
        type Codec = Json;
    }

    #[tokio::test]
    async fn a_scrape_has_the_requests_by_queue_action_purpose_and_task() {
        let broker = Broker::open(BrokerOptions::default()).await.unwrap();
        let endpoint = Endpoint::embedded(&broker);
        let queues = desired("[queues.images]", &QueueNames::default()).unwrap();
        apply(&*endpoint.admin, &queues).await.unwrap();
        let (transport, store) = (endpoint.transport, Arc::new(MemoryStore::new()));
        let client = Client::new(Arc::clone(&transport), "images", store, ClientOptions::default());
        client.send_all((0..3).map(Resize)).await;
        let page = render(MetricsPage::new(transport).gather());
        for line in [
            "# TYPE longshore_sqs_requests counter",
            "longshore_sqs_requests_total{queue=\"images\",action=\"SendMessageBatch\",\
             purpose=\"task\",task=\"resize\"} 1.0",
            "longshore_sqs_requests_total{queue=\"images\",action=\"GetQueueUrl\",\
             purpose=\"look\",task=\"\"} 1.0",
            "longshore_sqs_entries_total{queue=\"images\",action=\"SendMessageBatch\",\
             purpose=\"task\",task=\"resize\"} 3",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }
}
