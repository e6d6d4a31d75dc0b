//! The gateway over real HTTP, with a queue that does as it is told and a store in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod exchange;
mod outbox;
mod request_reply;
