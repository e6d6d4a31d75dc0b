//! What came to pass in a schedule, as those saw it who were there, and what must not have.
//!
//! Queues, stores, handlers and programs tell the book; what contradicts an invariant is noted once, with its
//! time. Everything goes into a hash, so that two runs of a seed can be compared; the words of it are kept
//! only when they are asked for.
//!
//! # Invariants that are checked as things happen
//!
//! - A task runs once at a time, and not after its end; within a FIFO group, not before those sent earlier
//!   have ended; not before its delay is over; and no more of a kind and key at once than may.
//! - Where nothing fails, no run begins before it is time for it, and none is an attempt that does not count as one.
//! - A run whose end somebody asked for ends soon.
//! - A task ends once, and once more after it was redriven: what it ended with never changes, every reply says
//!   that, and it says what its own run came to.
//! - A message is deleted after its task's end was kept, or while another message has the task.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_tasks::life::Standing;

use crate::chore::{Step, number_of};
use crate::plan::Plan;
use crate::seen::Seen;
use crate::time::WorldClock;

/// A multiplier of the FNV hash.
const FNV: u64 = 0x0000_0100_0000_01B3;
/// Entries of a schedule that ends in time: beyond that it goes round in circles.
const ENTRIES_MAX: u64 = 300_000;
/// How long a run may go on whose end was asked for.
const CANCELLED_WITHIN: Duration = Duration::from_secs(3);

/// What came to pass. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    clock: WorldClock,
    pages: Arc<Mutex<Pages>>,
}

/// When a worker has heard of an order about its queue: it looks every two seconds.
pub(crate) const HEARD_WITHIN: Duration = Duration::from_millis(2500);

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
    /// For how long calls of stores hung: what they kept waiting is that much later.
    pub(crate) hung: Duration,
    /// Since when the queue is paused, as far as those know who had it paused.
    pub(crate) paused_at: Option<Duration>,
    /// Since when each worker is to run so many tasks at once, as far as those know who ordered it.
    pub(crate) narrowed: Option<(Duration, usize)>,
    /// The tasks whose ids are those of their messages.
    ids: BTreeMap<String, usize>,
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
    /// When it came there.
    pub(crate) enqueued_at: Duration,
    /// 1, and one more once it was redriven.
    pub(crate) generation: u32,
    /// How it ended in earlier generations.
    pub(crate) earlier: Vec<Ended>,
    pub(crate) runs: u32,
    /// Runs of this generation that have failed, and so count as attempts.
    pub(crate) failed: u32,
    /// When the next run may begin.
    pub(crate) not_before: Duration,
    /// When somebody was told that its end is asked for.
    pub(crate) cancelled_at: Option<Duration>,
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
    pub(crate) generation: u32,
}

/// A handler that begins to run a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starts {
    pub(crate) who: u32,
    pub(crate) task: usize,
    /// Which attempt it is told that it is.
    pub(crate) attempt: u32,
}

impl Book {
    pub(crate) fn open(clock: WorldClock, tasks: usize, with_words: bool) -> Self {
        let pages = Pages {
            hash: 0xCBF2_9CE4_8422_2325,
            entries: 0,
            lines: with_words.then(Vec::new),
            broken: None,
            tasks: (0..tasks).map(|_| TaskPage { generation: 1, ..TaskPage::default() }).collect(),
            stalled: Duration::ZERO,
            hung: Duration::ZERO,
            paused_at: None,
            narrowed: None,
            ids: BTreeMap::new(),
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

    /// The task of that id.
    pub(crate) fn task_of(&self, id: &str) -> Option<usize> {
        number_of(id).or_else(|| self.pages().ids.get(id).copied())
    }

    /// The task came without an id of ours: it has its message's.
    pub(crate) fn note_stranger(&self, id: String, task: usize) {
        let mut pages = self.pages();
        pages.seen.strangers += 1;
        pages.ids.insert(id, task);
    }

    /// The id of a task that came without one of ours.
    pub(crate) fn id_of_stranger(&self, task: usize) -> Option<String> {
        let pages = self.pages();
        let mut ids = pages.ids.iter();
        ids.find(|(_, of)| **of == task).map(|(id, _)| id.clone())
    }

    /// Somebody was told that the end of a task is asked for.
    pub(crate) fn cancelled(&self, task: usize) {
        let now = self.now();
        let mut pages = self.pages();
        pages.seen.cancelled += 1;
        pages.tasks[task].cancelled_at.get_or_insert(now);
    }

    /// A dead letter of a task is sent to its queue again.
    pub(crate) fn redrive(&self, task: usize) {
        self.note(0, "redrives", "task", number(task));
        let mut pages = self.pages();
        pages.seen.redriven += 1;
        let page = &mut pages.tasks[task];
        page.generation += 1;
        page.earlier.extend(page.ended.take());
        (page.enqueued, page.cancelled_at, page.worn_out) = (None, None, false);
        (page.failed, page.not_before) = (0, Duration::ZERO);
    }

    /// A handler begins to run a task. Dropped, what is answered here ends the run.
    pub(crate) fn begin_run(&self, plan: &Plan, starts: Starts) -> RunPage {
        let Starts { who, task, .. } = starts;
        self.note(who, "runs", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        pages.seen.runs += 1;
        pages.tasks[task].runs += 1;
        let page = &pages.tasks[task];
        let (run, generation) = (page.runs, page.generation);
        if let Some(wrong) = pages.wrong_about(plan, starts, now) {
            pages.break_at(now, || format!("task {task} runs on p{who} {wrong}"));
        }
        pages.tasks[task].running.push(who);
        drop(pages);
        let checks_cancel = plan.has_sound_stores() && plan.shared_store;
        RunPage { book: self.clone(), who, task, run, generation, checks_cancel }
    }

    /// What a run of a task is about to do.
    pub(crate) fn note_step(&self, task: usize, step: Step) {
        let now = self.now();
        let mut pages = self.pages();
        let page = &mut pages.tasks[task];
        page.failed += u32::from(matches!(step, Step::Retry(_) | Step::Panic));
        let waits =
            if let Step::Retry(Some(wait)) | Step::Snooze(wait) = step { Some(wait) } else { None };
        page.not_before = waits.map(|wait| now + wait).unwrap_or_default();
    }

    /// A task's end was kept.
    pub(crate) fn end(&self, task: usize, ended: &Ended) {
        self.note(0, "end kept of", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        let page = &mut pages.tasks[task];
        let before = if ended.generation < page.generation {
            page.earlier.iter().find(|earlier| earlier.generation == ended.generation).cloned()
        } else {
            Some(page.ended.get_or_insert_with(|| ended.clone()).clone())
        };
        if before.as_ref() != Some(ended) {
            pages.break_at(now, || {
                format!("task {task} ended twice: as {before:?}, and as {ended:?}")
            });
        }
        let own = format!("[{task},");
        if ended.standing == Standing::Completed && !ended.reply.starts_with(&own) {
            pages.break_at(now, || {
                format!("task {task} ended with what another came to: {ended:?}")
            });
        }
    }

    /// A reply came to a queue for replies.
    pub(crate) fn reply(&self, task: usize, body: &str) {
        self.note(0, "reply to", "task", number(task));
        let now = self.now();
        let mut pages = self.pages();
        if !pages.tasks[task].may_say(body) {
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

impl TaskPage {
    /// Whether it ended so, now or before it was redriven.
    pub(crate) fn may_say(&self, reply: &str) -> bool {
        self.ended.iter().chain(&self.earlier).any(|ended| ended.reply == reply)
    }

    /// The programs that run it and live.
    fn runs_on(&self, killed: &[u32]) -> Option<u32> {
        self.running.iter().copied().find(|who| !killed.contains(who))
    }
}

impl Pages {
    /// What must not be when a run begins.
    fn wrong_about(&self, plan: &Plan, starts: Starts, now: Duration) -> Option<String> {
        let Starts { task, attempt, .. } = starts;
        let (page, asked) = (&self.tasks[task], &plan.tasks[task]);
        // What is cut off from its lease is told so, and its claim holds until then: but for a batch, whose
        // function goes on without it.
        let claims_hold =
            plan.store_keeps_time && self.stalled.is_zero() && plan.asides.batches.is_none();
        let sent_at = page.enqueued_at + asked.delay.unwrap_or_default();
        // Where each program goes by a clock of its own, a task can seem overdue to another, which sends it anew.
        let one_time = plan.store_keeps_time || !plan.skewed;
        // Who is stopped at the end of a run may have its outcome ignored: it is made again at once.
        let (expected, is_exact) = (page.failed + 1, plan.healthy && plan.moments == 0);
        // A handler that was about to begin when everything stood still begins before anybody can tell it otherwise.
        let is_belated = !self.stalled.is_zero();
        if page.ended.is_some() && !is_belated {
            Some("after its end was kept".to_owned())
        } else if let Some(other) = page.runs_on(&self.killed).filter(|_| claims_hold) {
            Some(format!("while it runs on p{other}"))
        } else if let Some(early) = self.unended_before(task) {
            Some(format!("before task {early} of its group, sent earlier, has ended"))
        } else if page.generation == 1 && now < sent_at {
            Some(format!("at {now:?}, and its delay ends at {sent_at:?}"))
        } else if is_exact && one_time && now < page.not_before {
            Some(format!("at {now:?}, and was to wait until {:?}", page.not_before))
        } else if plan.healthy && attempt > expected || is_exact && attempt < expected {
            Some(format!("as attempt {attempt}, and {expected} is its turn"))
        } else if claims_hold && let Some(limit) = self.beyond_limit(plan, task) {
            Some(format!("while {limit} others of its key run"))
        } else {
            let running = self.beyond_order(plan, starts.who, now)?;
            Some(format!("while it runs {running} others, which is as many as it was told to"))
        }
    }

    /// How many tasks a worker runs, if that is as many as it was told to, and it was time to hear of it. What it
    /// held before, for its turn in its group or in a batch, it runs all the same.
    fn beyond_order(&self, plan: &Plan, who: u32, now: Duration) -> Option<usize> {
        let can_hear = plan.has_sound_stores() && self.stalled.is_zero();
        let holds = plan.fifo || plan.asides.batches.is_some();
        let obeys = |(at, _): &(Duration, usize)| can_hear && !holds && now > *at + HEARD_WITHIN;
        let (_, most) = self.narrowed.filter(obeys)?;
        let running = self.tasks.iter().flat_map(|page| &page.running);
        let count = running.filter(|runner| **runner == who).count();
        (count >= most).then_some(count)
    }

    /// How many of its kind and key run, if that is as many as may.
    fn beyond_limit(&self, plan: &Plan, task: usize) -> Option<usize> {
        let most = plan.asides.per_key?;
        let of = |task: usize| (plan.tasks[task].kind(), plan.tasks[task].group);
        let (_, group) = of(task);
        group?;
        let others = (0..self.tasks.len()).filter(|other| *other != task && of(*other) == of(task));
        let running = others.filter(|other| self.tasks[*other].runs_on(&self.killed).is_some());
        let count = running.count();
        (count >= most).then_some(count)
    }

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
    pub(crate) generation: u32,
    /// Whether it has to hear in time that its end is asked for.
    checks_cancel: bool,
}

impl Drop for RunPage {
    fn drop(&mut self) {
        self.book.note(self.who, "leaves", "task", number(self.task));
        let now = self.book.now();
        let mut pages = self.book.pages();
        let page = &pages.tasks[self.task];
        let asked_at = page.cancelled_at.filter(|_| page.generation == self.generation);
        let late = asked_at.is_some_and(|at| now > at + CANCELLED_WITHIN);
        let task = self.task;
        if late
            && self.checks_cancel
            && pages.stalled.is_zero()
            && !pages.killed.contains(&self.who)
        {
            pages.break_at(now, || format!("task {task} ran on after its end was asked for"));
        }
        let running = &mut pages.tasks[self.task].running;
        if let Some(place) = running.iter().position(|who| *who == self.who) {
            running.swap_remove(place);
        }
    }
}

pub(crate) fn number(task: usize) -> u64 {
    u64::try_from(task).unwrap_or(u64::MAX)
}
