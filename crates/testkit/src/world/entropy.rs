//! The broker's random bytes in a world: those of a seed.

use longshore::broker::entropy::Entropy;
use longshore_tasks::RandomSource as _;

use crate::Seeded;

/// Random bytes that a seed decides.
#[derive(Debug)]
pub(super) struct SeededEntropy(Seeded);

impl SeededEntropy {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Seeded::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.0.next().to_be_bytes()[..chunk.len()]);
        }
    }
}
