//! Handlers that block their threads, beside leases that are much shorter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use longshore::broker::{Broker, BrokerOptions};
use longshore::queues::{QueueNames, apply, desired};
use longshore::role::Endpoint;
use longshore::tasks::{
    Client, ClientOptions, MemoryStore, Replies, Store, Transport, WorkerReport,
};
use longshore::{Context, Failure, Task, Worker};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

const QUEUES: &str = "
    [queues.Images]
    visibility_timeout = '2s'
    dead_letter = { queue = 'Dead', max_receive_count = 5 }
    [queues.Replies]
    [queues.Dead]
";
/// More than two leases of a message.
const BLOCKED: Duration = Duration::from_secs(5);
const TASKS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a receive waits, and so how long the end takes.
const WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize, Deserialize, Task)]
#[task(name = "resize", reply = u32)]
struct Resize(u32);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn transport() -> Arc<dyn Transport> {
    let broker = Broker::open(BrokerOptions::default()).await.unwrap();
    let queues = desired(QUEUES, &QueueNames::default()).unwrap();
    let endpoint = Endpoint::embedded(&broker);
    apply(&*endpoint.admin, &queues).await.unwrap();
    endpoint.transport
}

/// What an application does that resizes images on whichever thread it is called.
async fn resize_all(transport: Arc<dyn Transport>, runs: Arc<AtomicU32>) -> WorkerReport {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let options =
        ClientOptions { reply_queue: Some("Replies".to_owned()), ..ClientOptions::default() };
    let client = Client::new(Arc::clone(&transport), "Images", Arc::clone(&store), options);
    let worker = Worker::new(Arc::clone(&transport), "Images", store)
        .reply_queue("Replies")
        .wait(WAIT)
        .handle::<Resize, _, _>(move |Resize(width), _: Context| {
            let runs = Arc::clone(&runs);
            async move {
                runs.fetch_add(1, Ordering::Relaxed);
                block();
                Ok::<_, Failure>(width)
            }
        });
    let shutdown = CancellationToken::new();
    let replies = Replies::new(transport, "Replies", client.records().clone()).wait(WAIT);
    let replies = tokio::spawn(replies.run(shutdown.clone()));
    let sent = client.send_all((0..TASKS).map(Resize)).await;
    let worker = tokio::spawn(worker.run(shutdown.clone()));
    for (width, pending) in (0..TASKS).zip(sent) {
        assert_eq!(pending.unwrap().reply(PATIENCE).await.unwrap(), width);
    }
    shutdown.cancel();
    replies.await.unwrap().unwrap();
    worker.await.unwrap().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a handler that blocks is what this is about")]
fn block() {
    std::thread::sleep(BLOCKED);
}

#[test]
fn u2_handlers_that_block_their_threads_cost_no_lease_and_run_once() {
    // The broker is elsewhere, as it is from a worker of its own process.
    let elsewhere = runtime();
    let runs = Arc::<AtomicU32>::default();
    let transport = elsewhere.block_on(transport());
    let report = runtime().block_on(resize_all(transport, Arc::clone(&runs)));
    assert_eq!(runs.load(Ordering::Relaxed), TASKS);
    assert_eq!((report.done, report.lost, report.repeated), (u64::from(TASKS), 0, 0), "{report:?}");
}
