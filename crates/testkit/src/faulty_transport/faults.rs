//! How often which fault comes.

use std::time::Duration;

use crate::seeded::Seeded;

/// What can go wrong with a call of a transport, for [`FaultyTransport::counts`](super::FaultyTransport::counts).
///
/// ```
/// use longshore_testkit::{FaultKind, FaultyTransport};
///
/// /// Whether a test met what it is about.
/// fn has_met_duplicates(faulty: &FaultyTransport) -> bool {
///     faulty.counts().contains_key(&FaultKind::Duplicate)
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// The request did not reach the endpoint.
    NotSent,
    /// The endpoint had too many requests, and did nothing.
    Throttled,
    /// The call was carried out, and its answer lost.
    LostAnswer,
    /// An entry of a batch failed within the endpoint, done or not.
    PartialFailure,
    /// An entry was refused because of its receipt handle, which was right.
    StaleHandle,
    /// A delete was answered as done, and the message is still there.
    LostDelete,
    /// A message was received, and can be received again at once.
    Duplicate,
    /// The messages of a receive came in another order.
    Reordered,
    /// A receive came back without the messages that are there.
    EmptyReceive,
    /// A receive never came back.
    HungReceive,
    /// The call, or its answer, took long.
    Slow,
}

/// How often which fault comes: shares from 0 to 1 of the calls, or of their entries or messages. None at first.
///
/// ```
/// use std::time::Duration;
/// use longshore_testkit::Faults;
///
/// let bad_day = Faults::seed(7)
///     .duplicates(0.05)
///     .throttling(0.02)
///     .slow_calls(0.1, Duration::from_secs(2));
/// assert_ne!(bad_day, Faults::seed(7));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    pub(super) seed: u64,
    pub(super) not_sent: f64,
    pub(super) throttling: f64,
    pub(super) lost_answers: f64,
    pub(super) partial_failures: f64,
    pub(super) stale_handles: f64,
    pub(super) lost_deletes: f64,
    pub(super) duplicates: f64,
    pub(super) reordering: f64,
    pub(super) empty_receives: f64,
    pub(super) hung_receives: f64,
    pub(super) slow_calls: f64,
    pub(super) slow_max: Duration,
}

macro_rules! shares {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name(mut self, share: f64) -> Self {
                self.$name = share;
                self
            }
        )*
    };
}

impl Faults {
    /// No faults yet; which calls meet those that are asked for follows from `seed`.
    pub fn seed(seed: u64) -> Self {
        Self {
            seed,
            not_sent: 0.0,
            throttling: 0.0,
            lost_answers: 0.0,
            partial_failures: 0.0,
            stale_handles: 0.0,
            lost_deletes: 0.0,
            duplicates: 0.0,
            reordering: 0.0,
            empty_receives: 0.0,
            hung_receives: 0.0,
            slow_calls: 0.0,
            slow_max: Duration::ZERO,
        }
    }

    shares! {
        /// Calls that do not reach the endpoint.
        not_sent,
        /// Calls that are throttled.
        throttling,
        /// Calls that are carried out and whose answer is lost. The messages of such a receive are in flight,
        /// and nobody has them.
        lost_answers,
        /// Entries of batches that fail within the endpoint. Half of them were done.
        partial_failures,
        /// Entries with a receipt that are refused as if it were of the past.
        stale_handles,
        /// Deletes that are answered as done and are not. Not on FIFO queues, which delete what they say.
        lost_deletes,
        /// Messages that can be received again while whoever received them holds them. It costs the endpoint a
        /// change of visibility. Not on FIFO queues.
        duplicates,
        /// Receives whose messages come in another order. Not on FIFO queues.
        reordering,
        /// Receives that come back without the messages that are there.
        empty_receives,
        /// Receives that never come back.
        hung_receives,
    }

    /// Calls that take up to `at_most` longer, before they are carried out or after; as on a slow disk. The
    /// answer to a receive is late by half a second at most, because leases are counted from a second
    /// before it.
    #[must_use]
    pub fn slow_calls(mut self, share: f64, at_most: Duration) -> Self {
        (self.slow_calls, self.slow_max) = (share, at_most);
        self
    }
}

/// Whether something happens that does so in that share of all cases.
pub(super) fn happens(random: &Seeded, share: f64) -> bool {
    /// As many as a share can tell apart.
    const PARTS: u32 = 1_000_000;
    // Nothing is drawn for what never happens: with it, and without, the rest of a seed is the same.
    share > 0.0
        && u32::try_from(random.below(PARTS.into()))
            .is_ok_and(|part| f64::from(part) < share * f64::from(PARTS))
}
