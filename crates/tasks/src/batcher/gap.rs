//! How closely what comes one by one follows one another: the mean of the last gaps.

use std::time::Duration;

/// Gaps without another after which no more are expected: of those that come at random, one in three
/// thousand is longer.
pub(crate) const QUIET_GAPS: u32 = 8;
/// How many have to be expected within a linger, or else none is waited for.
pub(crate) const WORTH: u32 = 2;
/// The weight of what was learned before, against one new gap.
const MEMORY: u32 = 7;

/// The mean gap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeanGap {
    longest: Duration,
    mean: Duration,
    gaps: u32,
}

impl MeanGap {
    /// Nothing is known yet; no gap counts for more than `longest`.
    pub(crate) fn new(longest: Duration) -> Self {
        Self { longest, mean: longest, gaps: 0 }
    }

    /// Learns of another gap.
    pub(crate) fn learn(&mut self, gap: Duration) {
        self.mean = (self.mean * self.gaps + gap.min(self.longest)) / (self.gaps + 1);
        self.gaps = (self.gaps + 1).min(MEMORY);
    }

    /// The mean of those of late.
    pub(crate) fn mean(&self) -> Duration {
        self.mean
    }

    /// How long a silence means that no more are coming.
    pub(crate) fn quiet(&self) -> Duration {
        self.mean * QUIET_GAPS
    }
}
