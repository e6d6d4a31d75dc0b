//! What a seed decides: who is there, what is asked of them, and what goes wrong.
//!
//! Every parameter is drawn for each seed ("swarm"): a schedule in which everything fails a little finds less
//! than many, in each of which a few things fail often.

use std::time::Duration;

use longshore_tasks::{Priorities, Priority};
use longshore_testkit::{Faults, Odds, Seeded};

use crate::chore::{BY_QUEUE, BY_STORE, NO_REPLY, Step};

/// How many receives a message gets where they shall never be too few.
pub(crate) const MANY_RECEIVES: u32 = 100;
/// How wrong a clock is at most: an hour.
const SKEW_MAX: u64 = 3_600_000;

/// What is to come to pass.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// Nothing fails, nobody is killed: then everything is exact.
    pub(crate) healthy: bool,
    pub(crate) fifo: bool,
    pub(crate) priorities: Option<Priorities>,
    pub(crate) visibility: Duration,
    pub(crate) receives: Receives,
    pub(crate) attempts: u32,
    pub(crate) workers: usize,
    pub(crate) concurrency: usize,
    pub(crate) wait: Duration,
    pub(crate) grace: Duration,
    /// How long a worker that stops waits for a receive: as the transport says.
    pub(crate) receive_patience: Option<Duration>,
    pub(crate) tasks: Vec<Asked>,
    /// Whether app and workers share a store.
    pub(crate) shared_store: bool,
    /// Whether the store tells the time; else each program goes by its own clock.
    pub(crate) store_keeps_time: bool,
    pub(crate) faults: Faults,
    pub(crate) odds: Odds,
    /// Of a million calls, so many end the program that makes them.
    pub(crate) deadly_calls: u64,
    pub(crate) kills_max: u32,
    /// Moments at which somebody does something to the programs.
    pub(crate) moments: usize,
    pub(crate) skewed: bool,
    pub(crate) asides: Asides,
}

/// What comes beside the ordinary.
#[expect(clippy::struct_excessive_bools, reason = "each comes or does not, whatever the others do")]
#[derive(Debug)]
pub(crate) struct Asides {
    /// How many tasks of one kind and key may run at once.
    pub(crate) per_key: Option<usize>,
    /// How many tasks are run by one call of their handler at most, if it is one of batches.
    pub(crate) batches: Option<usize>,
    /// Somebody pauses the queue, and resumes it.
    pub(crate) pauses: bool,
    /// Somebody has workers run fewer tasks at once, and as many as before.
    pub(crate) narrows: bool,
    /// Somebody redrives dead letters.
    pub(crate) redrives: bool,
    /// For how long a call of a store now and then hangs.
    pub(crate) hangs: Option<Duration>,
    /// Nothing else fails: then no lease is lost.
    pub(crate) only_hangs: bool,
}

/// The receives that a message gets before the queue dead-letters it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receives {
    pub(crate) max: u32,
    /// Whether faults can use them up: then a task may be lost to the queue's own redrive policy, which no
    /// worker can help.
    pub(crate) can_run_out: bool,
}

/// A task that is asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) at: Duration,
    pub(crate) reply: u8,
    pub(crate) group: Option<u64>,
    pub(crate) delay: Option<Duration>,
    pub(crate) priority: Option<Priority>,
    /// The program that sends it is none of ours.
    pub(crate) stranger: Option<Stranger>,
    /// When somebody asks for its end.
    pub(crate) cancel_at: Option<Duration>,
    /// Whether its handler says how far it is.
    pub(crate) says_progress: bool,
    /// What its runs do, one after the other; the last one again and again.
    pub(crate) script: Vec<Step>,
    /// Whether somebody waits for its reply.
    pub(crate) awaited: bool,
    /// Whether it is sent again, under its id, if it may not have been sent.
    pub(crate) insisted: bool,
}

/// What the message of a stranger says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// Which task it is; else it is the queue's default.
    pub(crate) names_task: bool,
    /// Where its reply is to go; else it goes where replies go.
    pub(crate) names_queue: bool,
}

impl Asked {
    /// How tasks like it are replied to, as far as they are of ours: see [`crate::chore`].
    pub(crate) fn kind(&self) -> u8 {
        let is_default = self.stranger.is_some_and(|stranger| !stranger.names_task);
        if is_default { BY_QUEUE } else { self.reply }
    }

    /// Whether its reply is a message. A stranger has no other way to hear of it.
    pub(crate) fn is_replied_by_queue(&self) -> bool {
        self.reply == BY_QUEUE || self.stranger.is_some()
    }
}

impl Plan {
    /// The plan of a seed. What came to be drawn later is drawn apart, so that seeds keep their meaning.
    pub(crate) fn of(seed: u64) -> Self {
        let mut plan = Self::ordinary(seed);
        let random = Seeded::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xA51D_E500);
        plan.draw_asides(&random);
        plan
    }

    fn draw_asides(&mut self, random: &Seeded) {
        let some = |chance, most| random.chance(chance).then(|| 1 + random.index_below(most));
        let (per_key, batches) = (some(25, 2), some(25, 4));
        let (pauses, redrives) = (random.chance(20), random.chance(40));
        let hangs = random.chance(12).then(|| Duration::from_secs(20 + random.below(40)));
        self.asides = Asides {
            per_key: per_key.filter(|_| !self.fifo),
            batches,
            pauses: pauses && self.shared_store,
            narrows: false,
            redrives,
            hangs: hangs.filter(|_| !self.healthy),
            only_hangs: false,
        };
        if self.asides.hangs.is_some() && random.chance(50) {
            self.let_only_stores_hang();
        }
        let strangers = random.chance(40);
        for asked in &mut self.tasks {
            let cancelled =
                random.chance(15).then(|| asked.at + random.up_to(Duration::from_secs(9)));
            asked.says_progress = random.chance(40);
            let (names_task, names_queue) = (random.chance(60), random.chance(40));
            if strangers && random.chance(35) {
                asked.stranger = Some(Stranger { names_task, names_queue });
                (asked.delay, asked.priority, asked.awaited) = (None, None, false);
            } else if self.shared_store {
                asked.cancel_at = cancelled;
            }
            if self.asides.per_key.is_some() && random.chance(60) {
                asked.group = Some(random.below(2));
            }
        }
        self.asides.narrows = random.chance(25) && self.shared_store;
    }

    /// Then a lease is lost to nothing else.
    fn let_only_stores_hang(&mut self) {
        self.faults = Faults::seed(self.seed);
        (self.odds, self.deadly_calls, self.kills_max) = (Odds::default(), 0, 0);
        self.asides.only_hangs = true;
        for asked in &mut self.tasks {
            asked.script.retain(|step| !matches!(step, Step::Stall(_)));
        }
    }

    /// Whether each call of a store is carried out and answered soon.
    pub(crate) fn has_sound_stores(&self) -> bool {
        self.odds == Odds::default() && self.asides.hangs.is_none()
    }

    fn ordinary(seed: u64) -> Self {
        let random = Seeded::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x5EED);
        let healthy = random.chance(15);
        let fifo = random.chance(30);
        let priorities = (!fifo && random.chance(25)).then(|| {
            if random.chance(50) { Priorities::strict() } else { Priorities::weighted(4, 2, 1) }
        });
        let shared_store = random.chance(80);
        let attempts = 1 + u32::try_from(random.below(4)).expect("it is below four");
        let (faults, exhausting) = faults(seed, &random, healthy);
        let (receives, kills_max) = receives(&random, fifo, attempts, exhausting, healthy);
        let store_faults = !healthy && random.chance(50);
        let count = 1 + random.index_below(10);
        let draw =
            Draw { random: &random, fifo, levels: priorities.is_some(), shared_store, healthy };
        Self {
            seed,
            healthy,
            fifo,
            priorities,
            visibility: Duration::from_secs(2 + random.below(9)),
            receives,
            attempts,
            workers: 1 + random.index_below(3),
            concurrency: 1 + random.index_below(5),
            wait: Duration::from_secs(1 + random.below(8)),
            grace: Duration::from_secs(random.below(7)),
            receive_patience: random.chance(30).then_some(Duration::ZERO),
            tasks: (0..count).map(|_| draw.asked()).collect(),
            shared_store,
            store_keeps_time: random.chance(85),
            faults,
            odds: if store_faults { odds(&random) } else { Odds::default() },
            deadly_calls: if healthy || random.chance(40) { 0 } else { random.below(30_000) },
            kills_max,
            moments: random.index_below(10),
            skewed: random.chance(50),
            asides: Asides {
                per_key: None,
                batches: None,
                pauses: false,
                narrows: false,
                redrives: false,
                hangs: None,
                only_hangs: false,
            },
        }
    }

    /// How wrong the clock of a program is.
    pub(crate) fn skew(&self, random: &Seeded) -> i64 {
        if !self.skewed {
            return 0;
        }
        let off = i64::try_from(random.below(2 * SKEW_MAX + 1)).expect("it is some hours");
        off - SKEW_MAX.cast_signed()
    }
}

/// Faults of the way to the queues, and whether they use up receives.
fn faults(seed: u64, random: &Seeded, healthy: bool) -> (Faults, bool) {
    let mut faults = Faults::seed(seed);
    if healthy {
        return (faults, false);
    }
    // Each kind is there or not, and seldom or often.
    let share = || {
        let rates = [0.0, 0.0, 0.02, 0.1, 0.3];
        rates[random.index_below(rates.len())]
    };
    let exhausting = random.chance(70);
    faults = faults
        .not_sent(share())
        .throttling(share())
        .partial_failures(share())
        .reordering(share())
        .empty_receives(share())
        .slow_calls(share(), Duration::from_millis(random.below(3000)));
    if exhausting {
        faults = faults
            .lost_answers(share())
            .stale_handles(share())
            .lost_deletes(share())
            .duplicates(share())
            .hung_receives(share() / 10.0);
    }
    (faults, exhausting)
}

/// How many receives a message gets, and how many programs are killed at most.
fn receives(
    random: &Seeded,
    fifo: bool,
    attempts: u32,
    exhausting: bool,
    healthy: bool,
) -> (Receives, u32) {
    let many = (Receives { max: MANY_RECEIVES, can_run_out: false }, 8);
    if random.chance(60) {
        return many;
    }
    // A FIFO queue has to grant one more than there are attempts; others must leave one to spare.
    let least = if fifo { attempts + 1 } else { 4 };
    let max = least + u32::try_from(random.below(3)).expect("it is below three");
    // A single kill is what a worker has to cope with. To a FIFO queue nothing is sent anew, so there each message that
    // is handed back, by a drain or with one before it in its group, uses up a receive.
    let can_run_out = !healthy && (fifo || exhausting);
    (Receives { max, can_run_out }, if can_run_out { 8 } else { 1 })
}

fn odds(random: &Seeded) -> Odds {
    let percent = |bound| u8::try_from(random.below(bound)).expect("it is below a hundred");
    let delay_max = Duration::from_millis(random.below(1500));
    Odds { before: percent(12), lost: percent(8), slow: percent(20), delay_max }
}

/// What tasks are drawn from.
#[expect(clippy::struct_excessive_bools, reason = "each is drawn by itself")]
struct Draw<'a> {
    random: &'a Seeded,
    fifo: bool,
    levels: bool,
    shared_store: bool,
    healthy: bool,
}

impl Draw<'_> {
    fn asked(&self) -> Asked {
        let random = self.random;
        let reply = match random.below(10) {
            0..=1 if self.shared_store => BY_STORE,
            2 if self.shared_store => NO_REPLY,
            _ => BY_QUEUE,
        };
        let level = || Priority::ALL[random.index_below(Priority::ALL.len())];
        Asked {
            at: random.up_to(Duration::from_secs(8)),
            reply,
            group: (self.fifo || random.chance(30)).then(|| random.below(3)),
            delay: (!self.fifo && random.chance(20)).then(|| Duration::from_secs(random.below(5))),
            priority: (self.levels && random.chance(70)).then(level),
            stranger: None,
            cancel_at: None,
            says_progress: false,
            script: self.script(),
            awaited: random.chance(30),
            insisted: random.chance(60),
        }
    }

    fn script(&self) -> Vec<Step> {
        let mut script: Vec<Step> = Vec::new();
        while script.len() < 4 && self.random.chance(35) {
            script.push(self.interlude());
        }
        script.push(match self.random.below(12) {
            0 => Step::Dead,
            1 => Step::Discard,
            2..=5 => Step::Done(self.random.up_to(Duration::from_secs(12))),
            _ => Step::Done(self.random.up_to(Duration::from_millis(400))),
        });
        script
    }

    /// A run after which there is another.
    fn interlude(&self) -> Step {
        let odd = |seconds: u64| Duration::from_millis(1 + self.random.below(seconds * 1000));
        match self.random.below(if self.healthy { 6 } else { 9 }) {
            0..=1 => Step::Retry(None),
            2..=3 => Step::Retry(Some(odd(6))),
            4 => Step::Panic,
            5 => Step::Snooze(odd(6)),
            6..=7 => Step::Hang,
            _ => Step::Stall(odd(20)),
        }
    }
}
