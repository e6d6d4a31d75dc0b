//! Points in time that a store works out from its own clock.

use std::time::Duration;

use longshore_types::Timestamp;

/// A point in time, or one so long after the store's time of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// That point.
    At(Timestamp),
    /// So long after the store's time of the write.
    In(Duration),
}

impl When {
    /// The point itself, for a write at `now`.
    pub fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(point) => point,
            Self::In(after) => now + after,
        }
    }
}
