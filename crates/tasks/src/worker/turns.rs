//! Whose turn it is: which level the next permit goes to.
//!
//! # Invariants
//!
//! - A level that wants permits all the time gets one of sixteen at least by the strict rule, and by
//!   weights its share.

use crate::priority::{Priorities, Priority, Rule};

/// Permits that may pass a level by under the strict rule. With three levels two others can be due before
/// it: so it gets one of sixteen.
const PASSED_MAX: u32 = 13;

/// Whose turn it is among levels, the highest of which is 0.
#[derive(Debug)]
pub(super) struct Turns {
    rule: Rule,
    /// How many permits passed each level by, while it wanted one, since its last.
    passed: Vec<u32>,
    /// What each level is owed by smooth weighted round robin: at each turn everyone who wants a permit is
    /// credited its weight, and who has most pays for all.
    owed: Vec<i64>,
}

impl Turns {
    /// Of one that has no other beside it.
    pub(super) fn alone() -> Self {
        Self::among(1, Rule::Strict)
    }

    pub(super) fn of(priorities: Priorities) -> Self {
        Self::among(Priority::ALL.len(), priorities.0)
    }

    fn among(levels: usize, rule: Rule) -> Self {
        Self { rule, passed: vec![0; levels], owed: vec![0; levels] }
    }

    /// How many levels there are.
    pub(super) fn levels(&self) -> usize {
        self.passed.len()
    }

    /// The level that the next permit goes to, of those that want one; `None` if none does. While none of
    /// them `has_tasks`, as far as is known, it is whoever waited longest: each is to find out.
    pub(super) fn next(
        &mut self,
        wants: impl Fn(usize) -> bool,
        has_tasks: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let wanting: Vec<usize> = (0..self.levels()).filter(|level| wants(*level)).collect();
        let chosen = match self.rule {
            _ if !wanting.iter().any(|level| has_tasks(*level)) => self.longest(&wanting),
            Rule::Strict => self.strict(&wanting),
            Rule::Weighted(weights) => self.weighted(&wanting, weights),
        }?;
        for level in wanting {
            self.passed[level] = self.passed[level].saturating_add(1);
        }
        self.passed[chosen] = 0;
        Some(chosen)
    }

    fn longest(&self, wanting: &[usize]) -> Option<usize> {
        wanting.iter().copied().rev().max_by_key(|level| self.passed[*level])
    }

    fn strict(&self, wanting: &[usize]) -> Option<usize> {
        let due = self.longest(wanting).filter(|level| self.passed[*level] >= PASSED_MAX);
        due.or_else(|| wanting.first().copied())
    }

    fn weighted(&mut self, wanting: &[usize], weights: [u32; 3]) -> Option<usize> {
        for level in wanting {
            self.owed[*level] += i64::from(weights[*level]);
        }
        let chosen = wanting.iter().copied().rev().max_by_key(|level| self.owed[*level])?;
        let total: i64 = wanting.iter().map(|level| i64::from(weights[*level])).sum();
        self.owed[chosen] -= total;
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn everybody(mut turns: Turns, count: usize) -> Vec<usize> {
        (0..count).map(|_| turns.next(|_| true, |_| true).unwrap()).collect()
    }

    #[test]
    fn strict_serves_the_highest_and_each_lower_one_of_sixteen() {
        let order = everybody(Turns::of(Priorities::strict()), 16);
        assert_eq!(order.iter().filter(|level| **level == 0).count(), 14);
        assert_eq!(&order[..13], [0; 13]);
        let without_high = Turns::of(Priorities::strict()).next(|level| level > 0, |_| true);
        assert_eq!(without_high, Some(1));
        assert_eq!(Turns::of(Priorities::strict()).next(|_| false, |_| true), None);
    }

    #[test]
    fn weights_are_mixed_smoothly() {
        let order = everybody(Turns::of(Priorities::weighted(4, 2, 1)), 7);
        assert_eq!(order, [0, 1, 0, 2, 0, 1, 0]);
    }

    #[test]
    fn while_nobody_is_known_to_have_tasks_each_finds_out_in_turn() {
        for rule in [Priorities::strict(), Priorities::weighted(9, 2, 1)] {
            let mut turns = Turns::of(rule);
            let mut next = |last: usize| turns.next(|level| level != last, |_| false).unwrap();
            let order: Vec<_> = (0..9)
                .scan(3, |last, _| {
                    *last = next(*last);
                    Some(*last)
                })
                .collect();
            assert_eq!(order, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
        }
        let mut turns = Turns::of(Priorities::strict());
        let order: Vec<_> = (0..3).map(|_| turns.next(|_| true, |level| level == 2)).collect();
        assert_eq!(order, [Some(0); 3], "who may have some comes before who is lower and has");
    }

    /// Who wants a permit at each turn.
    fn wishes() -> impl Strategy<Value = Vec<[bool; 3]>> {
        proptest::collection::vec(any::<[bool; 3]>(), 1..200)
    }

    proptest! {
        #[test]
        fn nobody_starves_whoever_else_wants(wishes in wishes(), patient in 0_usize..3) {
            let mut turns = Turns::of(Priorities::strict());
            let mut passed = 0;
            for mut wish in wishes {
                wish[patient] = true;
                let chosen = turns.next(|level| wish[level], |_| true).unwrap();
                prop_assert!(wish[chosen], "who does not want one gets none");
                passed = if chosen == patient { 0 } else { passed + 1 };
                prop_assert!(passed < 16);
            }
        }

        #[test]
        fn by_weight_each_has_its_share_within_one(
            weights in any::<[u8; 3]>().prop_map(|all| all.map(|weight| u32::from(weight) + 1)),
            count in 1_usize..500,
        ) {
            let [high, normal, low] = weights;
            let order = everybody(Turns::of(Priorities::weighted(high, normal, low)), count);
            let total: u32 = weights.iter().sum();
            for (level, weight) in weights.into_iter().enumerate() {
                let got = order.iter().filter(|chosen| **chosen == level).count();
                // All times the total, so that shares are whole numbers.
                let (got, share) = (got * total as usize, count * weight as usize);
                prop_assert!(got.abs_diff(share) <= total as usize, "{level}: {got} and not {share}");
            }
        }

        #[test]
        fn by_weight_who_wants_always_waits_no_longer_than_its_share(
            wishes in wishes(), patient in 0_usize..3
        ) {
            let mut turns = Turns::of(Priorities::weighted(5, 3, 2));
            let mut passed = 0;
            for mut wish in wishes {
                wish[patient] = true;
                let chosen = turns.next(|level| wish[level], |_| true).unwrap();
                passed = if chosen == patient { 0 } else { passed + 1 };
                prop_assert!(passed < 16);
            }
        }
    }
}
