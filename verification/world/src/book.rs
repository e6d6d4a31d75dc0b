//! What came to pass in a schedule, as those saw it who were there, and what must not have.
//!
//! Queues, stores, handlers and programs tell the book; what contradicts an invariant is noted once, with its
//! time. Everything goes into a hash, so that two runs of a seed can be compared; the words of it are kept
//! only when they are asked for.
//!
//! # Invariants that are checked as things happen
//!
//! - A task runs once at a time, and not after its end; within a FIFO group, not before those sent earlier
//!   have ended.
//! - A task ends once: what it ended with never changes, and every reply says that.
//! - A message is deleted after its task's end was kept, or while another message has the task.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_tasks::life::Standing;

use crate::time::WorldClock;

/// A multiplier of the FNV hash.
const FNV: u64 = 0x0000_0100_0000_01B3;
/// Entries of a schedule that ends in time: beyond that it goes round in circles.
const ENTRIES_MAX: u64 = 300_000;

/// What came to pass. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    clock: WorldClock,
    pages: Arc<Mutex<Pages>>,
}

/// The pages of the book.
#[derive(Debug)]
pub(crate) struct Pages {
    hash: u64,
    entries: u64,
    lines: Option<Vec<String>>,
    broken: Option<String>,
    pub(crate) tasks: Vec<TaskPage>,
    /// How long whole programs stood still: every bound is that much longer.
    pub(crate) stalled: Duration,
    /// From now on nothing fails, and handlers do no harm.
    pub(crate) calm: bool,
    /// Programs that were killed.
    pub(crate) killed: Vec<u32>,
    /// What is promised of a message in flight: until when, and whose it is.
    pub(crate) promises: BTreeMap<u64, (Duration, u32)>,
    pub(crate) seen: Seen,
}

/// What is known of a task.
#[derive(Debug, Default)]
pub(crate) struct TaskPage {
    /// Who is just sending it.
    pub(crate) sending: Option<u32>,
    /// Its sender was told that it is on the queue.
    pub(crate) accepted: bool,
    /// Its sender was told that it is not, and will not be.
    pub(crate) refused: bool,
    /// Its place among all messages, and its group, if it came to the queue.
    pub(crate) enqueued: Option<(u64, Option<String>)>,
    pub(crate) runs: u32,
    /// The programs that run it.
    pub(crate) running: Vec<u32>,
    /// How it ended: with what reply, and whether as dead.
    pub(crate) ended: Option<Ended>,
    /// Replies to it that came to the reply queue.
    pub(crate) replies: Vec<String>,
    /// Copies of it that came to the dead-letter queue with a reason.
    pub(crate) dead_letters: u32,
    /// Messages of it that are on a queue of tasks.
    pub(crate) messages: u32,
    /// The queue dead-lettered it by itself.
    pub(crate) worn_out: bool,
    /// Callers that heard of its end.
    pub(crate) answered: u32,
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) standing: Standing,
    pub(crate) reply: String,
    pub(crate) dead: bool,
}

/// How often things came to pass: whoever runs schedules says what they want to have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Schedules.
    pub schedules: u64,
    /// Tasks that came to their queue.
    pub tasks: u64,
    /// Runs of handlers.
    pub runs: u64,
    /// Tasks that were done.
    pub completed: u64,
    /// Tasks that were given up.
    pub failed: u64,
    /// Tasks that the queue took, since faults had used up the receives of their messages.
    pub worn_out: u64,
    /// Programs that were killed.
    pub kills: u64,
    /// Workers that were drained.
    pub drains: u64,
    /// Callers that waited, and heard.
    pub answered: u64,
    /// Faults of queues.
    pub faults: u64,
}

impl Seen {
    /// Adds what others have seen.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.tasks += other.tasks;
        self.runs += other.runs;
        self.completed += other.completed;
        self.failed += other.failed;
        self.worn_out += other.worn_out;
        self.kills += other.kills;
        self.drains += other.drains;
        self.answered += other.answered;
        self.faults += other.faults;
    }
}

impl Book {
    pub(crate) fn open(clock: WorldClock, tasks: usize, with_words: bool) -> Self {
        let pages = Pages {
            hash: 0xCBF2_9CE4_8422_2325,
            entries: 0,
            lines: with_words.then(Vec::new),
            broken: None,
            tasks: (0..tasks).map(|_| TaskPage::default()).collect(),
            stalled: Duration::ZERO,
            calm: false,
            killed: Vec::new(),
            promises: BTreeMap::new(),
            seen: Seen::default(),
        };
        Self { clock, pages: Arc::new(Mutex::new(pages)) }
    }

    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Notes what program `who` did, or what was done to it, about a task or a queue.
    pub(crate) fn note(&self, who: u32, what: &'static str, about: &str, number: u64) {
        let now = self.now();
        let mut pages = self.pages();
        pages.mix(u64::try_from(now.as_micros()).unwrap_or(u64::MAX));
        pages.mix(u64::from(who));
        what.bytes().chain(about.bytes()).for_each(|byte| pages.mix(u64::from(byte)));
        pages.mix(number);
        pages.entries += 1;
        if pages.entries > ENTRIES_MAX {
            pages.break_at(now, || "it goes round in circles: too much happens".to_owned());
        }
        if let Some(lines) = &mut pages.lines {
            let mut line = format!("{:>9.3} ", now.as_secs_f64());
            let name = if who == 0 { "queue".to_owned() } else { format!("p{who}") };
            write!(line, "{name:>5} {what} {about} {number}").expect("a String takes everything");
            lines.push(line);
        }
    }

    /// An invariant does not hold. The first time counts.
    pub(crate) fn breaks(&self, why: impl FnOnce() -> String) {
        let now = self.now();
        self.pages().break_at(now, why);
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.pages().broken.is_some()
    }

    /// What did not hold, and the words of everything, if they were kept.
    pub(crate) fn close(&self) -> (u64, Seen, Option<String>, Vec<String>) {
        let mut pages = self.pages();
        let lines = pages.lines.take().unwrap_or_default();
        (pages.hash, pages.seen, pages.broken.clone(), lines)
    }

    /// A handler begins to run a task. Dropped, what is answered here ends the run.
    pub(crate) fn begin_run(&self, who: u32, task: usize, overlaps_are_wrong: bool) -> RunPage {
        self.note(who, "runs", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        pages.seen.runs += 1;
        let stalled = !pages.stalled.is_zero();
        let killed = pages.killed.clone();
        let page = &mut pages.tasks[task];
        page.runs += 1;
        let run = page.runs;
        let twice = page.running.iter().copied().find(|other| !killed.contains(other));
        let ended = page.ended.is_some();
        page.running.push(who);
        let early = pages.unended_before(task);
        if ended {
            pages.break_at(now, || format!("task {task} runs after its end was kept"));
        }
        if let Some(other) = twice.filter(|_| overlaps_are_wrong && !stalled) {
            pages.break_at(now, || format!("task {task} runs on p{who} while it runs on p{other}"));
        }
        if let Some(early) = early {
            pages.break_at(now, || {
                format!(
                    "task {task} runs before task {early} of its group, sent earlier, has ended"
                )
            });
        }
        drop(pages);
        RunPage { book: self.clone(), who, task, run }
    }

    /// A task's end was kept.
    pub(crate) fn end(&self, task: usize, ended: Ended) {
        self.note(0, "end kept of", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        match pages.tasks[task].ended.clone() {
            None => pages.tasks[task].ended = Some(ended),
            Some(before) if before == ended => {}
            Some(before) => pages.break_at(now, || {
                format!("task {task} ended twice: as {before:?}, and as {ended:?}")
            }),
        }
    }

    /// A reply came to the reply queue.
    pub(crate) fn reply(&self, task: usize, body: &str) {
        self.note(0, "reply to", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        let kept = pages.tasks[task].ended.clone();
        if kept.is_none_or(|kept| kept.reply != body) {
            pages.break_at(now, || {
                format!("task {task} is replied to with {body}, which it did not end with")
            });
        }
        pages.tasks[task].replies.push(body.to_owned());
    }

    /// A message of a task is gone from its queue.
    pub(crate) fn message_gone(&self, task: usize) {
        let now = self.now();
        let mut pages = self.pages();
        let page = &mut pages.tasks[task];
        page.messages = page.messages.saturating_sub(1);
        if page.messages == 0 && page.ended.is_none() {
            pages.break_at(now, || {
                format!("the last message of task {task} is deleted before its end was kept")
            });
        }
    }
}

impl Pages {
    fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number).wrapping_mul(FNV);
    }

    pub(crate) fn break_at(&mut self, now: Duration, why: impl FnOnce() -> String) {
        if self.broken.is_none() {
            let why = why();
            if let Some(lines) = &mut self.lines {
                lines.push(format!("{:>9.3} BROKEN: {why}", now.as_secs_f64()));
            }
            self.broken = Some(why);
        }
    }

    /// A task of the same FIFO group that came before this one and has not ended.
    fn unended_before(&self, task: usize) -> Option<usize> {
        let (place, group) = self.tasks[task].enqueued.as_ref()?;
        let group = group.as_ref()?;
        self.tasks.iter().position(|other| {
            let earlier = other
                .enqueued
                .as_ref()
                .is_some_and(|(earlier, of)| earlier < place && of.as_ref() == Some(group));
            earlier && other.ended.is_none() && !other.worn_out
        })
    }
}

/// A run under way.
#[derive(Debug)]
pub(crate) struct RunPage {
    book: Book,
    who: u32,
    task: usize,
    /// Which run of the task it is, from 1.
    pub(crate) run: u32,
}

impl Drop for RunPage {
    fn drop(&mut self) {
        self.book.note(self.who, "leaves", "task", number(self.task));
        let mut pages = self.book.pages();
        let running = &mut pages.tasks[self.task].running;
        if let Some(place) = running.iter().position(|who| *who == self.who) {
            running.swap_remove(place);
        }
    }
}

pub(crate) fn number(task: usize) -> u64 {
    u64::try_from(task).unwrap_or(u64::MAX)
}
