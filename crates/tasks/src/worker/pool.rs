//! Which permits are out, and to which level those go that are free. Pure.
//!
//! A level says how many permits it wishes for; what is free is granted by turns. A grant waits for its
//! level until it is taken, or wished back: so a level that is known to have tasks waiting is not passed
//! over while it asks for them.
//!
//! # Invariants
//!
//! - No more are granted and out than there are, unless there were more when they went out.
//! - Who goes before all levels does not wait for a receive: its permit is one beyond those that there are, until the
//!   receive has come back and handed back so much of what it brings.
//! - Nothing is free while a level wishes for more than it was granted.
//! - Each stuck run beyond as many as there are permits keeps one of them closed.

use super::turns::Turns;

/// The permits of a worker.
#[derive(Debug)]
pub(super) struct Pool {
    /// How many there are while nothing is stuck.
    count: usize,
    stuck: usize,
    out: usize,
    levels: Vec<Level>,
    turns: Turns,
    /// How many of those that are out wait with receives for a task.
    receiving: usize,
    /// Who goes before all levels: how many wait, and how many of them were granted one.
    first: Level,
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
        let (levels, first) = (vec![Level::default(); turns.levels()], Level::default());
        Self { count, stuck: 0, out: 0, levels, turns, receiving: 0, first }
    }

    /// How many permits there are just now.
    pub(super) fn count(&self) -> usize {
        self.count - self.closed()
    }

    /// How many are closed, because too many runs are stuck.
    pub(super) fn closed(&self) -> usize {
        self.stuck.saturating_sub(self.count).min(self.count)
    }

    /// So many runs were given up and go on.
    pub(super) fn set_stuck(&mut self, stuck: usize) {
        self.stuck = stuck;
        self.settle();
    }

    /// How many levels share them.
    pub(super) fn levels(&self) -> usize {
        self.levels.len()
    }

    /// How many are out beyond those that there are.
    pub(super) fn excess(&self) -> usize {
        self.out.saturating_sub(self.count())
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
        let free = self.out + self.granted() < self.count();
        self.out += usize::from(free);
        free
    }

    /// So many of those that are out wait with receives from now on.
    pub(super) fn set_receiving(&mut self, change: impl FnOnce(usize) -> usize) {
        self.receiving = change(self.receiving);
        self.settle();
    }

    /// One more waits for a permit before all levels.
    pub(super) fn wish_first(&mut self) {
        self.first.wish += 1;
        self.settle();
    }

    /// One who waited takes what was granted.
    pub(super) fn take_first(&mut self) -> bool {
        let granted = self.first.granted > 0;
        if granted {
            self.first.granted -= 1;
            self.first.wish -= 1;
            self.out += 1;
        }
        granted
    }

    /// One who waited is gone.
    pub(super) fn unwish_first(&mut self) {
        self.first.wish -= 1;
        self.settle();
    }

    /// One has come back.
    pub(super) fn put_back(&mut self) {
        self.out -= 1;
        self.settle();
    }

    fn granted(&self) -> usize {
        self.levels.iter().chain([&self.first]).map(|level| level.granted).sum()
    }

    /// How many are out with tasks, and not with a receive.
    fn with_tasks(&self) -> usize {
        self.out.saturating_sub(self.receiving)
    }

    /// Grants what is free, and takes grants back of which there are too many, of the lowest level first.
    fn settle(&mut self) {
        let room = self.count().saturating_sub(self.with_tasks());
        self.first.granted = self.first.wish.min(room);
        while self.out + self.granted() < self.count() {
            let levels = &self.levels;
            let wants = |level: usize| levels[level].granted < levels[level].wish;
            let has_tasks = |level: usize| levels[level].has_tasks;
            let Some(next) = self.turns.next(wants, has_tasks) else { break };
            self.levels[next].granted += 1;
        }
        while self.out + self.granted() > self.count()
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
        Stuck(usize),
        WishFirst,
        TakeFirst,
        UnwishFirst,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0_usize..3, 0_usize..=10).prop_map(|(level, wish)| Step::Wish(level, wish)),
            (0_usize..3, 1_usize..=10).prop_map(|(level, least)| Step::Take(level, least)),
            Just(Step::TakeFree),
            Just(Step::PutBack),
            (0_usize..30).prop_map(Step::Count),
            (0_usize..40).prop_map(Step::Stuck),
            Just(Step::WishFirst),
            Just(Step::TakeFirst),
            Just(Step::UnwishFirst),
        ]
    }

    fn carry_out(pool: &mut Pool, step: &Step) {
        match *step {
            Step::Wish(level, wish) => pool.wish(level, wish),
            Step::Take(level, least) => drop(pool.take(level, least, 10)),
            Step::TakeFree => drop(pool.take_free()),
            Step::PutBack if pool.out > 0 => pool.put_back(),
            Step::Count(count) => pool.set_count(count),
            Step::Stuck(stuck) => pool.set_stuck(stuck),
            Step::WishFirst => pool.wish_first(),
            Step::TakeFirst => drop(pool.take_first()),
            Step::UnwishFirst if pool.first.wish > 0 => pool.unwish_first(),
            Step::PutBack | Step::UnwishFirst => {}
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
                prop_assert!(claimed <= pool.count() || (pool.granted() == 0 && pool.out <= before));
                let mut wishing = pool.levels.iter().chain([&pool.first]);
                let wishing = wishing.any(|level| level.granted < level.wish);
                prop_assert!(claimed >= pool.count() || !wishing, "{pool:?} after {step:?}");
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

    #[test]
    fn as_many_runs_as_there_are_permits_can_be_stuck_before_one_is_closed() {
        let mut pool = Pool::new(2, Turns::alone());
        let mut places = |stuck| {
            pool.set_stuck(stuck);
            (pool.count(), pool.closed())
        };
        assert_eq!([0, 2, 3, 4, 9].map(&mut places), [(2, 0), (2, 0), (1, 1), (0, 2), (0, 2)]);
        assert_eq!(places(2), (2, 0));
    }

    #[test]
    fn who_waits_before_all_levels_is_granted_what_comes_back() {
        let mut pool = Pool::new(1, Turns::alone());
        pool.wish(0, 10);
        assert_eq!(pool.take(0, 1, 10), 1);
        pool.wish_first();
        assert!(!pool.take_first());
        pool.put_back();
        assert_eq!((pool.take(0, 1, 10), pool.take_first()), (0, true));
        pool.wish_first();
        pool.put_back();
        pool.unwish_first();
        assert_eq!(pool.take(0, 1, 10), 1, "who has gone keeps nothing");
    }

    #[test]
    fn who_waits_before_all_levels_does_not_wait_for_a_receive() {
        let mut pool = Pool::new(2, Turns::alone());
        pool.wish(0, 10);
        assert_eq!(pool.take(0, 1, 10), 2);
        pool.set_receiving(|none| none + 2);
        pool.wish_first();
        assert_eq!((pool.take_first(), pool.excess()), (true, 1));
        pool.wish_first();
        pool.wish_first();
        assert_eq!((pool.take_first(), pool.take_first()), (true, false), "two may run");
        pool.unwish_first();
        pool.set_receiving(|two| two - 2);
        assert_eq!(pool.excess(), 2, "what the receive brings is handed back");
    }
}
