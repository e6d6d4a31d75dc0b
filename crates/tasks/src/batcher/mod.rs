//! Packs single requests into batch calls, and hands each its own answer.
//!
//! A batch leaves when it is full ([`packing`]), when one of its requests has waited for as long as it
//! may, when no company is to be expected (guessed by [`company`], or known by [`others`]), or at once when no
//! more can come. What comes while all calls are busy shares the next one, also where nobody waits for company.
//!
//! # Invariants
//!
//! - Ten requests (or as many as its maker says) and 1 MiB a batch at most, and a bounded number of calls at once; who asks
//!   beyond that waits.
//! - No request waits for company for longer than its patience.
//! - Closing flushes: [`BatchLoop::run`] resolves when every [`Batcher`] is gone and every
//!   request was answered.

mod company;
mod expected;
mod gap;
mod others;
mod packing;

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longshore_types::limits::BATCH_ENTRIES_MAX;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use self::expected::Expected;
pub(crate) use self::gap::{MeanGap, QUIET_GAPS, WORTH};
pub(crate) use self::others::{Joined, Others};
pub(crate) use self::packing::Packing;

/// Calls under way at once.
const CALLS_MAX: usize = 8;
/// Requests that wait; who comes when they are as many waits before asking.
const WAITING_MAX: usize = 100;
/// How long a request waits for others to share its call.
#[derive(Clone, Debug)]
pub(crate) enum Linger {
    /// Not at all.
    None,
    /// For so long: nobody waits for its answer.
    Whole(Duration),
    /// For so long at most, and only while others are to be expected: somebody waits for its answer.
    ForCompany(Duration),
    /// For so long at most, and only while there are others: somebody waits for its answer.
    ForOthers(Duration, Others),
}

/// Where requests are handed in.
#[derive(Debug)]
pub(crate) struct Batcher<I, O> {
    requests: mpsc::Sender<Request<I, O>>,
    patience: Duration,
}

/// Makes the calls.
#[derive(Debug)]
pub(crate) struct BatchLoop<I, O> {
    requests: mpsc::Receiver<Request<I, O>>,
    /// The first request of the next batch, for which the last one had no room.
    left_over: Option<Request<I, O>>,
    expected: Expected,
    entries_max: usize,
}

#[derive(Debug)]
struct Request<I, O> {
    value: I,
    bytes: usize,
    came_at: Instant,
    /// When it leaves at the latest, if there is a call for it.
    leaves_at: Instant,
    answer: oneshot::Sender<O>,
}

impl Linger {
    fn longest(&self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Whole(linger) | Self::ForCompany(linger) | Self::ForOthers(linger, _) => *linger,
        }
    }
}

impl<I, O> Batcher<I, O> {
    /// A place to hand requests in, and the loop that has to be run for them.
    pub(crate) fn new(linger: Linger) -> (Self, BatchLoop<I, O>) {
        Self::with_entries_max(linger, BATCH_ENTRIES_MAX)
    }

    /// The same for calls that take other numbers of requests than SQS's ten.
    pub(crate) fn with_entries_max(linger: Linger, entries_max: usize) -> (Self, BatchLoop<I, O>) {
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let patience = linger.longest();
        let expected = Expected::of(linger);
        let batch_loop = BatchLoop { requests, left_over: None, expected, entries_max };
        (Self { requests: sender, patience }, batch_loop)
    }

    /// Hands in a request of so many bytes. Its answer comes later; `None` if the loop is gone.
    pub(crate) async fn submit(&self, value: I, bytes: usize) -> Option<oneshot::Receiver<O>> {
        self.submit_within(value, bytes, self.patience).await
    }

    /// Hands in a request that must not wait for company for longer than `patience`.
    pub(crate) async fn submit_within(
        &self,
        value: I,
        bytes: usize,
        patience: Duration,
    ) -> Option<oneshot::Receiver<O>> {
        let came_at = Instant::now();
        let leaves_at = came_at + patience.min(self.patience);
        let (answer, receiver) = oneshot::channel();
        self.requests.send(Request { value, bytes, came_at, leaves_at, answer }).await.ok()?;
        Some(receiver)
    }

    /// Whether the loop is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Hands in a request and waits for its answer; `None` if the loop is gone.
    pub(crate) async fn ask(&self, value: I, bytes: usize) -> Option<O> {
        self.submit(value, bytes).await?.await.ok()
    }
}

impl<I, O> BatchLoop<I, O> {
    /// Makes calls until no more requests can come and all are answered. A call answers for each
    /// request in its place.
    pub(crate) async fn run<F: Future<Output = Vec<O>>>(self, call: impl Fn(Vec<I>) -> F) {
        self.run_when(|| std::future::ready(()), call).await;
    }

    /// The same; while it is not `ready`, a batch that has room waits, and takes in what comes.
    pub(crate) async fn run_when<F: Future<Output = Vec<O>>, R: Future<Output = ()>>(
        mut self,
        ready: impl Fn() -> R,
        call: impl Fn(Vec<I>) -> F,
    ) {
        let mut calls = FuturesUnordered::new();
        while let Some(first) = self.first(&mut calls).await {
            let batch = self.fill(first, &ready, &mut calls).await;
            calls.push(carry_out(batch, &call));
        }
        while calls.next().await.is_some() {}
    }

    /// The first request of a batch, once there is room for another call.
    async fn first<F: Future<Output = ()>>(
        &mut self,
        calls: &mut FuturesUnordered<F>,
    ) -> Option<Request<I, O>> {
        loop {
            if calls.len() >= CALLS_MAX {
                calls.next().await;
                continue;
            }
            if self.left_over.is_some() {
                return self.left_over.take();
            }
            tokio::select! {
                biased;
                Some(()) = calls.next() => {}
                request = self.requests.recv() => return request,
            }
        }
    }

    /// Waits for company, for as long as that is worth while.
    async fn fill<F: Future<Output = ()>, R: Future<Output = ()>>(
        &mut self,
        first: Request<I, O>,
        ready: &impl Fn() -> R,
        calls: &mut FuturesUnordered<F>,
    ) -> Vec<Request<I, O>> {
        let mut packing = Packing::new(self.entries_max);
        packing.take(first.bytes);
        let mut patience_ends_at = first.leaves_at;
        let mut expected_until = self.expected.first(first.came_at, first.leaves_at);
        let (mut batch, mut in_silence) = (vec![first], false);
        while packing.has_room() {
            tokio::select! {
                biased;
                request = self.requests.recv() => {
                    let Some(request) = request else { break };
                    if !packing.take(request.bytes) {
                        self.left_over = Some(request);
                        break;
                    }
                    patience_ends_at = patience_ends_at.min(request.leaves_at);
                    expected_until = self.expected.next(request.came_at, request.leaves_at);
                    batch.push(request);
                }
                Some(()) = calls.next() => {}
                () = until_ready(expected_until.min(patience_ends_at), ready) => {
                    in_silence = expected_until < patience_ends_at;
                    break;
                }
                () = self.expected.nobody_left() => break,
            }
        }
        self.expected.left(batch.len(), in_silence);
        batch
    }
}

/// Waits until then, and not for the timer's next millisecond if that is now.
async fn until(then: Instant) {
    if then > Instant::now() {
        sleep_until(then).await;
    }
}

/// Waits until then, and further until it is ready.
async fn until_ready<R: Future<Output = ()>>(then: Instant, ready: &impl Fn() -> R) {
    until(then).await;
    ready().await;
}

async fn carry_out<I, O, F: Future<Output = Vec<O>>>(
    batch: Vec<Request<I, O>>,
    call: &impl Fn(Vec<I>) -> F,
) {
    let (values, askers): (Vec<_>, Vec<_>) =
        batch.into_iter().map(|request| (request.value, request.answer)).unzip();
    for (asker, answer) in askers.into_iter().zip(call(values).await) {
        // Who asked may have gone; what was done stays done.
        drop(asker.send(answer));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use futures::future::join_all;
    use longshore_types::limits::MESSAGE_BYTES_MAX;
    use tokio::time::sleep;

    use super::*;

    const LINGER: Linger = Linger::Whole(Duration::from_millis(20));

    /// The sizes of the batches that requests of so many bytes go in.
    async fn batches(requests: &[usize], linger: Linger) -> Vec<usize> {
        let (batcher, batch_loop) = Batcher::new(linger);
        let sizes = RefCell::new(Vec::new());
        let calls = batch_loop.run(|values: Vec<usize>| {
            sizes.borrow_mut().push(values.len());
            async { values }
        });
        let ask = async {
            join_all(requests.iter().map(|bytes| batcher.submit(*bytes, *bytes))).await;
            drop(batcher);
        };
        tokio::join!(calls, ask);
        sizes.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_has_ten_requests_at_most() {
        assert_eq!(batches(&[1; 23], LINGER).await, [10, 10, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_has_a_mebibyte_at_most() {
        let half = MESSAGE_BYTES_MAX as usize / 2;
        assert_eq!(batches(&[half, half, half, half, half], LINGER).await, [2, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_flushes_at_once_what_is_not_yet_a_full_batch() {
        let start = Instant::now();
        assert_eq!(batches(&[1; 9], Linger::Whole(Duration::from_secs(3600))).await, [9]);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_leaves_when_the_least_patient_of_its_requests_must() {
        let (batcher, batch_loop) = Batcher::new(LINGER);
        let calls = batch_loop.run(|values: Vec<()>| async { values });
        let start = Instant::now();
        let ask = async move {
            let first = batcher.submit((), 1).await.unwrap();
            let hurried = batcher.submit_within((), 1, Duration::from_millis(3)).await.unwrap();
            let answers = tokio::join!(first, hurried);
            assert!(answers.0.is_ok() && answers.1.is_ok());
            start.elapsed()
        };
        let ((), elapsed) = tokio::join!(calls, ask);
        assert_eq!(elapsed, Duration::from_millis(3));
    }

    /// The sizes of the batches of requests that come one by one, each `gap` after the last, and how
    /// long the slowest of them took. A call takes 2 ms.
    async fn batches_of_a_load(gap: Duration, count: u32) -> (Vec<usize>, Duration) {
        let (batcher, batch_loop) = Batcher::new(Linger::ForCompany(Duration::from_millis(50)));
        let sizes = RefCell::new(Vec::new());
        let calls = batch_loop.run(|values: Vec<()>| {
            sizes.borrow_mut().push(values.len());
            async {
                sleep(Duration::from_millis(2)).await;
                values
            }
        });
        let start = Instant::now();
        let one = |number: u32| {
            let batcher = &batcher;
            async move {
                sleep_until(start + gap * number).await;
                let came_at = Instant::now();
                batcher.ask((), 1).await.unwrap();
                came_at.elapsed()
            }
        };
        let ask = async { join_all((0..count).map(one)).await.into_iter().max().unwrap() };
        tokio::select! {
            () = calls => unreachable!("the batcher is there"),
            slowest = ask => (sizes.take(), slowest),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn under_load_requests_wait_for_company_up_to_the_linger() {
        for gap in [1, 5, 12] {
            let (sizes, slowest) = batches_of_a_load(Duration::from_millis(gap), 300).await;
            let full = (50 / usize::try_from(gap).unwrap() + 1).min(10);
            assert!(sizes.len() <= 300 / full + 12, "every {gap} ms: {sizes:?}");
            assert!(slowest <= Duration::from_millis(50 + 2), "every {gap} ms: {slowest:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_others_are_known_requests_wait_for_them_and_for_nobody_else() {
        let others = Others::default();
        let linger = Linger::ForOthers(Duration::from_millis(50), others.clone());
        let (batcher, batch_loop) = Batcher::new(linger);
        let calls =
            batch_loop.run(|values: Vec<usize>| async move { vec![values.len(); values.len()] });
        let ask = async |works: u64| {
            let joined = others.join();
            sleep(Duration::from_millis(works)).await;
            let answer = batcher.submit(0, 1).await.unwrap();
            joined.leave();
            (answer.await.unwrap(), Instant::now())
        };
        let start = Instant::now();
        let tasks = async {
            let many = join_all([0, 20, 30, 70].map(ask)).await;
            // To wait for one other is not worth it, and soon not done any more.
            for _ in 0..3 {
                join_all([0, 20].map(ask)).await;
            }
            [many, join_all([0, 20].map(ask)).await].concat()
        };
        let answers = tokio::select! {
            () = calls => unreachable!("the batcher is there"),
            answers = tasks => answers,
        };
        let after = |(size, at): &(usize, Instant)| (*size, (*at - start).as_millis());
        let answers: Vec<_> = answers.iter().map(after).collect();
        let (many, few) = answers.split_at(4);
        assert_eq!(many, [(3, 50), (3, 50), (3, 50), (1, 70)]);
        assert_eq!(few, [(1, 130), (1, 150)]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_alone_does_not_wait_for_company() {
        let (sizes, slowest) = batches_of_a_load(Duration::from_millis(30), 100).await;
        assert_eq!(sizes, [1; 100]);
        assert!(slowest <= Duration::from_millis(3), "{slowest:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_is_not_ready_a_batch_takes_in_what_comes() {
        let (batcher, batch_loop) = Batcher::new(Linger::None);
        let opens_at = Instant::now() + Duration::from_secs(5);
        let calls = batch_loop.run_when(
            || sleep_until(opens_at),
            |values: Vec<()>| async move { vec![values.len(); values.len()] },
        );
        let ask = async |after| {
            sleep(Duration::from_secs(after)).await;
            (batcher.ask((), 1).await.unwrap(), Instant::now())
        };
        tokio::select! {
            () = calls => unreachable!("the batcher is there"),
            answers = join_all([0, 1, 4].map(ask)) => assert_eq!(answers, [(3, opens_at); 3]),
        }
    }

    /// How long so many clients take that ask a thousand times, each again when it is answered after 2 ms.
    async fn asked_in_turn(clients: usize) -> Duration {
        let (batcher, batch_loop) = Batcher::new(Linger::ForCompany(Duration::from_millis(50)));
        let calls = batch_loop.run(|values: Vec<()>| async {
            sleep(Duration::from_millis(2)).await;
            values
        });
        let client = || async {
            for _ in 0..1000 {
                batcher.ask((), 1).await.unwrap();
            }
        };
        let start = Instant::now();
        tokio::select! {
            () = calls => unreachable!("the batcher is there"),
            _ = join_all((0..clients).map(|_| client())) => start.elapsed(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_answers_before_asking_again_is_hardly_slowed_down() {
        for clients in [1, 2, 5, 32] {
            let elapsed = asked_in_turn(clients).await;
            assert!(elapsed <= Duration::from_millis(2000 * 5 / 4), "{clients}: {elapsed:?}");
        }
    }
}
