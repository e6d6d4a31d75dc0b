//! Clients at work: they send, receive, delete, change visibility and start move tasks, each as its seed draws, and write
//! everything down.
//!
//! A client holds what it received over kills of the broker, so that receipt handles of before are used after.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use crate::book::Book;
use crate::draw::Draw;
use crate::history::{Accepted, Answer, Micros, Queue, Request, Taken};
use crate::sqs::{Client, Draft};
use crate::stopwatch::{micros, pause};

/// Messages that a client holds at most: what it does not get round to comes back to the queue.
const HELD_MAX: usize = 20;
/// Deduplication ids that a client may send again.
const RESENT_MAX: usize = 20;
/// For how long it may: after five minutes each is a new message's.
const RESENT_WITHIN: Duration = Duration::from_secs(120);
/// What a body may have is a mebibyte.
const BODY_MAX: u64 = 1_000_000;
/// Clients of a broker that is down would otherwise spin.
const PAUSE_WHEN_REFUSED: Duration = Duration::from_millis(2);

/// What a round's clients are like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Habits {
    /// The size of most bodies; one in ten has up to twenty times as much.
    pub(crate) bytes: u64,
    /// Messages on all queues at once, about: all of them must fit in one look at a queue.
    pub(crate) messages_max: i64,
    /// Whether a FIFO message is sent again under its deduplication id.
    pub(crate) resends: bool,
}

impl Habits {
    /// What a seed draws: small messages mostly, and sometimes such that segments of the log fill up.
    pub(crate) fn drawn(draw: &mut Draw) -> Self {
        let kinds = [(100, 300), (100, 300), (2_000, 200), (20_000, 30), (200_000, 6)];
        let (bytes, messages_max) = *draw.one_of(&kinds);
        Self { bytes, messages_max, resends: true }
    }
}

#[derive(Debug)]
struct Holding {
    queue: Queue,
    taken: Taken,
    handle: String,
}

/// A client.
#[derive(Debug)]
pub(crate) struct Worker {
    draw: Draw,
    habits: Habits,
    client: Client,
    held: Vec<Holding>,
    /// Messages of the FIFO queue, with when each was first sent.
    sent_in_order: Vec<(u64, Micros)>,
}

impl Worker {
    pub(crate) fn new(draw: Draw, habits: Habits, address: SocketAddr) -> Self {
        let (held, sent_in_order) = (Vec::new(), Vec::new());
        Self { draw, habits, client: Client::new(address), held, sent_in_order }
    }

    /// Does one thing.
    fn step(&mut self, book: &Book) {
        let is_crowded = book.messages() > self.habits.messages_max;
        let was_carried_out = match self.draw.below(100) {
            0..40 if !is_crowded => self.send(book),
            0..68 => {
                let queue = *self.draw.one_of(&Queue::ALL);
                let lease = self.draw.between(1, 3);
                self.receive(book, queue, lease)
            }
            68..90 => self.delete(book),
            90..97 => self.change_visibility(book),
            _ => self.client.start_move() == Answer::Done(()),
        };
        if !was_carried_out {
            pause(PAUSE_WHEN_REFUSED);
        }
    }

    /// Sends a message, or several by one call.
    fn send(&mut self, book: &Book) -> bool {
        let queue = *self.draw.one_of(&[Queue::Plain, Queue::Redriven, Queue::Ordered]);
        let count = if self.draw.chance(20) { self.draw.between(2, 10) } else { 1 };
        let drafts: Vec<_> = (0..count).map(|_| self.draft(book, queue)).collect();
        let entries: Vec<_> =
            drafts.iter().map(|draft| book.begin(queue, send(draft, Answer::Unknown))).collect();
        let answers = self.client.send(queue, &drafts);
        let was_carried_out = answers.iter().any(|answer| *answer != Answer::Refused);
        for ((draft, entry), answer) in drafts.iter().zip(entries).zip(answers) {
            book.end(entry, send(draft, answer));
        }
        was_carried_out
    }

    fn draft(&mut self, book: &Book, queue: Queue) -> Draft {
        let is_delayed = queue != Queue::Ordered && self.draw.chance(10);
        let many = if self.draw.chance(10) { 20 } else { 1 };
        let most = BODY_MAX.min(self.habits.bytes * many);
        let bytes = usize::try_from(self.draw.below(most)).unwrap_or(0);
        let number = self.number(book, queue);
        Draft { number, bytes, delay_seconds: u64::from(is_delayed) }
    }

    /// A new message's, or in the FIFO queue that of one that this client has sent before.
    fn number(&mut self, book: &Book, queue: Queue) -> u64 {
        if queue != Queue::Ordered {
            return book.new_number();
        }
        let now = book.now();
        self.sent_in_order.retain(|(_, sent)| now < sent + micros(RESENT_WITHIN));
        if self.habits.resends && !self.sent_in_order.is_empty() && self.draw.chance(20) {
            return self.draw.one_of(&self.sent_in_order).0;
        }
        let number = book.new_number();
        if self.sent_in_order.len() == RESENT_MAX {
            self.sent_in_order.remove(0);
        }
        self.sent_in_order.push((number, now));
        number
    }

    /// Receives for so many seconds, and holds what comes.
    fn receive(&mut self, book: &Book, queue: Queue, seconds: u64) -> bool {
        let lease = micros(Duration::from_secs(seconds));
        let count = self.draw.between(1, 10);
        let entry = book.begin(queue, Request::Receive { lease, answer: Answer::Unknown });
        let answer = self.client.receive(queue, count, seconds);
        let mut is_any = false;
        if let Answer::Done(messages) = &answer {
            for (place, (message, handle)) in messages.iter().enumerate() {
                let Some(number) = message.number else { continue };
                let taken = Taken { number, delivery: (entry, place) };
                self.held.push(Holding { queue, taken, handle: handle.clone() });
                is_any = true;
            }
        }
        let answer =
            answer.map(|messages| messages.into_iter().map(|(message, _)| message).collect());
        book.end(entry, Request::Receive { lease, answer });
        while self.held.len() > HELD_MAX {
            self.held.swap_remove(self.draw.index_below(self.held.len()));
        }
        is_any
    }

    fn delete(&mut self, book: &Book) -> bool {
        if self.held.is_empty() {
            return false;
        }
        let held = self.held.swap_remove(self.draw.index_below(self.held.len()));
        self.delete_held(book, held)
    }

    fn delete_held(&mut self, book: &Book, held: Holding) -> bool {
        let Holding { queue, taken, handle } = held;
        let answer = Answer::Unknown;
        let entry = book.begin(queue, Request::Delete { taken: taken.clone(), answer });
        let answer = self.client.delete(queue, &handle);
        let was_carried_out = answer != Answer::Refused;
        book.end(entry, Request::Delete { taken, answer });
        was_carried_out
    }

    fn change_visibility(&mut self, book: &Book) -> bool {
        if self.held.is_empty() {
            return false;
        }
        let at = self.draw.index_below(self.held.len());
        let seconds = self.draw.below(3);
        let Holding { queue, taken, handle } = &self.held[at];
        let (queue, taken, lease) = (*queue, taken.clone(), micros(Duration::from_secs(seconds)));
        let answer = Answer::Unknown;
        let request = Request::ChangeVisibility { taken: taken.clone(), lease, answer };
        let entry = book.begin(queue, request);
        let answer = self.client.change_visibility(queue, handle, seconds);
        let was_carried_out = answer != Answer::Refused;
        book.end(entry, Request::ChangeVisibility { taken, lease, answer });
        was_carried_out
    }

    /// Receives and deletes once from each queue.
    pub(crate) fn take_away(&mut self, book: &Book) {
        for queue in Queue::ALL {
            self.held.clear();
            self.receive(book, queue, 5);
            for held in std::mem::take(&mut self.held) {
                self.delete_held(book, held);
            }
        }
    }
}

fn send(draft: &Draft, answer: Answer<Accepted>) -> Request {
    let delay = micros(Duration::from_secs(draft.delay_seconds));
    Request::Send { number: draft.number, delay, answer }
}

/// Has the clients work while `during` runs, and waits until each has its last answer or knows that there is none.
pub(crate) fn work<R>(workers: &mut [Worker], book: &Book, during: impl FnOnce(&Book) -> R) -> R {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for worker in workers {
            let is_over = &is_over;
            scope.spawn(move || {
                while !is_over.load(SeqCst) {
                    worker.step(book);
                }
            });
        }
        let over = Over(&is_over);
        let result = during(book);
        drop(over);
        result
    })
}

/// Ends the work when it is dropped, also by a panic: the clients would go on for ever otherwise.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}
