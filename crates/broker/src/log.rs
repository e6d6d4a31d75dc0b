//! The log as the core sees it, and the store behind it.
//!
//! The trait is small so that a simulated log can take the store's place.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use longshore_engine::MessageKey;
use longshore_storage::{
    BodyKey, Lsn, Progress, Purpose, Record, Reservation, ReserveError, Store,
};

/// A message's content on its way into the log.
pub(crate) type Body = (MessageKey, Bytes);

/// What the core asks of the log. No call waits.
pub(crate) trait Log: Send + fmt::Debug {
    /// Whether a record of so many bytes would find room now.
    fn check_room(&self, room: Room) -> Result<(), ReserveError>;

    /// Appends a record: its place in the log is decided, its durability is told by progress.
    fn append(&self, record: Append<'_>) -> Result<Lsn, ReserveError>;

    /// How far the log has come.
    fn progress(&self) -> Progress;

    /// The message is gone: its body will not be asked for again.
    fn release(&self, key: MessageKey);

    /// Whether the body of a message is there, and the message is not gone.
    fn holds(&self, key: MessageKey) -> bool;
}

/// One record, before it has a number.
#[derive(Debug)]
pub(crate) struct Append<'a> {
    pub(crate) events: &'a [u8],
    pub(crate) bodies: Vec<Body>,
    /// Whether a reply waits for this record to be durable.
    pub(crate) sync: bool,
    pub(crate) purpose: Purpose,
}

/// Room in the log, asked for before anything is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Bytes of the records together.
    pub(crate) bytes: u64,
    pub(crate) purpose: Purpose,
}

/// More than any record takes that brings no message.
pub(crate) const SMALL: u64 = 16 << 10;

impl Room {
    /// No room: nothing will be written.
    pub(crate) const fn none() -> Self {
        Self { bytes: 0, purpose: Purpose::Look }
    }

    /// Room for what lets a queue shrink: a delete.
    pub(crate) const fn shrink() -> Self {
        Self { bytes: SMALL, purpose: Purpose::Shrink }
    }

    /// Room for what keeps a queue going: a receive, a change of visibility.
    pub(crate) const fn keep() -> Self {
        Self { bytes: SMALL, purpose: Purpose::Keep }
    }

    /// Room for a change of the catalog. One that makes it larger is refused on a full disk when it is
    /// written, for it must not eat what is kept for deletes; one that turns out to change nothing, or to
    /// take something away, is not.
    pub(crate) const fn catalog() -> Self {
        Self { bytes: 64 << 10, purpose: Purpose::Keep }
    }

    /// Room for sends of `bytes` together.
    pub(crate) const fn grow(bytes: u64) -> Self {
        Self { bytes, purpose: Purpose::Grow }
    }
}

impl Log for Arc<Store> {
    fn check_room(&self, room: Room) -> Result<(), ReserveError> {
        self.reserve(room.bytes, room.purpose).map(drop)
    }

    fn append(&self, append: Append<'_>) -> Result<Lsn, ReserveError> {
        let record = Record {
            events: append.events,
            bodies: append.bodies.into_iter().map(|(key, bytes)| (body_key(key), bytes)).collect(),
            sync: append.sync,
        };
        let reservation: Reservation = self.reserve(record.len_bytes(), append.purpose)?;
        Ok(Store::append(self, reservation, record))
    }

    fn progress(&self) -> Progress {
        Store::progress(self)
    }

    fn release(&self, key: MessageKey) {
        Store::release(self, body_key(key));
    }

    fn holds(&self, key: MessageKey) -> bool {
        Store::holds(self, body_key(key))
    }
}

/// A message's key is also its body's.
pub(crate) fn body_key(key: MessageKey) -> BodyKey {
    BodyKey(key.get())
}
