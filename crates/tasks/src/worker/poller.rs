//! Receives messages, as many as there are permits to run them.
//!
//! permits → receive, up to eight at once while they come back full → leases → dispatcher
//!
//! # Invariants
//!
//! - Permits are held before a receive, one for each message that it asks for. A busy worker waits a little
//!   for more of them, so that its receives are not of one message each.
//! - A receive that does not come back is given up and begun again.
//! - A receive under way is dropped at a shutdown only when its transport allows it; what it
//!   brings until then is handed back.
//! - While the store cannot be reached, or the queue is paused or throttles, nothing is received.
//! - While the next receive is put off, it holds no permit; and a shutdown does not wait for it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longshore_types::limits::RECEIVE_COUNT_MAX;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::at_once::AtOnce;
use super::lane::{Lane, lanes};
use super::lease::Lease;
use super::patience::Patience;
use super::permits::Permit;
use super::poll_linger::PollLinger;
use super::runtime::Runtime;
use super::status::count;
use crate::backoff::{Backoff, BackoffState};
use crate::error_chain::in_one_line;
use crate::receive;
use crate::transport::meter::charge_receive;
use crate::transport::{
    Action, ReceiveRequest, ReceivedMessage, Throttle, TransportError, throttle,
};

/// When a receive that failed is made again.
pub(crate) const RECEIVE_AGAIN: Backoff =
    Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// How long an answer may be on its way: leases are counted from that long before it came.
const ANSWER_DELAY: Duration = Duration::from_secs(1);

/// How long a receive waits at most where there are fewer places than levels.
const TURN: Duration = Duration::from_secs(1);

/// A message, and the lease on it.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) message: ReceivedMessage,
    pub(super) lease: Lease,
    /// Whether it came from a FIFO queue.
    is_fifo: bool,
}

impl Delivery {
    /// The group whose messages are run one after the other.
    pub(super) fn fifo_group(&self) -> Option<&str> {
        self.message.group_id.as_deref().filter(|_| self.is_fifo)
    }
}

/// Receives messages.
#[derive(Debug)]
pub(super) struct Poller {
    pub(super) runtime: Arc<Runtime>,
    pub(super) lanes: mpsc::Sender<Lane>,
    pub(super) shutdown: CancellationToken,
}

/// How many receives are made at once, how, and when the next may begin.
struct Pace {
    at_once: AtOnce,
    patience: Patience,
    /// `None` on a FIFO queue, whose messages wait for those before them.
    linger: Option<PollLinger>,
    /// Whether others share the permits: then nothing is held by whoever only waits.
    shared: bool,
    /// Whether the last receive came back full, so that more is known to wait.
    more_waits: bool,
    pauses: BackoffState,
    not_before: Instant,
}

/// A receive that has ended: how many messages it asked for, how many came, and how long that took.
struct Ended {
    asked: usize,
    took: Duration,
    came: Result<usize, TransportError>,
}

impl Poller {
    /// Receives until the shutdown, and until the receives under way then have ended.
    pub(super) async fn run(self) {
        let share = &self.runtime.share;
        let mut pace = Pace::new(share.levels() > 1, &self.runtime);
        let mut under_way = FuturesUnordered::new();
        let (mut controls, mut until) =
            (self.runtime.controls.subscribe(), self.shutdown.child_token());
        loop {
            let paused = self.runtime.controls.is_paused();
            let wanted = if paused { 0 } else { pace.at_once.wanted(share.count()) };
            let wish = if paused { 0 } else { pace.wish(under_way.len()) };
            share.wish(if self.rests(&pace) { 0 } else { wish });
            let least = if under_way.is_empty() { 1 } else { RECEIVE_COUNT_MAX };
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => break,
                () = controls.changed() => self.halt_or_go_on(&mut until),
                Some(ended) = under_way.next() => pace.note(ended, &self.runtime),
                permits = self.permits(least, wish, &mut pace), if under_way.len() < wanted => {
                    under_way.push(self.receive(permits, self.wait(&pace), until.clone()));
                }
            }
        }
        share.wish(0);
        while under_way.next().await.is_some() {}
    }

    /// How long a receive waits for a message. One that holds permits which others could use does not; nor
    /// for long where a level waits for the place.
    fn wait(&self, pace: &Pace) -> Duration {
        let Runtime { options, share, .. } = &*self.runtime;
        if pace.shared && pace.more_waits {
            Duration::ZERO
        } else if share.count() < share.levels() {
            options.wait.min(TURN)
        } else {
            options.wait
        }
    }

    /// While the queue is paused, a receive under way ends as at a shutdown.
    fn halt_or_go_on(&self, until: &mut CancellationToken) {
        if self.runtime.controls.is_paused() {
            until.cancel();
        } else if until.is_cancelled() {
            *until = self.shutdown.child_token();
        }
    }

    /// A permit for each message of the next receive: `least`, and what else is free. A receive beside
    /// another has permits for a whole one, or both would bring few.
    async fn permits(&self, least: usize, wish: usize, pace: &mut Pace) -> Vec<Permit> {
        self.rest(wish, pace).await;
        let (Runtime { status, share, .. }, asked_at) = (&*self.runtime, Instant::now());
        let mut permits = share.try_take(least, RECEIVE_COUNT_MAX);
        if permits.is_empty() {
            if status.receiving() == 0 {
                status.note_no_room();
            }
            permits = share.take(least, RECEIVE_COUNT_MAX).await;
        }
        status.note_room(self.runtime.options.clock.now());
        let took = asked_at.elapsed();
        if let Some(reopens_at) = self.runtime.store_gate.reopens_at() {
            sleep_until(reopens_at).await;
        }
        permits.extend(share.try_take(1, RECEIVE_COUNT_MAX - permits.len()));
        if pace.wishes_for_many() {
            self.wait_for_more(&mut permits, took, &mut pace.patience).await;
        }
        permits
    }

    /// Whether the next receive is put off.
    fn rests(&self, pace: &Pace) -> bool {
        let throttle = self.runtime.transport.throttle();
        let is_shut = |throttle: Throttle| {
            throttle.shut_for(self.runtime.queue.url(), Action::ReceiveMessage).is_some()
        };
        pace.not_before > Instant::now() || throttle.is_some_and(is_shut)
    }

    /// Waits until the next receive may begin, and only then for permits.
    async fn rest(&self, wish: usize, pace: &Pace) {
        if !self.rests(pace) {
            return;
        }
        sleep_until(pace.not_before).await;
        let Runtime { transport, queue, share, .. } = &*self.runtime;
        throttle::open(&**transport, queue, Action::ReceiveMessage).await;
        share.wish(wish);
    }

    /// Waits a little for as many permits as fit a receive, after the first took that long to get.
    async fn wait_for_more(
        &self,
        permits: &mut Vec<Permit>,
        first_took: Duration,
        patience: &mut Patience,
    ) {
        let share = &self.runtime.share;
        let missing = share.count().min(RECEIVE_COUNT_MAX).saturating_sub(permits.len());
        if missing == 0 {
            return;
        }
        let wait = patience.of_next(first_took);
        if wait.is_zero() {
            return;
        }
        let more = timeout(wait, share.take(missing, missing)).await;
        permits.extend(more.unwrap_or_else(|_| share.try_take(1, missing)));
    }

    async fn receive(
        &self,
        permits: Vec<Permit>,
        wait: Duration,
        until: CancellationToken,
    ) -> Ended {
        let (asked, asked_at) = (permits.len(), Instant::now());
        let came = self.receive_for(permits, wait, until).await;
        Ended { asked, took: asked_at.elapsed(), came }
    }

    async fn receive_for(
        &self,
        permits: Vec<Permit>,
        wait: Duration,
        until: CancellationToken,
    ) -> Result<usize, TransportError> {
        let runtime = &self.runtime;
        let _under_way = runtime.status.begin_receive();
        let receiving = runtime.permits.receive_with(permits.len());
        let called_at = Instant::now();
        let request = ReceiveRequest {
            count_max: permits.len(),
            wait,
            visibility_timeout: Some(runtime.visibility_timeout),
        };
        let (transport, queue) = (&*runtime.transport, &runtime.queue);
        let receive = receive::receive(transport, queue, request, &until);
        let answer = charge_receive(Arc::clone(&runtime.names), receive).await?;
        let Some(messages) = answer else { return Ok(0) };
        drop(receiving);
        let came = messages.len();
        runtime.status.note_received(came, runtime.options.clock.now());
        if came == 0 && !wait.is_zero() {
            runtime.found_empty.note(called_at);
        }
        let received_at = begin_of_leases(called_at, runtime.visibility_timeout);
        let begin = |message: ReceivedMessage| {
            let (receipt, task) = (message.receipt_handle.clone(), runtime.names.of(&message));
            let lease = runtime.heartbeat.begin(receipt, task, received_at);
            Delivery { message, lease, is_fifo: queue.is_fifo() }
        };
        // All leases are renewed from here on, before anything is waited for.
        let deliveries: Vec<_> = messages.into_iter().map(begin).zip(permits).collect();
        // Permits that were not needed are free again: what is out beyond that runs, or is here.
        let runs = if runtime.controls.is_paused() {
            0
        } else {
            came - came.min(runtime.permits.excess())
        };
        let place = |(place, (delivery, permit))| (delivery, permit, place < runs);
        for lane in lanes(deliveries.into_iter().enumerate().map(place).collect()) {
            // The dispatcher takes lanes until the poller is gone.
            if self.lanes.send(lane).await.is_err() {
                break;
            }
        }
        Ok(came)
    }
}

impl Pace {
    fn new(shared: bool, runtime: &Runtime) -> Self {
        let linger = runtime.options.linger;
        let (at_once, patience) = (AtOnce::one(), Patience::new(linger));
        let linger = (!runtime.queue.is_fifo()).then(|| PollLinger::new(linger));
        let (pauses, not_before) = (RECEIVE_AGAIN.start(), Instant::now());
        Self { at_once, patience, linger, shared, more_waits: false, pauses, not_before }
    }

    /// Whether messages are known to wait, or nobody else could use the permits.
    fn wishes_for_many(&self) -> bool {
        self.more_waits || !self.shared
    }

    /// How many permits are wished for, beside those of `under_way` receives. A level that is not known to
    /// have more has one while it waits; what is known to wait is not passed over while it is asked for.
    fn wish(&self, under_way: usize) -> usize {
        if self.wishes_for_many() { RECEIVE_COUNT_MAX } else { usize::from(under_way == 0) }
    }

    /// A receive has ended: what it says of the next.
    fn note(&mut self, ended: Ended, runtime: &Runtime) {
        match ended.came {
            Ok(came) => {
                self.pauses.reset();
                self.patience.note_receive(ended.took, came);
                self.at_once.note(ended.asked, came);
                self.more_waits = came > 0 && came == ended.asked;
                if let Some(linger) = &mut self.linger {
                    let now = Instant::now();
                    self.not_before = now + linger.of_next(ended.asked, came, now);
                }
            }
            Err(error) if error.retry_after().is_some() => {
                self.at_once.note_failure();
                self.more_waits = false;
            }
            Err(error) => {
                if receive::is_overdue(&error) {
                    count(&runtime.status.overdue);
                }
                let (queue, error) = (runtime.queue.name(), in_one_line(&error));
                tracing::warn!(queue, error, "tasks cannot be received");
                self.at_once.note_failure();
                self.more_waits = false;
                self.not_before = Instant::now() + self.pauses.next_pause();
            }
        }
    }
}

/// When the leases of what has just come began, at the earliest. A long poll is answered when a
/// message comes, so they did not begin with the call: a poll can last longer than a lease.
fn begin_of_leases(called_at: Instant, visibility_timeout: Duration) -> Instant {
    let on_its_way = ANSWER_DELAY.min(visibility_timeout / 4);
    Instant::now().checked_sub(on_its_way).map_or(called_at, |sent_at| sent_at.max(called_at))
}
