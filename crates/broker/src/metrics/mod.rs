//! What the broker counts, and how Prometheus reads it.
//!
//! ```text
//! turn at a queue ─► Tally, in the ledger, under the one lock ─┐
//! HTTP request ────► Traffic, atomics ─────────────────────────┼─► gather ─► render ─► /metrics
//! writer thread ───► the store's activity, atomics ────────────┘
//! ```
//!
//! The numbers of a queue bear the names of `CloudWatch` in Prometheus's form, `aws_sqs_…`; what is
//! the broker's own begins with `longshore_`. Gathering holds the lock once, for copying numbers;
//! the text is made outside it.
//!
//! # Invariants
//!
//! - Counting takes no lock that is not held already, but for a request that is refused.
//! - Labels come from closed sets, or are the names of queues, of which [`QUEUES_MAX`] are shown.
//! - Of a body only the size counts, and no label bears any of it.

mod gather;
mod of_queues;
mod render;
mod tally;
mod traffic;

pub(crate) use gather::gather;
pub(crate) use longshore_metrics::{MEDIA_TYPE, render};
pub(crate) use tally::Tally;
pub(crate) use traffic::{PEEK_ACTION, Traffic, UNKNOWN_ACTION};

/// Queues that a scrape shows: the oldest ones. How many are left out is a metric of its own.
pub(crate) const QUEUES_MAX: usize = 1000;
