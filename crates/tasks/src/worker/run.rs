//! A worker's life: its parts are started, work until the shutdown, and end in order.
//!
//! shutdown → receives stop → runs end, or are handed back after the grace period → replies,
//! marks and deletes are flushed → the log says what became of what was held.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use longshore_types::limits::{RECEIVE_COUNT_MAX, VISIBILITY_TIMEOUT_MAX};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::acknowledger::Acknowledger;
use super::controls::{ControlLoop, Controls};
use super::dispatcher::Dispatcher;
use super::drain::Drain;
use super::facts::{Facts, FactsLoop};
use super::handlers::HandlerRuntime;
use super::heartbeat::{Heartbeat, HeartbeatParts};
use super::key_limit::KeyLimits;
use super::lengths::Lengths;
use super::marks::Marks;
use super::options::Options;
use super::outbox::OutboxLoop;
use super::permits::Permits;
use super::poller::Poller;
use super::registry::Registry;
use super::reply_queues::ReplyQueues;
use super::room::Room;
use super::runtime::Runtime;
use super::seen::Seen;
use super::sender::Sender;
use super::status::WorkerStatus;
use super::store_gate::StoreGate;
use super::stranded::{FoundEmpty, Levels};
use super::stuck::StuckRuns;
use super::turns::Turns;
use super::{Worker, WorkerError, stall, thread};
use crate::backoff::Backoff;
use crate::batcher::Others;
use crate::error_chain::in_one_line;
use crate::priority::Priority;
use crate::start;
use crate::store::Records;
use crate::transport::meter::TaskNames;
use crate::transport::{DeadLetterFacts, Gated, QueueFacts, QueueHandle, Transport};

/// The least visibility timeout that leaves time to renew it.
const VISIBILITY_MIN: Duration = Duration::from_secs(1);
/// How long, after the grace period, handing back and the last receive may take.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// When connections are asked for again that could not be made.
const CONNECT_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// Receives of a FIFO queue beyond a task's attempts: one for an attempt that ends its worker.
const FIFO_SLACK: u32 = 1;

impl Worker {
    /// Works on a thread of its own, if it was not told otherwise; handlers run on this runtime.
    pub(super) async fn run_apart(self, shutdown: CancellationToken) -> Result<(), WorkerError> {
        let handlers = self.options.handler_runtime.clone().unwrap_or_else(Handle::current);
        if !self.options.own_thread {
            let (transport, records) = (Arc::clone(&self.transport), self.records.clone());
            return self.begin(transport, records, handlers, shutdown).await;
        }
        let run = move || async move {
            let Some((transport, records)) = self.separate(&shutdown).await else { return Ok(()) };
            self.begin(transport, records, handlers, shutdown).await
        };
        match thread::on_own_thread(run).await {
            Ok(ended) => ended.unwrap_or(Err(WorkerError::Broken)),
            Err(error) => Err(WorkerError::Thread(error)),
        }
    }

    /// Connections of the calling runtime's own; `None` if the shutdown came first.
    async fn separate(
        &self,
        shutdown: &CancellationToken,
    ) -> Option<(Arc<dyn Transport>, Records)> {
        let mut pauses = CONNECT_AGAIN.start();
        loop {
            let made = async {
                let transport = Arc::clone(&self.transport).separate().await;
                let records = self.records.separate().await;
                (transport, records)
            };
            match shutdown.run_until_cancelled(made).await? {
                (Ok(transport), Ok(records)) => return Some((transport, records)),
                (transport, records) => {
                    let error = transport.err().map(|error| in_one_line(&error));
                    let error = error.or_else(|| records.err().map(|error| error.to_string()));
                    tracing::warn!(error, "waiting for broker and store");
                }
            }
            shutdown.run_until_cancelled(sleep(pauses.next_pause())).await;
        }
    }

    async fn begin(
        mut self,
        transport: Arc<dyn Transport>,
        records: Records,
        handlers: Handle,
        shutdown: CancellationToken,
    ) -> Result<(), WorkerError> {
        let transport: Arc<dyn Transport> = Gated::new(transport, &self.options.random);
        if let Some(priorities) = &self.options.priorities {
            priorities.check_for(&self.queue_name)?;
        }
        self.check_rates()?;
        let Some(levels) = self.find_levels(&*transport, &shutdown).await? else { return Ok(()) };
        let own = &levels[levels.len() / 2];
        self.fit_attempts(&own.queue, own.facts.dead_letter.as_ref())?;
        (self.transport, self.records) = (transport, records);
        let turns = self.options.priorities.map_or_else(Turns::alone, Turns::of);
        let (queue, permits) =
            (own.queue.name().to_owned(), Permits::new(self.options.concurrency, turns));
        let stuck = StuckRuns::new(queue.clone(), Arc::clone(&permits), self.status());
        let handlers = HandlerRuntime {
            runtime: handlers,
            worker: Handle::current(),
            queue,
            room: Room::default(),
            permits,
            stuck,
            clock: Arc::clone(&self.options.clock),
            shutdown: shutdown.clone(),
        };
        self.work(levels, handlers, shutdown).await
    }

    /// The queues that are received from, the highest level first, and the worker's own in the middle;
    /// `None` if the shutdown came first.
    async fn find_levels(
        &self,
        transport: &dyn Transport,
        shutdown: &CancellationToken,
    ) -> Result<Option<Vec<Level>>, WorkerError> {
        let (own, patience) = (&self.queue_name, self.options.queue_patience);
        let names = match self.options.priorities {
            None => vec![own.clone()],
            Some(_) => Priority::ALL.map(|level| level.queue_of(own)).to_vec(),
        };
        let mut levels = Vec::new();
        for name in names {
            let found = start::find_queue(transport, &name, patience, shutdown).await?;
            let Some((queue, facts)) = found else { return Ok(None) };
            levels.push(Level { queue, facts });
        }
        Ok(Some(levels))
    }

    fn check_rates(&self) -> Result<(), WorkerError> {
        let rates = self
            .registry
            .iter()
            .filter_map(|(name, registered)| Some((name, registered.options.rate_limit?)));
        for (task, rate) in rates {
            let refused = |fault| WorkerError::Rate { task: task.to_owned(), fault };
            rate.check().map_err(refused)?;
        }
        Ok(())
    }

    /// On a FIFO queue nothing is sent anew, so all attempts, and one more receive for an attempt that
    /// ends its worker, must fit what the queue grants. A policy that nobody chose is made to fit.
    fn fit_attempts(
        &mut self,
        queue: &QueueHandle,
        dead_letter: Option<&DeadLetterFacts>,
    ) -> Result<(), WorkerError> {
        let Some(receives) = dead_letter.map(|facts| facts.receive_count_max) else {
            return Ok(());
        };
        if !queue.is_fifo() {
            return Ok(());
        }
        let attempts_max = receives.saturating_sub(FIFO_SLACK);
        let retry = &mut self.options.retry;
        if !self.options.retry_was_chosen {
            retry.attempts_max = retry.attempts_max.min(attempts_max.max(1));
        }
        let of_tasks = self.registry.iter().filter_map(|(name, registered)| {
            Some((name, registered.options.retry.as_ref()?.attempts_max))
        });
        let own = std::iter::once(("any task", retry.attempts_max));
        match own.chain(of_tasks).find(|(_, attempts)| *attempts > attempts_max) {
            None => Ok(()),
            Some((task, attempts)) => Err(WorkerError::NoSlack {
                queue: queue.name().to_owned(),
                task: task.to_owned(),
                attempts,
                receives,
            }),
        }
    }

    /// Works until the shutdown, and through it.
    async fn work(
        self,
        levels: Vec<Level>,
        handlers: HandlerRuntime,
        shutdown: CancellationToken,
    ) -> Result<(), WorkerError> {
        let mut flushing = JoinSet::new();
        let mut background = JoinSet::new();
        let (grace, status) = (self.options.grace, self.status());
        let (queue, name) = (handlers.queue.clone(), self.options.name.clone());
        let (drained, stuck) = (CancellationToken::new(), handlers.stuck.clone());
        let dispatchers = {
            let runtimes = self.start(levels, &handlers, &drained, &mut flushing);
            watch_over(&runtimes, &handlers, &mut background);
            let dispatch = |runtime| dispatch(runtime, shutdown.clone(), &mut background);
            join_all(runtimes.into_iter().map(dispatch).collect::<Vec<_>>())
        };
        drop(handlers);
        let (mut drain, mut cut_off) = (None, 0);
        let deadline = async {
            shutdown.cancelled().await;
            drain = Some(Drain::begin(Arc::clone(&status)));
            sleep(grace).await;
            drained.cancel();
            sleep(LAST_WORDS).await;
            cut_off = status.running();
        };
        tokio::select! {
            biased;
            _ = dispatchers => {}
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
        stuck.end().await;
        if !ended_early {
            let drain = drain.unwrap_or_else(|| Drain::begin(status));
            drain.log_end(&queue, &name, cut_off);
        }
        if ended_early { Err(WorkerError::Broken) } else { Ok(()) }
    }

    /// A runtime for each level. They share what is the worker's: permits, controls, status, handlers.
    fn start(
        self,
        levels: Vec<Level>,
        handlers: &HandlerRuntime,
        drained: &CancellationToken,
        flushing: &mut JoinSet<()>,
    ) -> Vec<Arc<Runtime>> {
        let Self { transport, records, registry, options, status, .. } = self;
        let names = Arc::new(registry.task_names());
        status.note_start(&names);
        let shared = Shared {
            lengths: Arc::new(Lengths::new(&names)),
            key_limits: Arc::default(),
            transport,
            records,
            names,
            registry: Arc::new(registry),
            ends: Permits::new(options.concurrency, Turns::alone()),
            options,
            status,
            controls: Controls::new(),
            handlers: handlers.clone(),
            drained: drained.clone(),
        };
        let runtime = |(place, level)| shared.runtime(place, level, flushing);
        levels.into_iter().enumerate().map(runtime).collect()
    }
}

/// A queue that is received from.
struct Level {
    queue: QueueHandle,
    facts: QueueFacts,
}

/// What the levels of a worker share.
struct Shared {
    lengths: Arc<Lengths>,
    key_limits: Arc<KeyLimits>,
    transport: Arc<dyn Transport>,
    records: Records,
    names: Arc<TaskNames>,
    registry: Arc<Registry>,
    options: Options,
    status: Arc<WorkerStatus>,
    ends: Arc<Permits>,
    controls: Controls,
    handlers: HandlerRuntime,
    drained: CancellationToken,
}

impl Shared {
    fn runtime(
        &self,
        place: usize,
        Level { queue, facts }: Level,
        flushing: &mut JoinSet<()>,
    ) -> Arc<Runtime> {
        let (options, transport, records) = (&self.options, &self.transport, &self.records);
        let visibility_timeout = options.visibility_timeout.unwrap_or(facts.visibility_timeout);
        let visibility_timeout = visibility_timeout.clamp(VISIBILITY_MIN, VISIBILITY_TIMEOUT_MAX);
        let (acknowledger, acknowledging) =
            Acknowledger::new(Arc::clone(transport), queue.clone(), Arc::clone(&self.status));
        let under_way = Others::default();
        let (sender, sending) =
            Sender::new(Arc::clone(transport), options.linger, under_way.clone());
        let (marks, marking) = Marks::new(records.clone());
        flushing.spawn(acknowledging.run());
        flushing.spawn(sending.run());
        flushing.spawn(marking.run());
        let heartbeat = Heartbeat::new(HeartbeatParts {
            transport: Arc::clone(transport),
            queue: queue.clone(),
            records: records.clone(),
            visibility_timeout,
            lease_max: lease_max(options, &queue),
            lengths: Arc::clone(&self.lengths),
            status: Arc::clone(&self.status),
        });
        let (own, allowed) = (options.reply_queue.clone(), options.allowed_reply_queues.clone());
        Arc::new(Runtime {
            transport: Arc::clone(transport),
            queue,
            facts: Facts::new(facts),
            visibility_timeout,
            records: records.clone(),
            names: Arc::clone(&self.names),
            registry: Arc::clone(&self.registry),
            options: options.clone(),
            status: Arc::clone(&self.status),
            heartbeat,
            acknowledger,
            sender,
            marks,
            reply_queues: ReplyQueues { own, allowed },
            seen: Seen::new(options.concurrency),
            found_empty: FoundEmpty::default(),
            key_limits: Arc::clone(&self.key_limits),
            handlers: self.handlers.clone(),
            store_gate: StoreGate::default(),
            permits: Arc::clone(&self.handlers.permits),
            share: self.handlers.permits.share(place),
            controls: self.controls.clone(),
            ends: Arc::clone(&self.ends),
            under_way,
            drained: self.drained.clone(),
        })
    }
}

/// How long a lease is renewed for at most. The task of a worker that was killed waits for the end of its lease: on
/// a FIFO queue its group waits with it, so there it is the visibility timeout.
fn lease_max(options: &Options, queue: &QueueHandle) -> Duration {
    if queue.is_fifo() { Duration::ZERO } else { options.lease_max.min(VISIBILITY_TIMEOUT_MAX) }
}

/// Starts what goes on beside the runs: heartbeats for each level, and once for all of them what looks at
/// the store and at the handlers.
fn watch_over(runtimes: &[Arc<Runtime>], handlers: &HandlerRuntime, background: &mut JoinSet<()>) {
    for runtime in runtimes {
        runtime.warn_of_few_receives();
        let heartbeat = Arc::clone(&runtime.heartbeat);
        background.spawn(async move { heartbeat.run().await });
        background.spawn(FactsLoop { runtime: Arc::clone(runtime) }.run());
    }
    let own = &runtimes[runtimes.len() / 2];
    let controls = ControlLoop { runtime: Arc::clone(own), queue: handlers.queue.clone() };
    background.spawn(controls.run());
    background.spawn(OutboxLoop::new(Levels(runtimes.to_vec())).run());
    background.spawn(handlers.stuck.clone().run());
    if own.options.own_thread {
        let (runtime, queue) = (handlers.runtime.clone(), handlers.queue.clone());
        background.spawn(stall::watch(runtime, queue, Arc::clone(&own.status)));
    }
}

/// Starts the poller; the dispatcher is the caller's to run.
fn dispatch(
    runtime: Arc<Runtime>,
    shutdown: CancellationToken,
    background: &mut JoinSet<()>,
) -> impl Future<Output = ()> + use<> {
    let (sender, lanes) = mpsc::channel(RECEIVE_COUNT_MAX);
    let poller =
        Poller { runtime: Arc::clone(&runtime), lanes: sender, shutdown: shutdown.clone() };
    background.spawn(poller.run());
    Dispatcher { runtime, lanes, shutdown }.run()
}
