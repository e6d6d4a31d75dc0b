//! A worker's life: its parts are started, work until the shutdown, and end in order.
//!
//! shutdown → receives stop → runs end, or are handed back after the grace period → replies and
//! deletes are flushed.

use std::sync::Arc;
use std::time::Duration;

use longshore_types::limits::{RECEIVE_COUNT_MAX, VISIBILITY_TIMEOUT_MAX};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::acknowledger::Acknowledger;
use super::dispatcher::Dispatcher;
use super::heartbeat::{Heartbeat, HeartbeatParts};
use super::poller::Poller;
use super::runtime::Runtime;
use super::sender::Sender;
use super::store_gate::StoreGate;
use super::{Worker, WorkerError};
use crate::clock::{self, Clock};
use crate::store::ClaimStore;
use crate::transport::{QueueFacts, QueueHandle};

/// The least visibility timeout that leaves time to renew it.
const VISIBILITY_MIN: Duration = Duration::from_secs(1);
/// How long, after the grace period, handing back and the last receive may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How often claims that were kept long enough are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);
/// Claims that are removed in one go, so that nobody waits long for the store.
const EXPIRE_COUNT_MAX: usize = 500;

impl Worker {
    /// Works until the shutdown, and through it.
    pub(super) async fn work(
        self,
        queue: QueueHandle,
        facts: QueueFacts,
        shutdown: CancellationToken,
    ) -> Result<(), WorkerError> {
        let mut flushing = JoinSet::new();
        let mut background = JoinSet::new();
        let (grace, retention) = (self.options.grace, self.options.retention);
        let (claims, clock) = (Arc::clone(&self.claims), Arc::clone(&self.options.clock));
        let runtime = self.start(queue, facts, &mut flushing);
        let heartbeat = Arc::clone(&runtime.heartbeat);
        background.spawn(async move { heartbeat.run().await });
        background.spawn(expire_claims(claims, clock, retention));

        let drained = runtime.drained.clone();
        let status = Arc::clone(&runtime.status);
        let dispatcher = dispatch(runtime, shutdown.clone(), &mut background);
        let deadline = async {
            shutdown.cancelled().await;
            status.note_draining();
            sleep(grace).await;
            drained.cancel();
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = dispatcher => {}
            () = deadline => tracing::warn!("the drain was cut off; what was held comes again"),
            Some(Err(error)) = background.join_next() => {
                tracing::error!(%error, "a part of the worker has ended");
            }
        }
        let ended_early = !shutdown.is_cancelled();
        // A poller that outlived the deadline would keep the flush from ending.
        background.shutdown().await;
        let flush = async { while flushing.join_next().await.is_some() {} };
        if timeout(LAST_WORDS, flush).await.is_err() {
            tracing::warn!("the last deletes were cut off; what they were for comes again");
        }
        if ended_early { Err(WorkerError::Broken) } else { Ok(()) }
    }

    fn start(
        self,
        queue: QueueHandle,
        facts: QueueFacts,
        flushing: &mut JoinSet<()>,
    ) -> Arc<Runtime> {
        let Self { transport, claims, registry, options, status, .. } = self;
        let visibility_timeout = options.visibility_timeout.unwrap_or(facts.visibility_timeout);
        let visibility_timeout = visibility_timeout.clamp(VISIBILITY_MIN, VISIBILITY_TIMEOUT_MAX);
        let (acknowledger, acknowledging) =
            Acknowledger::new(Arc::clone(&transport), queue.clone(), Arc::clone(&status));
        let (sender, sending) = Sender::new(Arc::clone(&transport));
        flushing.spawn(acknowledging.run());
        flushing.spawn(sending.run());
        let heartbeat = Heartbeat::new(HeartbeatParts {
            transport: Arc::clone(&transport),
            queue: queue.clone(),
            claims: Arc::clone(&claims),
            clock: Arc::clone(&options.clock),
            visibility_timeout,
        });
        Arc::new(Runtime {
            transport,
            queue,
            facts,
            visibility_timeout,
            claims,
            registry,
            options,
            status,
            heartbeat,
            acknowledger,
            sender,
            store_gate: StoreGate::default(),
            drained: CancellationToken::new(),
        })
    }
}

/// Starts the poller; the dispatcher is the caller's to run.
fn dispatch(
    runtime: Arc<Runtime>,
    shutdown: CancellationToken,
    background: &mut JoinSet<()>,
) -> impl Future<Output = ()> + use<> {
    let (sender, deliveries) = mpsc::channel(RECEIVE_COUNT_MAX);
    let poller = Poller {
        runtime: Arc::clone(&runtime),
        permits: Arc::new(Semaphore::new(runtime.options.concurrency)),
        deliveries: sender,
        shutdown: shutdown.clone(),
    };
    background.spawn(poller.run());
    Dispatcher { runtime, deliveries, shutdown }.run()
}

async fn expire_claims(claims: Arc<dyn ClaimStore>, clock: Arc<dyn Clock>, retention: Duration) {
    loop {
        let before = clock::before(clock.now(), retention);
        match claims.expire_claims(before, EXPIRE_COUNT_MAX).await {
            Ok(EXPIRE_COUNT_MAX) => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "old claims were not removed"),
        }
        sleep(EXPIRE_EVERY).await;
    }
}
