//! Bytes to SQS requests, and replies to bytes.
//!
//! A request goes through here once on its way down: [`json`] or [`query`] turns it into a
//! [`Request`] and refuses what cannot be read or lacks a required member. Everything that SQS
//! checks only after it has looked up the queue is a pure function in [`check`], called by the
//! broker in its own order. On the way up, the same protocol writes a [`Reply`] or an [`SqsError`].
//!
//! Each operation is defined once, in [`action`], whatever the protocol that carries it.
//!
//! # Invariants
//!
//! - Nothing here knows a queue, a clock or a socket.
//! - A text that SQS sends is spelled in this crate and nowhere else.

pub mod action;
pub mod check;
pub mod digest;
pub mod error;
pub mod json;
pub mod percent;
pub mod query;
pub mod request;
pub mod signature;

pub use action::*;
pub use error::{Fault, LabelFault, RedriveAllowFault, RedriveFault, Spelling, SqsError};
pub use request::{Action, Named, Reply, Request};
