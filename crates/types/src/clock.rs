//! What tells the time: one trait for broker, store, client and workers, so that a test moves all of
//! them by one clock.

use std::fmt::Debug;

use crate::Timestamp;

/// Tells the time. Production reads the machine's clock; tests hold one that they move.
///
/// ```
/// use longshore_types::{Clock, Timestamp};
///
/// /// A clock that stands still, for a test.
/// #[derive(Debug)]
/// struct At(u64);
///
/// impl Clock for At {
///     fn now(&self) -> Timestamp {
///         Timestamp::from_millis(self.0)
///     }
/// }
///
/// assert_eq!(At(7).wall(), Timestamp::from_millis(7));
/// ```
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time now. Whoever promises that it never runs backwards says so.
    fn now(&self) -> Timestamp;

    /// What the wall clock shows now, which people and time servers set, and which a sleeping
    /// machine's keeps up with: for comparing with the clocks of others, such as that of whoever
    /// signed a request. By default the same time.
    fn wall(&self) -> Timestamp {
        self.now()
    }
}
