//! A point in time, as SQS counts it: milliseconds since the Unix epoch.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use minicbor::{Decode, Encode};

/// Milliseconds since the Unix epoch. Arithmetic saturates: a deadline beyond the end of time is
/// the end of time.
///
/// ```
/// use std::time::Duration;
///
/// use longshore_types::Timestamp;
///
/// let sent = Timestamp::from_millis(1_700_000_000_000);
/// let deadline = sent + Duration::from_secs(20);
/// assert_eq!(deadline.since(sent), Duration::from_secs(20));
/// assert_eq!(sent.since(deadline), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Timestamp(#[n(0)] u64);

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);

    /// The point `milliseconds` after the Unix epoch.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as queue attributes show them.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The time from `earlier` to this point; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
