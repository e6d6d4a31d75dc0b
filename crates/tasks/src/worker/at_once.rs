//! How many receives a worker makes at once.
//!
//! One is the cheapest, and enough while it does not come back full: a long poll is answered as soon as
//! there is anything. A receive that comes back full says that more is waiting, so another goes beside
//! it: else no more than ten messages would come in the time of one round trip.

use longshore_types::limits::RECEIVE_COUNT_MAX;

/// Receives at once at most: beyond that a connection is what limits.
const AT_ONCE_MAX: usize = 8;

/// How many receives are made at once.
#[derive(Debug)]
pub(super) struct AtOnce(usize);

impl AtOnce {
    /// One.
    pub(super) fn one() -> Self {
        Self(1)
    }

    /// How many are wanted where `concurrency` tasks may run: no more than can be full together.
    pub(super) fn wanted(&self, concurrency: usize) -> usize {
        self.0.min(concurrency.div_ceil(RECEIVE_COUNT_MAX)).max(1)
    }

    /// A receive has come back: one more if it was full, one fewer if it was not, and one if it was
    /// empty. One that asked for fewer than ten tells nothing, for its permits were few.
    ///
    /// A receive of SQS can be short though more is there, so a single one does not end it all.
    pub(super) fn note(&mut self, asked: usize, came: usize) {
        self.0 = match came {
            0 => 1,
            _ if came < asked => self.0.saturating_sub(1).max(1),
            RECEIVE_COUNT_MAX => (self.0 + 1).min(AT_ONCE_MAX),
            _ => self.0,
        };
    }

    /// A receive has failed: one at a time finds out when they no longer do.
    pub(super) fn note_failure(&mut self) {
        self.0 = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &[(usize, usize)]) -> usize {
        let mut at_once = AtOnce::one();
        for (asked, came) in answers {
            at_once.note(*asked, *came);
        }
        at_once.wanted(1000)
    }

    #[test]
    fn a_full_receive_wants_another_beside_it_up_to_eight() {
        assert_eq!(after(&[]), 1);
        assert_eq!(after(&[(10, 10)]), 2);
        assert_eq!(after(&[(10, 10); 20]), 8);
    }

    #[test]
    fn a_short_receive_wants_one_fewer_and_an_empty_one_wants_one() {
        let full = [(10, 10); 20];
        assert_eq!(after(&[&full[..], &[(10, 9)]].concat()), 7);
        assert_eq!(after(&[&full[..], &[(10, 1); 9]].concat()), 1);
        assert_eq!(after(&[&full[..], &[(10, 0)]].concat()), 1);
    }

    #[test]
    fn a_receive_that_asked_for_few_because_few_may_run_wants_no_other() {
        assert_eq!(after(&[(3, 3); 20]), 1);
        assert_eq!(after(&[(10, 10), (3, 3)]), 2);
    }

    #[test]
    fn no_more_are_wanted_than_can_be_full_together() {
        let mut at_once = AtOnce::one();
        for _ in 0..20 {
            at_once.note(10, 10);
        }
        for (concurrency, wanted) in [(1, 1), (10, 1), (11, 2), (40, 4), (1000, 8)] {
            assert_eq!(at_once.wanted(concurrency), wanted, "{concurrency}");
        }
        at_once.note_failure();
        assert_eq!(at_once.wanted(1000), 1);
    }
}
