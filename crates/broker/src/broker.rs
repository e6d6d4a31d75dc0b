//! The broker as a library: open, call, close.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_engine::QueueEntry;
use longshore_types::{QueueArn, Timestamp};
use longshore_wire::{Reply, Request, SqsError};
use tokio::task::JoinHandle;

use crate::blocking::Blocking;
use crate::bounds::Share;
use crate::bounds_met;
use crate::caller::{Caller, Place};
use crate::checkpointer;
use crate::clock_watch;
use crate::core::{ClockState, Core};
use crate::dead_letters;
use crate::driver::Driver;
use crate::founding;
use crate::metrics::{self, Traffic};
use crate::operation::{self, PeekMessages, Peeked, Serve};
use crate::options::{BrokerOptions, OpenError};
use crate::quarantine;
use crate::queue_url::QueueAddress;
use crate::receipt::ReceiptMaker;
use crate::runtime::Runtime;
use crate::stray::{self, Standing, Strays};

/// A broker that speaks SQS: clones share it.
///
/// ```
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use longshore_broker::{Broker, BrokerOptions};
/// use longshore_wire::CreateQueue;
///
/// let broker = Broker::open(BrokerOptions::default()).await?;
/// let create = CreateQueue { queue_name: "images".into(), ..CreateQueue::default() };
/// let reply = broker.call(create.into()).await?;
/// broker.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Broker {
    shared: Arc<OpenBroker>,
}

/// A broker that is open, which its clones share.
#[derive(Debug)]
struct OpenBroker {
    runtime: Runtime,
    place: Place,
    started_at: Timestamp,
    traffic: Traffic,
    strays: Strays,
    loops: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for OpenBroker {
    /// A broker that is dropped without being closed leaves no loop behind.
    fn drop(&mut self) {
        self.runtime.driver().close();
    }
}

impl Broker {
    /// Opens a broker: replays its log, and answers nothing until the log says that it has started.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the directory is in use, damaged, or cannot be written.
    pub async fn open(options: BrokerOptions) -> Result<Self, OpenError> {
        let asked = options.clone();
        let opened = Blocking::Threads.run(move || founding::open_store(&asked)).await?;
        Self::start(options, opened, Blocking::Threads).await
    }

    /// Starts what has been opened.
    pub(crate) async fn start(
        options: BrokerOptions,
        opened: founding::Opened,
        blocking: Blocking,
    ) -> Result<Self, OpenError> {
        let founding::Opened { store, replay, quarantined } = opened;
        let trust = options.clock_trust;
        let mut ledger = replay.finish(options.rules(), trust, Box::new(Arc::clone(&store)));
        quarantine::announce(&ledger, &quarantined);
        let secret = founding::found(&mut ledger, &*options.clock, &*options.random)
            .map_err(|failure| OpenError::of_first_write(failure, &options))?;
        let driver = Driver::start(ledger, store, options.clock, blocking);
        let timers = tokio::spawn(Arc::clone(&driver).run_timers());
        let watch = tokio::spawn(dead_letters::watch(Arc::clone(&driver)));
        let clock = tokio::spawn(clock_watch::watch(Arc::clone(&driver)));
        let bounds = tokio::spawn(bounds_met::watch(Arc::clone(&driver)));
        let checkpoints = tokio::spawn(checkpointer::run(Arc::clone(&driver)));
        let runtime = Runtime::new(driver, ReceiptMaker::new(&secret), options.random);
        let place = Place { region: options.region, account: options.account };
        let started = runtime.perform(founding::Started, &place).await;
        started.map_err(|_| OpenError::FirstWrite)?;
        let started_at = runtime.driver().wall();
        let loops = Mutex::new(vec![timers, watch, clock, bounds, checkpoints]);
        let (traffic, strays) = (Traffic::default(), Strays::default());
        Ok(Self {
            shared: Arc::new(OpenBroker { runtime, place, started_at, traffic, strays, loops }),
        })
    }

    /// Carries out a request of this process.
    ///
    /// # Errors
    ///
    /// What SQS would answer.
    ///
    /// # Cancel safety
    ///
    /// A call that is dropped may have been carried out, but a receive that is dropped while it
    /// waits takes no message.
    pub async fn call(&self, request: Request) -> Result<Reply, SqsError> {
        let caller = Caller::new("http://localhost", self.shared.place.clone());
        self.call_as(&caller, request).await
    }

    /// [`Broker::call`] for somebody else.
    pub async fn call_as(&self, caller: &Caller, request: Request) -> Result<Reply, SqsError> {
        self.call_within(caller, request, &mut Share::uncounted()).await
    }

    /// [`Broker::call_as`] for a client whose request has a share of the bytes in flight. A reply
    /// that is not small has it grow.
    pub(crate) async fn call_within(
        &self,
        caller: &Caller,
        request: Request,
        share: &mut Share,
    ) -> Result<Reply, SqsError> {
        let asked_for = stray::asked_for(request.queue());
        let result = operation::dispatch(self, caller, request, share).await;
        if let (Err(SqsError::QueueDoesNotExist), Some(address)) = (&result, asked_for) {
            self.look_elsewhere(&caller.place, &address);
        }
        result
    }

    /// Says so, if a queue that is not here is in another region.
    fn look_elsewhere(&self, place: &Place, address: &QueueAddress) {
        let driver = self.runtime().driver();
        match self.shared.strays.standing(place) {
            Standing::New => {}
            Standing::Told => return,
            Standing::Crowded => return self.traffic().pressure().count_untold_stray(),
        }
        let look = |core: &Core<_>| stray::elsewhere(core.ledger().catalog(), place, address);
        if let Some(found) = driver.look(look).flatten() {
            self.shared.strays.tell(place, &found);
        }
    }

    /// [`Broker::call`] where it is known what the request is: it is answered by its own reply.
    pub async fn ask<A: Serve>(&self, action: A) -> Result<A::Reply, SqsError> {
        let caller = Caller::new("http://localhost", self.shared.place.clone());
        action.serve(self, &caller, &mut Share::uncounted()).await
    }

    /// What operations work with.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.shared.runtime
    }

    /// Messages of a queue, which stay as they are, in the words of a receive.
    pub(crate) async fn peek(
        &self,
        caller: &Caller,
        peek: PeekMessages,
        share: &mut Share,
    ) -> Result<Peeked, SqsError> {
        operation::peek(&self.shared.runtime, caller, peek, share).await
    }

    /// An id for a request, which its reply and the log bear: a random UUID.
    pub(crate) fn new_request_id(&self) -> String {
        self.shared.runtime.new_message_id().to_string()
    }

    /// Whose queues a request means that says nothing of it.
    pub fn place(&self) -> &Place {
        &self.shared.place
    }

    /// What the wall clock shows, to which a signature's date is compared.
    pub(crate) fn wall_clock(&self) -> Timestamp {
        self.shared.runtime.driver().wall()
    }

    /// Whether the log has failed, after which every request is refused until a restart.
    pub fn has_failed(&self) -> bool {
        self.shared.runtime.driver().has_failed()
    }

    /// Whether the disk has no room for the log to grow: then sends are refused.
    pub fn is_full(&self) -> bool {
        self.shared.runtime.driver().store().activity().full
    }

    /// How many messages are known to have contents that are not as they were written, and so cannot be
    /// delivered. Such a message counts until it is purged or its retention ends, and is found when it is
    /// received or, of those sent last, at a start.
    pub fn quarantined_count(&self) -> u64 {
        self.shared.runtime.driver().store().usage().quarantined
    }

    /// Whether no checkpoint could be written when one was last due.
    pub fn lacks_checkpoint(&self) -> bool {
        self.shared.runtime.driver().lacks_checkpoint()
    }

    /// Resolves when the log has failed.
    pub async fn failed(&self) {
        self.shared.runtime.driver().failed().await;
    }

    /// The dead-letter queues that hold messages, with how many are available, delayed or in flight.
    pub fn dead_letters(&self) -> Vec<(QueueArn, usize)> {
        let found =
            self.shared.runtime.driver().look(|core| dead_letters::not_empty(core.ledger()));
        found.unwrap_or_default()
    }

    /// How many queues there are.
    pub fn queue_count(&self) -> usize {
        let count =
            self.shared.runtime.driver().look(|core| core.ledger().catalog().queues().count());
        count.unwrap_or_default()
    }

    /// How the clock is; `None` once the broker has failed.
    pub(crate) fn clock(&self) -> Option<ClockState> {
        self.shared.runtime.driver().look_now(|core| core.ledger().times().state())
    }

    /// How many receives wait for messages.
    pub fn waiting_count(&self) -> usize {
        self.shared.runtime.driver().look(Core::parked_count).unwrap_or_default()
    }

    /// What came over HTTP.
    pub(crate) fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }

    /// What the broker counts, as `GET /metrics` of [`serve_metrics`](crate::serve_metrics) tells
    /// it: `OpenMetrics` text. Takes milliseconds if there are many queues, and the broker's lock
    /// for a part of them.
    pub fn metrics(&self) -> String {
        let OpenBroker { runtime, traffic, started_at, .. } = &*self.shared;
        metrics::render(metrics::gather(runtime.driver(), traffic, *started_at))
    }

    /// The queues' names.
    pub fn queues(&self) -> Vec<QueueArn> {
        let arn = |entry: &QueueEntry| entry.arn.clone();
        let queues = self
            .shared
            .runtime
            .driver()
            .look(|core| core.ledger().catalog().queues().map(arn).collect());
        queues.unwrap_or_default()
    }

    /// Answers the receives that wait for messages with none, so that a server can drain. For good: no
    /// receive waits from here on, so whoever goes on receiving has to pause by itself.
    pub fn release_parked(&self) {
        self.shared.runtime.driver().release_parked();
    }

    /// Comes to an orderly end: what was accepted is durable, and the directory is free again.
    /// Requests that come later are refused.
    pub async fn close(&self) {
        self.stop().await;
        self.shared.runtime.driver().note_end();
        self.close_store().await;
    }

    /// Ends what goes on by itself.
    pub(crate) async fn stop(&self) {
        self.shared.runtime.driver().release_parked();
        self.shared.runtime.driver().close();
        let loops =
            std::mem::take(&mut *self.shared.loops.lock().unwrap_or_else(PoisonError::into_inner));
        for task in loops {
            // A loop that panicked has nothing left to end.
            drop(task.await);
        }
    }

    pub(crate) async fn close_store(&self) {
        let store = Arc::clone(self.shared.runtime.driver().store());
        let closed = self.shared.runtime.driver().try_block(move || store.close()).await;
        let failure = match closed {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.to_string(),
            Err(failure) => failure.to_string(),
        };
        tracing::error!(failure, "the broker's log did not come to an orderly end");
    }
}
