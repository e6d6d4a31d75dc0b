//! The rules of a queue and of the catalog: the name of a test is the rule it holds.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod builder;
mod catalog;
mod delete;
mod event;
mod fair;
mod fifo;
mod invariants;
mod moves;
mod peek;
mod purge;
mod receive;
mod redrive;
mod retention;
mod send;
mod time;
mod visibility;
mod withhold;
