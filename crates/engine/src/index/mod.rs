//! Three orders over the same messages, so that nothing is found by looking at all of them: by the time of
//! the send, and by the time that a delayed message or one in flight waits for.
//!
//! Each is a set of (time, key) pairs in chunks; what differs is which time it is. By the time of the send,
//! messages of a fair queue's groups are in an order of their own beside the others.

mod by_group;
mod due;
mod sends;

pub(crate) use due::Due;
pub(crate) use sends::Sends;
