//! Many schedules, over all processors, each from a seed of its own.

use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::Builder;

use crate::invariant::Invariant;
use crate::mutant::Mutant;
use crate::plan::Plan;
use crate::schedule::play;
use crate::seen::Seen;

/// Lines of a schedule that are told: the last ones.
const LINES_TOLD: usize = 2000;

/// What a schedule came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    /// Stands for everything that happened.
    pub hash: u64,
    /// What came to pass.
    pub seen: Seen,
}

/// An invariant did not hold. Its text has the seed, and everything that happened.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The seed of the schedule.
    pub seed: u64,
    /// What was wrong on purpose.
    pub mutant: Mutant,
    /// Which invariant did not hold; `None` if it panicked.
    pub invariant: Option<Invariant>,
    /// What did not hold.
    pub why: String,
    /// What happened, in its order.
    pub lines: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, mutant, why, lines, .. } = self;
        writeln!(f, "the simulation of seed {seed}: {why}")?;
        writeln!(f, "{:#?}", Plan::of(*seed))?;
        let left_out = lines.len().saturating_sub(LINES_TOLD);
        if left_out > 0 {
            writeln!(f, "({left_out} lines before these)")?;
        }
        lines.iter().skip(left_out).try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "the simulation of seed {seed}: {why}")?;
        let wrong =
            if *mutant == Mutant::None { String::new() } else { format!(" --mutant {mutant:?}") };
        write!(f, "again: cargo xtask simulate --schedule {seed}{wrong}")
    }
}

impl std::error::Error for Broken {}

/// Plays the schedule of a seed.
///
/// # Errors
///
/// An invariant did not hold.
pub fn schedule(seed: u64, mutant: Mutant) -> Result<Played, Box<Broken>> {
    let (hash, came, found, _) = play_once(seed, mutant, false);
    let Some((invariant, why)) = found else { return Ok(Played { hash, seen: came }) };
    // Played again for its words: who keeps them all the time is slow.
    let (.., lines) = play_once(seed, mutant, true);
    Err(Box::new(Broken { seed, mutant, invariant, why, lines }))
}

/// Plays the schedules of `count` seeds from `first` on, and tells `done` how many were.
///
/// # Errors
///
/// An invariant did not hold, in the schedule with the lowest seed of those that were found.
pub fn schedules(
    first: u64,
    count: u64,
    mutant: Mutant,
    done: impl Fn(u64) + Sync,
) -> Result<Seen, Box<Broken>> {
    let (next, played) = (AtomicU64::new(0), AtomicU64::new(0));
    let (seen, broken) = (Mutex::new(Seen::default()), Mutex::new(None::<Box<Broken>>));
    let work = || {
        while lock(&broken).is_none() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            match schedule(first.wrapping_add(number), mutant) {
                Ok(played) => lock(&seen).add(&played.seen),
                Err(found) => keep_first(&broken, first, found),
            }
            done(played.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    match broken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(broken) => Err(broken),
        None => Ok(*lock(&seen)),
    }
}

fn keep_first(broken: &Mutex<Option<Box<Broken>>>, first: u64, found: Box<Broken>) {
    let mut broken = lock(broken);
    let place = |one: &Broken| one.seed.wrapping_sub(first);
    if broken.as_ref().is_none_or(|before| place(&found) < place(before)) {
        *broken = Some(found);
    }
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

type Came = (u64, Seen, Option<(Option<Invariant>, String)>, Vec<String>);

fn play_once(seed: u64, mutant: Mutant, with_words: bool) -> Came {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime without threads or files can be made");
    let play = || runtime.block_on(play(Plan::of(seed), mutant, with_words));
    match panic::catch_unwind(AssertUnwindSafe(play)) {
        Ok(stage) => {
            let (hash, came, found, lines) = stage.book().close();
            let found = found.map(|found| (Some(found.invariant), found.to_string()));
            (hash, came, found, lines)
        }
        Err(panic) => {
            let why = format!("it panicked: {}", text(&*panic));
            (0, Seen::default(), Some((None, why)), Vec::new())
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
