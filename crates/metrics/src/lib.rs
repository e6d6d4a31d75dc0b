//! Numbers that many threads count, and the page that Prometheus reads them on.
//!
//! ```text
//! broker, storage, workers ─► Durations (atomics) ─► Spread (a copy) ─► Page ─► OpenMetrics text
//! ```
//!
//! # Invariants
//!
//! - Counting takes no lock. A number is read when a page is asked for, and not before.
//! - Nothing here knows what is counted: no queue, no task, no clock.

mod durations;
#[cfg(feature = "page")]
mod page;

pub use durations::{Durations, Spread};
#[cfg(feature = "page")]
pub use page::{Family, Histogram, MEDIA_TYPE, Numbers, Page, render};
