//! Many random histories, over all processors, each from a seed of its own.
//!
//! ```text
//! sort, seed ─► history 0, 1, 2, …: each made from (seed, number), and given to engine and model
//!                  └─► the first that shows a difference: made again, shrunk, and told
//! ```
//!
//! # Invariants
//!
//! - What a history is depends on the sort, the seed and its number only, so that it can be made
//!   again alone; and so does what it is shrunk to.

use std::fmt;
use std::ops::Range;
use std::panic;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use proptest::prelude::Rng;
use proptest::strategy::{BoxedStrategy, Strategy};
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use crate::command::{Case, Sort};
use crate::comparison::compare;
use crate::mutant::Mutant;

/// Tries of making a failing history smaller.
const SHRINKS_MAX: u32 = 20_000;

/// Where histories come from, and what they are given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Histories {
    pub(crate) sort: Sort,
    pub(crate) seed: u64,
    pub(crate) mutant: Mutant,
}

/// A history in which engine and model differ.
#[derive(Debug)]
pub(crate) struct Difference {
    histories: Histories,
    pub(crate) number: u64,
    /// What differs.
    pub(crate) reason: String,
    pub(crate) case: Case,
}

impl Histories {
    /// Goes through the histories of these numbers, and calls `done` with how many are.
    ///
    /// The difference is that of the lowest number, however many threads there are.
    pub(crate) fn run(
        self,
        numbers: Range<u64>,
        done: impl Fn(u64) + Sync,
    ) -> Result<(), Box<Difference>> {
        match self.first_failing(numbers, done) {
            Some(number) => self.shrunk(number),
            None => Ok(()),
        }
    }

    /// The number of the first history of these that shows a difference.
    pub(crate) fn first_failing(
        self,
        numbers: Range<u64>,
        done: impl Fn(u64) + Sync,
    ) -> Option<u64> {
        let (next, done_count) = (AtomicU64::new(numbers.start), AtomicU64::new(0));
        let failing = AtomicU64::new(u64::MAX);
        let work = || {
            let cases = self.sort.cases();
            while failing.load(Ordering::Relaxed) == u64::MAX {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= numbers.end {
                    break;
                }
                if self.try_one(&cases, number, 0).is_err() {
                    failing.fetch_min(number, Ordering::Relaxed);
                } else {
                    done(done_count.fetch_add(1, Ordering::Relaxed) + 1);
                }
            }
        };
        let thread_count = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| (0..thread_count).for_each(|_| drop(scope.spawn(work))));
        Some(failing.into_inner()).filter(|number| *number != u64::MAX)
    }

    /// The difference that the history of that number shows, in as few commands as can be found.
    fn shrunk(self, number: u64) -> Result<(), Box<Difference>> {
        let hook = panic::take_hook();
        // The first panic was told; those of a thousand smaller histories say no more.
        panic::set_hook(Box::new(|_| ()));
        let shown = self.try_one(&self.sort.cases(), number, SHRINKS_MAX);
        panic::set_hook(hook);
        shown.map_err(|(reason, case)| {
            Box::new(Difference { histories: self, number, reason, case })
        })
    }

    fn try_one(
        self,
        cases: &BoxedStrategy<Case>,
        number: u64,
        shrinks_max: u32,
    ) -> Result<(), (String, Case)> {
        let mut runner = TestRunner::new_with_rng(config(shrinks_max), self.rng(number));
        let tree = cases.new_tree(&mut runner).expect("no strategy rejects what it makes");
        match runner.run_one(tree, |case| compare(&case, self.mutant)) {
            Ok(_) => Ok(()),
            Err(TestError::Fail(reason, case)) => Err((reason.to_string(), case)),
            Err(TestError::Abort(reason)) => panic!("history {number} was given up: {reason}"),
        }
    }

    /// Histories need many numbers and no secrets: the cheap generator, well seeded.
    fn rng(self, number: u64) -> TestRng {
        let halves = [mixed(mixed(self.seed) ^ number), mixed(mixed(number) ^ self.seed)];
        let bytes = halves.map(u64::to_le_bytes).concat();
        TestRng::from_seed(RngAlgorithm::XorShift, &bytes)
    }
}

/// Another number, far away from those of its neighbours (the finish of `SplitMix64`).
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// A seed that no run had before, most likely.
pub(crate) fn fresh_seed() -> u64 {
    TestRunner::new(Config::default()).rng().next_u64()
}

fn config(max_shrink_iters: u32) -> Config {
    Config { failure_persistence: None, max_shrink_iters, ..Config::default() }
}

impl Difference {
    /// What makes this history again, and shrinks it to the same.
    pub(crate) fn replay_command(&self) -> String {
        let Histories { sort, seed, mutant } = self.histories;
        let sort = sort.name();
        let command =
            format!("cargo xtask model --kind {sort} --seed {seed} --case {}", self.number);
        if mutant == Mutant::None { command } else { format!("{command} --mutant {mutant:?}") }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { kind, settings, in_flight_max, commands } = &self.case;
        writeln!(f, "engine and model differ: {}", self.reason)?;
        writeln!(f, "queues: {kind:?}, with at most {in_flight_max} messages in flight")?;
        for (queue, settings) in settings.iter().enumerate() {
            writeln!(f, "  {queue}: {settings:?}")?;
        }
        writeln!(f, "history, shrunk to {} commands:", commands.len())?;
        for command in commands {
            writeln!(f, "  {command:?}")?;
        }
        write!(f, "again: {}", self.replay_command())
    }
}
