//! The start-up messages of an application's roles.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::{head, metrics, sqs, url};
use crate::application::Application;
use crate::options::{AppOptions, DataOptions, UpOptions, WorkerRoleOptions};
use crate::role::{Endpoint, Names};

/// What is said of a store that the processes of one host share.
const ONE_HOST: &str = "\
Results and claims are in a SQLite file, which the processes of one host share. Apps and workers
on several hosts would need a store that all of them reach.";

/// Where `up` listens, for its start-up message.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The app.
    pub app: SocketAddr,
    /// The workers' health page.
    pub health: SocketAddr,
    /// The broker, if it is in this process.
    pub broker: Option<SocketAddr>,
    /// The broker's metrics, if they are served.
    pub metrics: Option<SocketAddr>,
}

/// The start-up message of `up`.
pub fn up<A: Application>(
    options: &UpOptions<A::Options>,
    endpoint: &Endpoint,
    names: &Names,
    addresses: Addresses,
) -> String {
    let app = url(addresses.app);
    let broker = match addresses.broker {
        Some(broker) => {
            let signed = options.broker.require_signatures;
            sqs(broker, options.endpoint.region.as_deref(), signed)
        }
        None => endpoint.name.clone(),
    };
    let health = url(addresses.health);
    let mut lines = vec![
        ("app", app.clone()),
        ("broker", broker),
        ("workers", format!("{}, health page {health}/health", options.workers)),
        ("queues", queues(names)),
        ("data", up_data(options)),
    ];
    lines.extend(addresses.metrics.map(metrics));
    let mut text = head(A::NAME, "is up", &lines);
    text.push_str(&to_try::<A>(&app));
    if !forgets(options) {
        write!(text, "\n{ONE_HOST}\n").expect("a String takes everything");
    }
    text
}

/// The start-up message of `app`.
pub fn app<A: Application>(
    options: &AppOptions<A::Options>,
    endpoint: &Endpoint,
    names: &Names,
    address: SocketAddr,
) -> String {
    let app = url(address);
    let lines = [
        ("app", app.clone()),
        ("broker", endpoint.name.clone()),
        ("queues", queues(names)),
        ("store", store(&options.data)),
    ];
    let text = head(A::NAME, "app listens", &lines);
    format!("{text}{}\n{ONE_HOST}\n", to_try::<A>(&app))
}

/// The start-up message of `worker`.
pub fn worker<A: Application>(
    options: &WorkerRoleOptions<A::Options>,
    endpoint: &Endpoint,
    names: &Names,
    health: SocketAddr,
) -> String {
    let concurrency = options.worker.concurrency;
    let lines = [
        ("workers", format!("{} with {concurrency} tasks at once", options.workers)),
        ("health", format!("{}/health", url(health))),
        ("broker", endpoint.name.clone()),
        ("queues", queues(names)),
        ("store", store(&options.data)),
    ];
    format!("{}\n{ONE_HOST}\n", head(A::NAME, "worker has started", &lines))
}

fn to_try<A: Application>(app: &str) -> String {
    let mut text = String::from("\nTry:\n");
    for path in A::TO_TRY {
        writeln!(text, "  curl '{app}{path}'").expect("a String takes everything");
    }
    text.push_str("  curl '<the callbackUrl of the answer>'\n");
    text
}

fn queues(names: &Names) -> String {
    format!("{} (tasks), {} (replies)", names.task_queue, names.status_queue)
}

fn store(data: &DataOptions) -> String {
    data.store().display().to_string()
}

fn forgets<O: clap::Args>(options: &UpOptions<O>) -> bool {
    options.broker.in_memory && options.data.store.is_none()
}

fn up_data<O: clap::Args>(options: &UpOptions<O>) -> String {
    let store = store(&options.data);
    match (options.broker.in_memory, &options.endpoint.endpoint_url) {
        (true, _) if forgets(options) => "in memory: it ends with this process".to_owned(),
        (true, _) => format!("messages in memory, results in {store}"),
        (false, Some(_)) => store,
        (false, None) => {
            format!("messages in {}, results in {store}", options.data.broker().display())
        }
    }
}
