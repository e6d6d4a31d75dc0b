//! The framework in a simulated world: queues in memory, a clock that is moved, faults by script.
//!
//! `reply_suite` and `claim_suite` are what every store must pass. The other modules run whole workers; tests named
//! `r<number>_…` keep fixed what went wrong in other frameworks.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

#[cfg(feature = "aws")]
mod aws;
mod chaos;
mod claim_suite;
mod client;
mod crash;
mod drain;
mod fifo;
mod leases;
mod outcomes;
mod replies;
mod reply_suite;
mod simulation;
#[cfg(feature = "sqlite")]
mod sqlite;
mod traffic;
mod world;
