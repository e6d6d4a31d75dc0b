//! What a role says on stdout when it has started: what listens where, and what to try.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

use crate::application::Application;
use crate::options::address::reachable;
use crate::options::{
    AppOptions, BrokerRoleOptions, DataOptions, UpOptions, WorkerRoleOptions, broker_region,
};
use crate::role::{Endpoint, Names};

/// What is said of a store that the processes of one host share.
const ONE_HOST: &str = "\
Results and claims are in a SQLite file, which the processes of one host share. Apps and workers
on several hosts would need a store that all of them reach.";

/// Writes `message` to stdout. Nobody may be reading it, and that is no reason to fail.
pub fn say(message: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{message}").and_then(|()| stdout.flush());
    if let Err(fault) = written {
        tracing::debug!(%fault, "the start-up message could not be written");
    }
}

/// Where `up` listens, for its start-up message.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// The app.
    pub app: SocketAddr,
    /// The workers' health page.
    pub health: SocketAddr,
    /// The broker, if it is in this process.
    pub broker: Option<SocketAddr>,
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
        Some(broker) => sqs(broker, options.endpoint.region.as_deref()),
        None => endpoint.name.clone(),
    };
    let health = url(addresses.health);
    let lines = [
        ("app", app.clone()),
        ("broker", broker),
        ("workers", format!("{}, health page {health}/health", options.workers)),
        ("queues", queues(names)),
        ("data", up_data(options)),
    ];
    let mut text = head::<A>("is up", &lines);
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
    let text = head::<A>("app listens", &lines);
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
    format!("{}\n{ONE_HOST}\n", head::<A>("worker has started", &lines))
}

/// The start-up message of `broker`.
pub fn broker<A: Application>(
    options: &BrokerRoleOptions,
    names: &Names,
    address: SocketAddr,
) -> String {
    let data = if options.broker.in_memory {
        "in memory: it ends with this process".to_owned()
    } else {
        options.data.broker().display().to_string()
    };
    let declared = names.declared.iter().map(|queue| queue.name.as_str());
    let lines = [
        ("broker", sqs(address, options.region.as_deref())),
        ("health", format!("{}/health", url(address))),
        ("queues", declared.collect::<Vec<_>>().join(", ")),
        ("data", data),
    ];
    head::<A>("broker listens", &lines)
}

fn head<A: Application>(what: &str, lines: &[(&str, String)]) -> String {
    let mut text = format!("{} {what}.\n\n", A::NAME);
    for (name, value) in lines {
        writeln!(text, "  {name:<8} {value}").expect("a String takes everything");
    }
    text
}

fn to_try<A: Application>(app: &str) -> String {
    let mut text = String::from("\nTry:\n");
    for path in A::TO_TRY {
        writeln!(text, "  curl '{app}{path}'").expect("a String takes everything");
    }
    text.push_str("  curl '<the callbackUrl of the answer>'\n");
    text
}

fn sqs(broker: SocketAddr, region: Option<&str>) -> String {
    format!("{}  (SQS in {}, any credentials)", url(broker), broker_region(region))
}

fn url(address: SocketAddr) -> String {
    let address = reachable(address);
    if address.ip() == std::net::Ipv4Addr::LOCALHOST {
        return format!("http://localhost:{}", address.port());
    }
    format!("http://{address}")
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
