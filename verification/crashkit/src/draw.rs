//! Random numbers that follow from a seed: what a run does is drawn here and nowhere else.

/// What the state moves on by: `SplitMix64`'s own number.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The numbers of a seed.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// The numbers of `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers of its own for something, which stay the same however many are drawn here.
    pub(crate) fn fork(&self, name: &str, number: u64) -> Self {
        let mix = |state: u64, byte: u8| finish(state ^ u64::from(byte));
        let named = name.bytes().fold(self.0, mix);
        Self(finish(named ^ finish(number)))
    }

    /// A number below `bound`; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        finish(self.0) % bound.max(1)
    }

    /// A number of a range, both ends included.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// Whether something happens that does so `percent` times in a hundred.
    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A place in a list of `length`; 0 if it is empty.
    pub(crate) fn index_below(&mut self, length: usize) -> usize {
        let bound = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(bound)).unwrap_or(0)
    }

    /// One of `choices`, of which there must be some.
    pub(crate) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.index_below(choices.len())]
    }
}

const fn finish(mut mixed: u64) -> u64 {
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_again_and_each_fork_has_numbers_of_its_own() {
        let (one, mut same) = (Draw::new(7), Draw::new(7));
        same.below(10);
        assert_eq!(one.clone().below(1000), Draw::new(7).below(1000));
        assert_ne!(one.clone().below(u64::MAX), same.below(u64::MAX));
        assert_eq!(one.fork("kills", 1).0, Draw::new(7).fork("kills", 1).0);
        assert_ne!(one.fork("kills", 1).0, one.fork("kills", 2).0);
        assert_ne!(one.fork("kills", 1).0, one.fork("power", 1).0);
    }

    #[test]
    fn a_number_is_within_its_bounds() {
        let mut draw = Draw::new(1);
        assert!((0..1000).all(|_| (3..=5).contains(&draw.between(3, 5))));
        assert_eq!(draw.below(0), 0);
    }
}
