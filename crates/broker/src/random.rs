//! The broker's random bytes: message ids and the secret of receipt handles.

pub use longshore_types::RandomSource;

use rand::{Rng, rng};

/// A generator for each thread that nobody can foresee: seeded by the operating system, and again from
/// time to time. To ask the system itself for each id would take a call of it for each.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    fn next(&self) -> u64 {
        rng().next_u64()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rng().fill_bytes(bytes);
    }
}
