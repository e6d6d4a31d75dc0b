//! The framework in a simulated world: queues in memory, a clock that is moved, faults by script.
//!
//! Tests named `r<number>_…` keep fixed what went wrong in other frameworks, `l<number>_…` and
//! `u<number>_…` what went wrong in this one. What every store must do is in `longshore-testkit`.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

#[cfg(feature = "aws")]
mod aws;
mod batches;
mod chaos;
mod client;
mod clockless;
mod control;
mod cost;
mod crash;
mod drain;
mod ends;
mod facts;
mod fifo;
mod groups;
mod inputs;
mod key_limit;
mod layers;
mod leases;
mod logged;
mod lost;
mod meter;
mod numbers;
mod outbox;
mod outcomes;
mod polling;
mod priorities;
mod rates;
mod regressions;
mod replies;
mod reply_modes;
mod requests;
mod same_queue;
mod simulation;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stranded;
mod stuck;
mod throttling;
mod traces;
mod traffic;
mod world;
