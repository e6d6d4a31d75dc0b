//! Storms of throttling over many virtual workers: how much is asked meanwhile, and how soon all goes on.
//!
//! Each worker is a process of its own: it has gates of its own, receives three tasks, runs them for a second,
//! and sends their replies and deletes their messages by the framework's own loops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::join_all;
use longshore_types::MessageAttributes;
use tokio::time::{Instant, sleep, timeout};

use super::{Gated, open};
use crate::batch_entries::settle;
use crate::batcher::{Batcher, Linger};
use crate::id::RandomSource;
use crate::transport::{
    Action, BoxFuture, EntryFault, EntryResult, OutgoingMessage, QueueFacts, QueueHandle,
    ReceiveRequest, ReceivedMessage, Result, SentMessage, Transport, TransportError,
};

/// Tasks of a receive.
const TASKS: usize = 3;
const WORK: Duration = Duration::from_secs(1);

/// Numbers that a seed decides.
#[derive(Debug)]
struct Dice(AtomicU64);

impl RandomSource for Dice {
    fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Dice {
    fn of(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed.wrapping_mul(0xD134_2543_DE82_EF95))))
    }

    fn below(&self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }
}

/// What is throttled, from the beginning on.
#[derive(Clone, Debug)]
struct Storm {
    lasts: Duration,
    actions: &'static [Action],
    /// Calls of a hundred.
    percent: u64,
    code: &'static str,
    retry_after: Option<Duration>,
    /// Whether single entries are throttled, and not whole calls.
    of_entries: bool,
}

const ALL: [Action; 3] =
    [Action::SendMessageBatch, Action::ReceiveMessage, Action::DeleteMessageBatch];

impl Storm {
    /// All is throttled for so long.
    fn of(seconds: u64) -> Self {
        let (lasts, code) = (Duration::from_secs(seconds), "RequestThrottled");
        Self { lasts, actions: &ALL, percent: 100, code, retry_after: None, of_entries: false }
    }
}

/// An endpoint that throttles by script, and has tasks without end.
#[derive(Debug)]
struct Endpoint {
    storm: Storm,
    began_at: Instant,
    dice: Arc<Dice>,
    calls: AtomicU64,
    calls_within: AtomicU64,
}

impl Endpoint {
    fn strikes(&self, action: Action) -> bool {
        self.began_at.elapsed() < self.storm.lasts
            && self.storm.actions.contains(&action)
            && self.dice.below(100) < self.storm.percent
    }

    fn enter(&self, action: Action) -> Result<()> {
        self.calls.fetch_add(1, Relaxed);
        self.calls_within.fetch_add(u64::from(self.began_at.elapsed() < self.storm.lasts), Relaxed);
        if self.storm.of_entries || !self.strikes(action) {
            return Ok(());
        }
        let (target, code) = ("q".to_owned(), self.storm.code.to_owned());
        let (message, retry_after) = ("slow down".to_owned(), self.storm.retry_after);
        Err(TransportError::Throttled { action, target, code, message, retry_after })
    }

    fn entries<T>(&self, action: Action, count: usize, done: T) -> Result<Vec<EntryResult<T>>>
    where
        T: Clone,
    {
        self.enter(action)?;
        let (code, message) = (self.storm.code.to_owned(), "slow down".to_owned());
        let fault = EntryFault { code, message, sender_fault: false };
        let strikes = || self.storm.of_entries && self.strikes(action);
        let entry = |_| if strikes() { Err(fault.clone()) } else { Ok(done.clone()) };
        Ok((0..count).map(entry).collect())
    }
}

impl Transport for Endpoint {
    fn resolve<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<QueueHandle>> {
        async move { Ok(QueueHandle::from_url(queue)) }.boxed()
    }

    fn queue_facts<'a>(&'a self, _: &'a QueueHandle) -> BoxFuture<'a, Result<QueueFacts>> {
        unreachable!("no worker here asks")
    }

    fn send_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        messages: Vec<OutgoingMessage>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<SentMessage>>>> {
        let sent = SentMessage { message_id: String::new() };
        async move { self.entries(Action::SendMessageBatch, messages.len(), sent) }.boxed()
    }

    fn receive<'a>(
        &'a self,
        _: &'a QueueHandle,
        _: ReceiveRequest,
    ) -> BoxFuture<'a, Result<Vec<ReceivedMessage>>> {
        async move { self.enter(Action::ReceiveMessage).map(|()| Vec::new()) }.boxed()
    }

    fn delete_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        receipts: Vec<String>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        async move { self.entries(Action::DeleteMessageBatch, receipts.len(), ()) }.boxed()
    }

    fn change_visibility_batch<'a>(
        &'a self,
        _: &'a QueueHandle,
        _: Vec<(String, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<EntryResult<()>>>> {
        unreachable!("no task here takes longer than its lease")
    }
}

/// A worker: when it first ended a task after the storm.
async fn work(endpoint: Arc<Endpoint>, seed: u64, until: Instant) -> Option<Instant> {
    let random: Arc<dyn RandomSource> = Dice::of(seed);
    let (transport, queue) =
        (Gated::new(Arc::clone(&endpoint) as _, &random), QueueHandle::new("q", "q"));
    let (deletes, deleting) = Batcher::new(Linger::Whole(Duration::from_secs(1)));
    let ready = || open(&*transport, &queue, Action::DeleteMessageBatch);
    let deleting = deleting.run_when(ready, |receipts: Vec<String>| async {
        let delete = |receipts| transport.delete_batch(&queue, receipts);
        settle(Action::DeleteMessageBatch, receipts, delete).await
    });
    let storm_ends_at = endpoint.began_at + endpoint.storm.lasts;
    let mut recovered_at = None;
    let run = async {
        sleep(Duration::from_millis(seed % 1000)).await;
        while Instant::now() < until {
            open(&*transport, &queue, Action::ReceiveMessage).await;
            let request = ReceiveRequest { count_max: 10, wait: WORK, visibility_timeout: None };
            if transport.receive(&queue, request).await.is_err() {
                continue;
            }
            sleep(WORK).await;
            let replies = vec![OutgoingMessage::new("64", MessageAttributes::new()); TASKS];
            let reply = |replies| transport.send_batch(&queue, replies);
            settle(Action::SendMessageBatch, replies, reply).await;
            let receipts = (0..TASKS).map(|_| deletes.submit(String::new(), 0));
            join_all(join_all(receipts).await.into_iter().flatten()).await;
            if Instant::now() >= storm_ends_at {
                recovered_at.get_or_insert_with(Instant::now);
            }
        }
    };
    tokio::select! {
        () = deleting => unreachable!("the batcher is there"),
        _ = timeout(Duration::from_secs(3600), run) => {}
    }
    recovered_at
}

/// What a storm came to.
#[derive(Debug)]
struct Told {
    /// Requests while it lasted, and until all had recovered twice over, for each one without a storm.
    within: f64,
    in_all: f64,
    /// How long after its beginning the last worker ended a task again.
    recovered_after: Duration,
}

async fn requests(storm: &Storm, workers: u64, seed: u64, lasts: Duration) -> (f64, f64, Duration) {
    let (began_at, count) = (Instant::now(), |calls: &AtomicU64| calls.load(Relaxed));
    let (storm, dice) = (storm.clone(), Dice::of(seed));
    let (calls, calls_within) = Default::default();
    let endpoint = Arc::new(Endpoint { storm, began_at, dice, calls, calls_within });
    let work = |number| work(Arc::clone(&endpoint), seed * 100_000 + number, began_at + lasts);
    let recovered = join_all((0..workers).map(work)).await;
    let last = recovered.into_iter().map(|at| at.expect("each worker goes on")).max();
    let [within, all] = [count(&endpoint.calls_within), count(&endpoint.calls)]
        .map(|calls| f64::from(u32::try_from(calls).unwrap()));
    (within, all, last.unwrap() - began_at)
}

async fn tell(storm: Storm, workers: u64, seed: u64) -> Told {
    let lasts = storm.lasts * 3;
    let (within, all, recovered_after) = requests(&storm, workers, seed, lasts).await;
    let calm = Storm { percent: 0, ..storm };
    let (calm_within, calm_all, _) = requests(&calm, workers, seed, lasts).await;
    Told { within: within / calm_within, in_all: all / calm_all, recovered_after }
}

/// A task ends up to three seconds after the last pause: it is run, and its delete waits for company.
const ENDS_WITHIN: Duration = Duration::from_secs(3);

#[track_caller]
fn check(name: &str, storm: &Storm, told: &Told) {
    // In a few seconds a worker without a storm asks once, and so it would be told by one call more.
    let is_long = storm.lasts >= Duration::from_secs(10);
    assert!(told.in_all <= 1.2 && (told.within <= 1.2 || !is_long), "{name}: {storm:?}: {told:?}");
    assert!(told.recovered_after <= storm.lasts * 2 + ENDS_WITHIN, "{name}: {storm:?}: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_workers_ask_little_in_a_storm_of_a_minute_and_go_on_soon_after_it() {
    let storm = Storm::of(60);
    let told = tell(storm.clone(), 1000, 1).await;
    check("all throttled for 60 s", &storm, &told);
    assert!(told.within <= 0.3, "while all is throttled, each worker asks a few times: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn each_sort_of_storm_is_weathered() {
    let sends: &[Action] = &[Action::SendMessageBatch];
    let all = Storm::of(60);
    let scenarios = [
        ("30 % throttled", Storm { percent: 30, ..all.clone() }),
        ("70 % throttled", Storm { percent: 70, ..all.clone() }),
        ("only sends", Storm { actions: sends, ..all.clone() }),
        ("30 % of the sends", Storm { actions: sends, percent: 30, ..all.clone() }),
        ("only receives", Storm { actions: &[Action::ReceiveMessage], ..all.clone() }),
        ("only deletes", Storm { actions: &[Action::DeleteMessageBatch], ..all.clone() }),
        (
            "too many in flight",
            Storm { actions: &[Action::ReceiveMessage], code: "OverLimit", ..all.clone() },
        ),
        ("retry after 5 s", Storm { retry_after: Some(Duration::from_secs(5)), ..all.clone() }),
        ("entries", Storm { of_entries: true, ..all.clone() }),
        ("30 % of the entries", Storm { of_entries: true, percent: 30, ..all.clone() }),
        ("a hiccup", Storm { lasts: Duration::from_secs(2), ..all }),
    ];
    for (name, storm) in scenarios {
        let told = tell(storm.clone(), 100, 2).await;
        check(name, &storm, &told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dozen_storms_by_a_seed_are_weathered() {
    for seed in 100..112 {
        let dice = Dice::of(seed);
        let storm = Storm {
            percent: 20 + dice.below(81),
            retry_after: (dice.below(3) == 0).then(|| Duration::from_millis(dice.below(8000))),
            of_entries: dice.below(4) == 0,
            ..Storm::of(10 + dice.below(110))
        };
        let told = tell(storm.clone(), 8, seed).await;
        check("by a seed", &storm, &told);
    }
}
