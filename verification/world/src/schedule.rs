//! One schedule: a storm, in which everything fails that the plan says, and then calm weather, in which everything
//! must come to its end.
//!
//! ```text
//! plan ─▶ stage ─▶ storm: tasks are sent, programs killed, drained and started, stores gone
//!                ─▶ calm: no faults, one fresh worker, one fresh app ─▶ all has ended ─▶ drain ─▶ accounts
//! ```

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::Client;
use longshore_testkit::{Odds, Seeded};
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::accounts;
use crate::book::Book;
use crate::cast::{Desk, Hand, Stage};
use crate::mutant::Mutant;
use crate::plan::Plan;
use crate::queues::task_queue;
use crate::sending::{cancel, send, send_as_stranger};

/// How long calm weather may last until everything has ended: retries, time-outs and leases are seconds.
const CALM_MAX: Duration = Duration::from_secs(600);
/// Where each program goes by a clock of its own, what one of them puts off is late by as much as they differ.
const SKEWED_CALM_MAX: Duration = Duration::from_secs(3 * 3600);
/// How often it is looked whether everything has ended.
const LOOK: Duration = Duration::from_millis(500);
/// What a drain may take beyond its grace period: to hand back, and to flush.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// What a receive may take beyond its wait until it is begun again, and the longest pauses before that: of
/// receives that fail, and of a store that does not answer.
const SILENCE: Duration = Duration::from_secs(30 + 5 + 30);
/// How long after a call of a store hung another may, at the least: a lease can be renewed while one does.
const HANGS_APART: Duration = Duration::from_secs(25);
/// Who a stranger is, among the programs: none of them, and never killed.
const STRANGER: u32 = 0;
/// When an order is given again that a store did not take down.
const ORDER_AGAIN: Duration = Duration::from_millis(900);
/// How late everything may be: what is measured here looks seldom.
const SLACK: Duration = Duration::from_secs(2);

/// A schedule that is played.
#[derive(Debug)]
struct Play {
    stage: Stage,
    plan: Arc<Plan>,
    book: Book,
    random: Seeded,
    hands: Vec<Hand>,
    desk: Desk,
    /// Tasks whose sending was begun.
    begun: BTreeSet<usize>,
    /// Tasks whose end was asked for.
    cancelled: BTreeSet<usize>,
    /// When a call of a store last hung.
    hung_at: Option<Duration>,
    /// The last order about the queue.
    last_order: Option<AbortHandle>,
}

/// Plays the schedule of a plan, and answers the book of it.
pub(crate) async fn play(plan: Arc<Plan>, mutant: Mutant, with_words: bool) -> Book {
    let stage = Stage::new(Arc::clone(&plan), mutant, with_words);
    let (book, desk) = (stage.book.clone(), stage.desk(false));
    let random = Seeded::new(plan.seed ^ 0x570F_0000);
    let (hands, begun, cancelled) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let (hung_at, last_order) = (None, None);
    let mut stormy = Play {
        stage,
        plan,
        book: book.clone(),
        random,
        hands,
        desk,
        begun,
        cancelled,
        hung_at,
        last_order,
    };
    stormy.storm().await;
    stormy.calm().await;
    book
}

impl Play {
    async fn storm(&mut self) {
        for _ in 0..self.plan.workers {
            let hand = self.stage.hand(false);
            self.hands.push(hand);
        }
        for _ in 0..self.plan.moments {
            self.let_pass(self.random.up_to(Duration::from_millis(2500))).await;
            self.moment().await;
            if self.book.is_broken() {
                return;
            }
        }
        let last = self.plan.tasks.iter().map(|asked| asked.at).max().unwrap_or_default();
        let rest = last.saturating_sub(self.book.now());
        self.let_pass(rest).await;
    }

    /// Lets time pass: tasks are sent that are to be sent in it, and who died is replaced.
    async fn let_pass(&mut self, time: Duration) {
        let until = self.book.now() + time;
        loop {
            let now = self.book.now();
            self.send_due(now);
            self.cancel_due(now);
            self.replace_the_dead();
            self.check_silence();
            let next = (0..self.plan.tasks.len()).filter(|task| !self.begun.contains(task));
            let next = next.map(|task| self.plan.tasks[task].at).min();
            let next = next.unwrap_or(until).min(until).min(now + Duration::from_secs(1));
            if now >= until || self.book.is_broken() {
                return;
            }
            sleep(next.saturating_sub(now).max(Duration::from_millis(1))).await;
        }
    }

    fn send_due(&mut self, now: Duration) {
        for task in 0..self.plan.tasks.len() {
            if self.plan.tasks[task].at <= now && self.begun.insert(task) {
                self.send(task);
            }
        }
    }

    fn cancel_due(&mut self, now: Duration) {
        let due = |task: &usize| self.plan.tasks[*task].cancel_at.is_some_and(|at| at <= now);
        for task in (0..self.plan.tasks.len()).filter(due) {
            if self.cancelled.insert(task) {
                let (client, who) = (self.desk.client.clone(), self.desk.program.number);
                let cancelling = cancel(self.book.clone(), client, who, task);
                self.desk.program.add_root(tokio::spawn(cancelling).abort_handle());
            }
        }
    }

    fn send(&self, task: usize) {
        let (client, who) = (self.desk.client.clone(), self.desk.program.number);
        if self.plan.tasks[task].stranger.is_some() {
            let queues = Arc::clone(&self.stage.queues);
            self.book.pages().tasks[task].sending = Some(STRANGER);
            let sending = send_as_stranger(Arc::clone(&self.plan), self.book.clone(), queues, task);
            tokio::spawn(sending);
            return;
        }
        self.book.pages().tasks[task].sending = Some(who);
        let sending = send(Arc::clone(&self.plan), self.book.clone(), client, who, task);
        self.desk.program.add_root(tokio::spawn(sending).abort_handle());
    }

    /// Somebody does something to the programs.
    async fn moment(&mut self) {
        let choice = self.random.below(10);
        match choice {
            0 if !self.plan.healthy => {
                if let Some(place) = self.some_hand() {
                    self.hands[place].program.kill();
                }
            }
            1 if !self.plan.healthy => self.desk.program.kill(),
            2..=3 => self.drain_one().await,
            4 => {
                let hand = self.stage.hand(false);
                self.hands.push(hand);
            }
            5..=6 if self.plan.odds != Odds::default() => self.store_goes_down(),
            7 if self.plan.asides.pauses => self.pause_or_resume(),
            8 if self.plan.asides.redrives => self.stage.queues.redrive(),
            7..=9 if self.plan.asides.narrows => self.narrow_or_widen(),
            5 | 6 | 9 => self.store_hangs(),
            _ => {}
        }
        self.replace_the_dead();
    }

    fn some_hand(&self) -> Option<usize> {
        (!self.hands.is_empty()).then(|| self.random.index_below(self.hands.len()))
    }

    fn store_goes_down(&self) {
        self.book.note(0, "loses", "the store", 0);
        let calls = self.random.index_below(60);
        self.hands.iter().for_each(|hand| hand.store.go_down(calls));
        self.desk.store.go_down(calls);
    }

    /// A call of one worker's store takes longer than any lease.
    fn store_hangs(&mut self) {
        let (now, time) = (self.book.now(), self.plan.asides.hangs);
        let is_early = self.hung_at.is_some_and(|at| now < at + HANGS_APART);
        let (Some(time), Some(place)) = (time.filter(|_| !is_early), self.some_hand()) else {
            return;
        };
        self.hung_at = Some(now);
        let hand = &self.hands[place];
        let mut pages = self.book.pages();
        pages.seen.hangs += 1;
        pages.hung += time;
        drop(pages);
        hand.program.set_hang(time, self.random.chance(60));
    }

    /// An app has the queue paused, or resumed if it is.
    fn pause_or_resume(&mut self) {
        let is_paused = self.book.pages().paused_at.take().is_some();
        let (client, book) = (self.desk.client.clone(), self.book.clone());
        let (fifo, who) = (self.plan.fifo, self.desk.program.number);
        let ordering = async move {
            book.note(who, if is_paused { "resumes" } else { "pauses" }, "the queue", 0);
            if is_paused {
                return resume(&client, fifo).await;
            }
            if client.pause(task_queue(fifo)).await.is_ok() {
                let now = book.now();
                let mut pages = book.pages();
                pages.seen.pauses += 1;
                pages.paused_at = Some(now);
            }
        };
        let ordering = tokio::spawn(ordering);
        self.desk.program.add_root(ordering.abort_handle());
        self.last_order = Some(ordering.abort_handle());
    }

    /// An app has each worker of the queue run one or two tasks at once, or as many as before if that is so.
    fn narrow_or_widen(&mut self) {
        if let Some(order) = self.last_order.take() {
            order.abort();
        }
        let is_narrow = self.book.pages().narrowed.take().is_some();
        let count =
            (!is_narrow).then(|| NonZeroU32::MIN.saturating_add(self.random.chance(50).into()));
        let (client, book) = (self.desk.client.clone(), self.book.clone());
        let (fifo, who) = (self.plan.fifo, self.desk.program.number);
        let ordering = async move {
            book.note(who, if is_narrow { "widens" } else { "narrows" }, "the queue", 0);
            let ordered = client.set_concurrency(task_queue(fifo), count).await;
            if let (Ok(_), Some(count)) = (ordered, count) {
                let now = book.now();
                let mut pages = book.pages();
                pages.seen.narrowings += 1;
                pages.narrowed = Some((now, count.get() as usize));
            }
        };
        let ordering = tokio::spawn(ordering);
        self.desk.program.add_root(ordering.abort_handle());
        self.last_order = Some(ordering.abort_handle());
    }

    /// Nobody pauses the queue any more.
    async fn resume_for_good(&mut self) {
        if !self.plan.asides.pauses {
            return;
        }
        if let Some(order) = self.last_order.take() {
            order.abort();
        }
        self.book.pages().paused_at = None;
        resume(&self.desk.client, self.plan.fifo).await;
    }

    async fn drain_one(&mut self) {
        if let Some(place) = self.some_hand() {
            let hand = self.hands.swap_remove(place);
            self.drain(hand).await;
            let hand = self.stage.hand(false);
            self.hands.push(hand);
        }
    }

    /// Has a worker stop, which may not take longer than it says.
    async fn drain(&self, hand: Hand) {
        let (who, began) = (hand.program.number, self.book.now());
        let stalled_before = self.book.pages().stalled;
        self.book.note(who, "is to stop", "", 0);
        hand.shutdown.cancel();
        let ended = hand.run.await;
        let took = self.book.now().saturating_sub(began);
        self.book.note(who, "has stopped", "", 0);
        if hand.program.is_dead() {
            return;
        }
        self.book.pages().seen.drains += 1;
        let stalled = self.book.pages().stalled.saturating_sub(stalled_before);
        let bound = self.plan.grace + LAST_WORDS + stalled + self.book.pages().hung + SLACK;
        if took > bound {
            self.book.breaks(|| format!("p{who} takes {took:?} to stop, and may take {bound:?}"));
        }
        if !matches!(ended, Ok(Ok(_))) {
            self.book.breaks(|| format!("p{who} does not stop in order: {ended:?}"));
        }
        accounts::check_drained(&self.plan, &self.book, who);
        let lost = hand.status.numbers().leases_lost;
        if self.plan.asides.only_hangs && lost > 0 {
            self.book.breaks(|| format!("p{who} lost {lost} leases because a store hung"));
        }
    }

    fn replace_the_dead(&mut self) {
        let calm = self.book.pages().calm;
        for place in 0..self.hands.len() {
            let hand = &self.hands[place];
            if hand.program.is_dead() {
                self.hands[place] = self.stage.hand(calm);
            } else if hand.run.is_finished() {
                let who = hand.program.number;
                self.book.breaks(|| format!("the worker p{who} ended by itself"));
            }
        }
        if self.desk.program.is_dead() {
            self.desk = self.stage.desk(calm);
        }
    }

    /// No worker that could take a task is without a receive for longer than its bound.
    fn check_silence(&self) {
        let pages = self.book.pages();
        let bound = self.plan.wait + SILENCE + SLACK + pages.stalled + pages.hung;
        let is_paused = pages.paused_at.is_some();
        drop(pages);
        if is_paused {
            return self.hands.iter().for_each(|hand| hand.observed.note_receive());
        }
        for hand in
            self.hands.iter().filter(|hand| hand.status.running() == 0 && !hand.program.is_dead())
        {
            let silent = hand.observed.silent_for();
            if silent > bound {
                let who = hand.program.number;
                self.book.breaks(|| {
                    format!("p{who} has not received for {silent:?}, and may not for {bound:?}")
                });
            }
        }
    }

    async fn calm(&mut self) {
        if self.book.is_broken() {
            return;
        }
        self.book.note(0, "finds", "calm weather", 0);
        self.stage.faulty.stop();
        self.book.pages().calm = true;
        self.clear_the_stage().await;
        self.resume_for_good().await;
        for task in accounts::unsettled(&self.plan, &self.book, &self.begun) {
            self.begun.insert(task);
            self.send(task);
        }
        self.until_all_has_ended().await;
        if self.plan.asides.redrives {
            self.stage.queues.redrive();
            self.until_all_has_ended().await;
        }
        if self.book.is_broken() {
            return;
        }
        self.final_drain().await;
        accounts::check(&self.plan, &self.book, &self.desk.client, &self.stage).await;
    }

    /// Who was there in the storm leaves, one way or the other; one worker and one app come new.
    /// Where nothing fails, nobody has a reason to.
    async fn clear_the_stage(&mut self) {
        if self.plan.healthy {
            return;
        }
        for hand in std::mem::take(&mut self.hands) {
            hand.store.set_odds(Odds::default());
            hand.store.go_down(0);
            hand.program.stop_hangs();
            if self.random.chance(50) {
                self.drain(hand).await;
            } else {
                hand.program.die();
            }
        }
        self.desk.program.die();
        self.desk = self.stage.desk(true);
        let hand = self.stage.hand(true);
        self.hands.push(hand);
    }

    async fn until_all_has_ended(&mut self) {
        let bound = if self.plan.store_keeps_time { CALM_MAX } else { SKEWED_CALM_MAX };
        let (began, mut pause) = (self.book.now(), LOOK);
        loop {
            if self.book.is_broken() || accounts::all_has_ended(&self.book, &self.stage) {
                return;
            }
            let waited = self.book.now().saturating_sub(began);
            if waited > bound {
                let what = accounts::what_has_not(&self.book, &self.stage);
                self.book.breaks(|| format!("after {waited:?} of calm weather {what}"));
                return;
            }
            self.replace_the_dead();
            self.check_silence();
            pause = pause.max(waited / 20);
            sleep(pause).await;
        }
    }

    /// The last worker and the app stop, and leave nothing behind.
    async fn final_drain(&mut self) {
        for hand in std::mem::take(&mut self.hands) {
            self.drain(hand).await;
        }
        self.desk.shutdown.cancel();
        sleep(self.plan.wait + SLACK).await;
        if !self.desk.replies.is_finished() {
            self.book.breaks(|| "the consumer of replies does not stop".to_owned());
        }
    }
}

/// Has the queue resumed, however often its store has to be asked.
async fn resume(client: &Client, fifo: bool) {
    while client.resume(task_queue(fifo)).await.is_err() {
        sleep(ORDER_AGAIN).await;
    }
}
