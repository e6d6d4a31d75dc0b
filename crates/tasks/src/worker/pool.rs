//! Which permits are out, and to which level those go that are free. Pure.
//!
//! A level says how many permits it wishes for; what is free is granted by turns. A grant waits for its
//! level until it is taken, or wished back: so a level that is known to have tasks waiting is not passed
//! over while it asks for them.
//!
//! # Invariants
//!
//! - No more are granted and out than there are, unless there were more when they went out.
//! - Nothing is free while a level wishes for more than it was granted.

use super::turns::Turns;

/// The permits of a worker.
#[derive(Debug)]
pub(super) struct Pool {
    count: usize,
    out: usize,
    levels: Vec<Level>,
    turns: Turns,
}

/// What a level wishes for, and has been granted of it.
#[derive(Clone, Debug, Default)]
struct Level {
    wish: usize,
    /// Whether it is known to have tasks waiting: then it wishes for many.
    has_tasks: bool,
    granted: usize,
}

impl Pool {
    pub(super) fn new(count: usize, turns: Turns) -> Self {
        let levels = vec![Level::default(); turns.levels()];
        Self { count, out: 0, levels, turns }
    }

    /// How many permits there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many levels share them.
    pub(super) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// How many are out beyond those that there are.
    pub(super) fn excess(&self) -> usize {
        self.out.saturating_sub(self.count)
    }

    /// There are so many from now on.
    pub(super) fn set_count(&mut self, count: usize) {
        self.count = count;
        self.settle();
    }

    /// The level wishes for so many from now on.
    pub(super) fn wish(&mut self, level: usize, wish: usize) {
        let level = &mut self.levels[level];
        (level.wish, level.has_tasks) = (wish, wish > 1);
        level.granted = level.granted.min(wish);
        self.settle();
    }

    /// Takes what the level was granted, up to `most`; nothing if that is less than `least`. It wishes for
    /// so many fewer.
    pub(super) fn take(&mut self, level: usize, least: usize, most: usize) -> usize {
        let level = &mut self.levels[level];
        let taken = if level.granted < least { 0 } else { level.granted.min(most) };
        level.granted -= taken;
        level.wish -= taken;
        self.out += taken;
        taken
    }

    /// Takes one that is free, for nobody's wish.
    pub(super) fn take_free(&mut self) -> bool {
        let free = self.out + self.granted() < self.count;
        self.out += usize::from(free);
        free
    }

    /// One has come back.
    pub(super) fn put_back(&mut self) {
        self.out -= 1;
        self.settle();
    }

    fn granted(&self) -> usize {
        self.levels.iter().map(|level| level.granted).sum()
    }

    /// Grants what is free, and takes grants back of which there are too many, of the lowest level first.
    fn settle(&mut self) {
        while self.out + self.granted() < self.count {
            let levels = &self.levels;
            let wants = |level: usize| levels[level].granted < levels[level].wish;
            let has_tasks = |level: usize| levels[level].has_tasks;
            let Some(next) = self.turns.next(wants, has_tasks) else { break };
            self.levels[next].granted += 1;
        }
        while self.out + self.granted() > self.count
            && let Some(level) = self.levels.iter_mut().rev().find(|level| level.granted > 0)
        {
            level.granted -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::priority::Priorities;

    #[derive(Clone, Debug)]
    enum Step {
        Wish(usize, usize),
        Take(usize, usize),
        TakeFree,
        PutBack,
        Count(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_usize..3, 0_usize..=10).prop_map(|(level, wish)| Step::Wish(level, wish)),
            (0_usize..3, 1_usize..=10).prop_map(|(level, least)| Step::Take(level, least)),
            Just(Step::TakeFree),
            Just(Step::PutBack),
            (0_usize..30).prop_map(Step::Count),
        ]
    }

    fn carry_out(pool: &mut Pool, step: &Step) {
        match *step {
            Step::Wish(level, wish) => pool.wish(level, wish),
            Step::Take(level, least) => drop(pool.take(level, least, 10)),
            Step::TakeFree => drop(pool.take_free()),
            Step::PutBack if pool.out > 0 => pool.put_back(),
            Step::PutBack => {}
            Step::Count(count) => pool.set_count(count),
        }
    }

    proptest! {
        #[test]
        fn never_more_than_there_are_and_nothing_lies_idle(
            steps in proptest::collection::vec(step(), 1..200), weighted in any::<bool>()
        ) {
            let rule = if weighted { Priorities::weighted(4, 2, 1) } else { Priorities::strict() };
            let mut pool = Pool::new(10, Turns::of(rule));
            for step in steps {
                let before = pool.out;
                carry_out(&mut pool, &step);
                let claimed = pool.out + pool.granted();
                prop_assert!(claimed <= pool.count || (pool.granted() == 0 && pool.out <= before));
                let wishing = pool.levels.iter().any(|level| level.granted < level.wish);
                prop_assert!(claimed >= pool.count || !wishing, "{pool:?} after {step:?}");
            }
        }
    }

    #[test]
    fn a_level_that_is_busy_asking_is_not_passed_over() {
        let mut pool = Pool::new(2, Turns::of(Priorities::strict()));
        pool.wish(0, 10);
        pool.wish(2, 10);
        assert_eq!(pool.take(0, 1, 10), 2);
        pool.put_back();
        assert_eq!((pool.take(2, 1, 10), pool.take(0, 1, 10)), (0, 1));
    }

    #[test]
    fn permits_beyond_a_smaller_number_stay_out_and_are_not_granted_again() {
        let mut pool = Pool::new(10, Turns::alone());
        pool.wish(0, 8);
        assert_eq!(pool.take(0, 1, 10), 8);
        pool.wish(0, 10);
        pool.set_count(3);
        assert_eq!((pool.excess(), pool.take(0, 1, 10)), (5, 0));
        (0..5).for_each(|_| pool.put_back());
        assert_eq!((pool.excess(), pool.take(0, 1, 10)), (0, 0));
        pool.set_count(5);
        assert_eq!(pool.take(0, 1, 10), 2);
    }
}
