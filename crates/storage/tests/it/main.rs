//! What a store promises, on a disk in memory that fails on request, and on a real one.
#![expect(clippy::unwrap_used, reason = "in a test, a failure is a panic")]

mod basics;
mod checkpoints;
mod crash;
mod damage;
mod failure;
mod files;
mod format;
mod full;
mod group_commit;
mod kit;
mod random;
mod rot;
mod salvage;
