//! The start-up messages of an application's roles.

use std::fmt::Write as _;
use std::net::SocketAddr;

use clap::Args;

use super::{head, metrics, sqs, url};
use crate::app::App;
use crate::options::{AppOptions, DataOptions, UpOptions, WorkerRoleOptions};
use crate::role::{Endpoint, Names};

/// What is said of a store that the processes of one host share.
const ONE_HOST: &str = "
Task records are in a SQLite file, which the processes of one host share. Apps and workers on several
hosts need a store that all of them reach: --store postgres://…, redis://… or dynamodb://….
";
/// Said of records that are in memory.
const ONE_PROCESS: &str = "
Task records are in memory: they end with this process, and no other shares them.
";

/// Where `up` listens, for its start-up message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
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
pub(crate) fn up<O: Args, S>(
    app: &App<O, S>,
    options: &UpOptions<O>,
    endpoint: &Endpoint,
    names: &Names,
    addresses: Addresses,
) -> String {
    let address = url(addresses.app);
    let broker = match addresses.broker {
        Some(broker) => {
            let signed = options.broker.require_signatures;
            sqs(broker, options.endpoint.region.as_deref(), signed)
        }
        None => endpoint.name.clone(),
    };
    let health = url(addresses.health);
    let mut lines = vec![
        ("app", address.clone()),
        ("broker", broker),
        ("workers", format!("{}, health page {health}/health", options.workers)),
        ("queues", queues(names)),
        ("data", up_data(options)),
    ];
    lines.extend(addresses.metrics.map(metrics));
    let mut text = head(&app.name, "is up", &lines);
    text.push_str(&to_try(app, &address));
    if !forgets(options) {
        text.push_str(one_host(&options.data));
    }
    text
}

/// The start-up message of `app`.
pub(crate) fn app<O: Args, S>(
    app: &App<O, S>,
    options: &AppOptions<O>,
    endpoint: &Endpoint,
    names: &Names,
    (address, pages): (SocketAddr, Option<SocketAddr>),
) -> String {
    let address = url(address);
    let mut lines = vec![
        ("app", address.clone()),
        ("broker", endpoint.name.clone()),
        ("queues", queues(names)),
        ("store", store(&options.data)),
    ];
    lines.extend(pages.map(metrics));
    let text = head(&app.name, "app listens", &lines);
    format!("{text}{}{}", to_try(app, &address), one_host(&options.data))
}

/// The start-up message of `worker`.
pub(crate) fn worker<O: Args, S>(
    app: &App<O, S>,
    options: &WorkerRoleOptions<O>,
    endpoint: &Endpoint,
    names: &Names,
    health: SocketAddr,
) -> String {
    let lines = [
        ("workers", format!("{} for each task queue", options.workers)),
        ("health", format!("{}/health", url(health))),
        ("broker", endpoint.name.clone()),
        ("queues", queues(names)),
        ("store", store(&options.data)),
    ];
    format!("{}{}", head(&app.name, "worker has started", &lines), one_host(&options.data))
}

fn to_try<O, S>(app: &App<O, S>, address: &str) -> String {
    if app.examples.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nTry:\n");
    for path in &app.examples {
        writeln!(text, "  curl '{address}{path}'").expect("a String takes everything");
    }
    text.push_str("  curl '<the callbackUrl of the answer>'\n");
    text
}

fn queues(names: &Names) -> String {
    let tasks = names.task_queues.iter().map(|name| format!("{name} (tasks)"));
    let replies = names.reply_queue.iter().map(|name| format!("{name} (replies)"));
    tasks.chain(replies).collect::<Vec<_>>().join(", ")
}

fn store(data: &DataOptions) -> String {
    data.store().to_string()
}

fn one_host(data: &DataOptions) -> &'static str {
    let store = data.store();
    match store.path() {
        Some(_) => ONE_HOST,
        None if store.is_shared_between_hosts() => "",
        None => ONE_PROCESS,
    }
}

fn forgets<O: Args>(options: &UpOptions<O>) -> bool {
    options.broker.in_memory && options.data.store.is_none()
}

fn up_data<O: Args>(options: &UpOptions<O>) -> String {
    let store = store(&options.data);
    match (options.broker.in_memory, &options.endpoint.endpoint_url) {
        (true, _) if forgets(options) => "in memory: it ends with this process".to_owned(),
        (true, _) => format!("messages in memory, results in {store}"),
        (false, Some(_)) => store,
        (false, None) => {
            let (messages, synced) =
                (options.data.broker(), super::synced(options.broker.sync_interval));
            format!("messages in {}{synced}, results in {store}", messages.display())
        }
    }
}
