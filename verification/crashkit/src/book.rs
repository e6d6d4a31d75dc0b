//! The book that all clients of a round write into: a request before it is sent, and its answer once it is there.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::history::{Answer, Entry, History, Micros, Queue, Request};
use crate::stopwatch::Stopwatch;

/// A history that is being written.
#[derive(Debug)]
pub(crate) struct Book {
    watch: Stopwatch,
    history: Mutex<History>,
    boot: AtomicU32,
    numbers: AtomicU64,
    /// Sends that may have been carried out, less acknowledged deletes.
    messages: AtomicI64,
}

/// What a history comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) accepted: u64,
    pub(crate) deliveries: u64,
    pub(crate) deleted: u64,
    /// Sends without a definite answer.
    pub(crate) unknown: u64,
}

impl Book {
    pub(crate) fn new() -> Self {
        Self {
            watch: Stopwatch::start(),
            history: Mutex::default(),
            boot: AtomicU32::new(0),
            numbers: AtomicU64::new(0),
            messages: AtomicI64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Micros {
        self.watch.micros()
    }

    /// The number of a message that nobody has sent yet.
    pub(crate) fn new_number(&self) -> u64 {
        self.numbers.fetch_add(1, SeqCst)
    }

    /// What is asked from now on is asked of another start of the broker.
    pub(crate) fn next_boot(&self) {
        self.boot.fetch_add(1, SeqCst);
    }

    /// Writes down what is about to be asked.
    pub(crate) fn begin(&self, queue: Queue, request: Request) -> usize {
        let boot = self.boot.load(SeqCst);
        let mut history = self.lock();
        let number = history.0.len();
        let start = self.now();
        history.0.insert(number, Entry { start, end: None, boot, queue, request });
        number
    }

    /// About how many messages are on all queues.
    pub(crate) fn messages(&self) -> i64 {
        self.messages.load(SeqCst)
    }

    /// Says how many there are, once somebody has looked: what was unknown is known then.
    pub(crate) fn saw(&self, messages: usize) {
        self.messages.store(i64::try_from(messages).unwrap_or(i64::MAX), SeqCst);
    }

    /// Writes down what came of it.
    pub(crate) fn end(&self, number: usize, request: Request) {
        let more = match &request {
            Request::Send { answer: Answer::Done(_) | Answer::Unknown, .. } => 1,
            Request::Delete { answer: Answer::Done(()), .. } => -1,
            Request::Send { .. }
            | Request::Receive { .. }
            | Request::Delete { .. }
            | Request::ChangeVisibility { .. } => 0,
        };
        self.messages.fetch_add(more, SeqCst);
        let mut history = self.lock();
        let entry = history.0.get_mut(&number).expect("only what has begun ends");
        (entry.end, entry.request) = (Some(self.now()), request);
    }

    /// The history up to now.
    pub(crate) fn history(&self) -> History {
        self.lock().clone()
    }

    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in self.lock().0.values() {
            match &entry.request {
                Request::Send { answer: Answer::Done(_), .. } => counts.accepted += 1,
                Request::Send { answer: Answer::Unknown, .. } => counts.unknown += 1,
                Request::Receive { answer: Answer::Done(messages), .. } => {
                    counts.deliveries += u64::try_from(messages.len()).unwrap_or(0);
                }
                Request::Delete { answer: Answer::Done(()), .. } => counts.deleted += 1,
                Request::Send { .. }
                | Request::Receive { .. }
                | Request::Delete { .. }
                | Request::ChangeVisibility { .. } => {}
            }
        }
        counts
    }

    /// The history for people, a line for each request.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (number, entry) in &self.lock().0 {
            let Entry { start, end, boot, queue, request } = entry;
            let end = end.map_or("?".to_owned(), |end| end.to_string());
            let _ = writeln!(
                text,
                "{number} boot {boot} {start}..{end} µs {}: {request:?}",
                queue.name()
            );
        }
        text
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
