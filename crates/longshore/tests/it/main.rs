//! The assembled parts against a real broker in the same process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod blocking;
mod embedded;
mod queues;
