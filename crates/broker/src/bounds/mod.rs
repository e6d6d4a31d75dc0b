//! What keeps a flood of clients from taking the broker's memory and its places: who is connected
//! and gives way, the bytes in flight, and a line in the log when either bound is met.
//!
//! # Invariants
//!
//! - A client gives way only while the broker waits for it, never while it waits for the broker.
//! - Nothing here waits for a client: what there is no room for is refused within seconds.

mod budget;
mod clients;
mod notice;
mod pressure;

pub(crate) use budget::{Budget, Share};
pub(crate) use clients::{Client, ClientBounds, Clients, Place};
pub(crate) use notice::Notice;
pub(crate) use pressure::Pressure;
