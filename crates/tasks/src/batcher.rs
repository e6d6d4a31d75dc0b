//! Packs single requests into batch calls, and hands each its own answer.
//!
//! A batch leaves when it is full, when its first request has waited for the linger, or at once
//! when no more can come. With a linger of zero, what comes while all calls are busy shares the
//! next one: nobody waits for company, and under load the batches fill by themselves.
//!
//! # Invariants
//!
//! - Ten requests (or as many as its maker says) and 1 MiB a batch at most, and a bounded number of calls at once; who asks
//!   beyond that waits.
//! - Closing flushes: [`BatchLoop::run`] resolves when every [`Batcher`] is gone and every
//!   request was answered.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use longshore_types::limits::{BATCH_ENTRIES_MAX, MESSAGE_BYTES_MAX};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Calls under way at once.
const CALLS_MAX: usize = 8;
/// Requests that wait; who comes when they are as many waits before asking.
const WAITING_MAX: usize = 100;

/// Where requests are handed in.
#[derive(Debug)]
pub(crate) struct Batcher<I, O> {
    requests: mpsc::Sender<Request<I, O>>,
}

/// Makes the calls.
#[derive(Debug)]
pub(crate) struct BatchLoop<I, O> {
    requests: mpsc::Receiver<Request<I, O>>,
    /// The first request of the next batch, for which the last one had no room.
    left_over: Option<Request<I, O>>,
    linger: Duration,
    entries_max: usize,
}

#[derive(Debug)]
struct Request<I, O> {
    value: I,
    bytes: usize,
    answer: oneshot::Sender<O>,
}

impl<I, O> Batcher<I, O> {
    /// A place to hand requests in, and the loop that has to be run for them.
    pub(crate) fn new(linger: Duration) -> (Self, BatchLoop<I, O>) {
        Self::with_entries_max(linger, BATCH_ENTRIES_MAX)
    }

    /// The same for calls that take other numbers of requests than SQS's ten.
    pub(crate) fn with_entries_max(
        linger: Duration,
        entries_max: usize,
    ) -> (Self, BatchLoop<I, O>) {
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        (Self { requests: sender }, BatchLoop { requests, left_over: None, linger, entries_max })
    }

    /// Hands in a request of so many bytes. Its answer comes later; `None` if the loop is gone.
    pub(crate) async fn submit(&self, value: I, bytes: usize) -> Option<oneshot::Receiver<O>> {
        let (answer, receiver) = oneshot::channel();
        self.requests.send(Request { value, bytes, answer }).await.ok()?;
        Some(receiver)
    }

    /// Hands in a request and waits for its answer; `None` if the loop is gone.
    pub(crate) async fn ask(&self, value: I, bytes: usize) -> Option<O> {
        self.submit(value, bytes).await?.await.ok()
    }
}

impl<I, O> BatchLoop<I, O> {
    /// Makes calls until no more requests can come and all are answered. A call answers for each
    /// request in its place.
    pub(crate) async fn run<F: Future<Output = Vec<O>>>(mut self, call: impl Fn(Vec<I>) -> F) {
        let mut calls = FuturesUnordered::new();
        while let Some(first) = self.first(&mut calls).await {
            let batch = self.fill(first, &mut calls).await;
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
                Some(()) = calls.next() => {}
                request = self.requests.recv() => return request,
            }
        }
    }

    async fn fill<F: Future<Output = ()>>(
        &mut self,
        first: Request<I, O>,
        calls: &mut FuturesUnordered<F>,
    ) -> Vec<Request<I, O>> {
        let leaves_at = Instant::now() + self.linger;
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while batch.len() < self.entries_max {
            tokio::select! {
                biased;
                request = self.requests.recv() => {
                    let Some(request) = request else { break };
                    bytes += request.bytes;
                    if bytes > MESSAGE_BYTES_MAX as usize {
                        self.left_over = Some(request);
                        break;
                    }
                    batch.push(request);
                }
                Some(()) = calls.next() => {}
                () = sleep_until(leaves_at) => break,
            }
        }
        batch
    }
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

    use super::*;

    const LINGER: Duration = Duration::from_millis(20);

    /// The sizes of the batches that requests of so many bytes go in.
    async fn batches(requests: &[usize], linger: Duration) -> Vec<usize> {
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
        assert_eq!(batches(&[half, half, 1, half, half], LINGER).await, [2, 2, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn closing_flushes_at_once_what_is_not_yet_a_full_batch() {
        let start = Instant::now();
        assert_eq!(batches(&[1; 9], Duration::from_secs(3600)).await, [9]);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn each_request_gets_its_own_answer() {
        let (batcher, batch_loop) = Batcher::new(LINGER);
        let calls = batch_loop.run(|values: Vec<u32>| async move {
            values.into_iter().map(|value| value * 2).collect()
        });
        let ask = async move { join_all((0..15).map(|value| batcher.ask(value, 1))).await };
        let ((), answers) = tokio::join!(calls, ask);
        assert_eq!(answers, (0..15).map(|value| Some(value * 2)).collect::<Vec<_>>());
    }
}
