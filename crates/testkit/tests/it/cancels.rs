//! A running task learns that it was cancelled, whichever store stands between it and whoever cancels it.

use std::sync::Arc;
use std::time::Duration;

use longshore::broker::{Broker, BrokerOptions};
use longshore::embedded::EmbeddedTransport;
use longshore::queues::{QueueNames, apply, desired};
use longshore::role::Endpoint;
use longshore::{Client, Task, Worker};
use longshore_tasks::{ClientOptions, SqliteStore, Store, Transport};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// A handler is promised to hear of it within three seconds, which the tests of the runtime show by a paused clock. Here the
/// machine, and a server that syncs for many tests at once, may take their time.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize, Task)]
#[task(reply_by = "none")]
struct Endless;

/// A run that is cancelled is dropped where it waits, and so says that it is over by being dropped.
struct Leaving(mpsc::UnboundedSender<&'static str>);

impl Drop for Leaving {
    fn drop(&mut self) {
        // Who listens may have gone.
        self.0.send("it is over").ok();
    }
}

/// Runs a task by one store and cancels it by the other, as by another process.
pub(crate) async fn exercise(workers: Arc<dyn Store>, clients: Arc<dyn Store>) {
    let broker = Broker::open(BrokerOptions::default()).await.unwrap();
    let queues = desired("[queues.tasks]", &QueueNames::default()).unwrap();
    apply(&*Endpoint::embedded(&broker).admin, &queues).await.unwrap();
    let transport: Arc<dyn Transport> = Arc::new(EmbeddedTransport::new(broker.clone()));
    let (say, mut said) = mpsc::unbounded_channel();
    let worker = Worker::new(Arc::clone(&transport), "tasks", workers).handle(move |_: Endless| {
        let say = say.clone();
        async move {
            say.send("it runs").unwrap();
            let _leaving = Leaving(say);
            std::future::pending().await
        }
    });
    let shutdown = CancellationToken::new();
    let working = tokio::spawn(worker.run(shutdown.clone()));
    let client = Client::new(transport, "tasks", clients, ClientOptions::default());
    let id = client.send(Endless).await.unwrap().id().clone();
    assert_eq!(timeout(PATIENCE, said.recv()).await.unwrap(), Some("it runs"));
    client.cancel(&id).await.unwrap();
    assert_eq!(timeout(PATIENCE, said.recv()).await.unwrap(), Some("it is over"));
    shutdown.cancel();
    broker.release_parked();
    assert_eq!(working.await.unwrap().unwrap().cancelled, 1);
}

#[tokio::test]
async fn a_running_task_is_cancelled_by_another_process_over_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Arc::new(SqliteStore::open(directory.path().join("tasks.sqlite3")).unwrap());
    exercise(open(), open()).await;
}
