//! Room that is promised to one record.

use std::sync::Arc;

use crate::{shared::Shared, space::Space};

/// What a record is for: who may use the last of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It makes the store larger (a send). Two segments are kept from it.
    Grow,
    /// It keeps the store going, and makes it no smaller (a receive). One segment is kept from it.
    Keep,
    /// It lets the store become smaller (a delete). Only what starts need is kept from it.
    Shrink,
    /// It tells of a start: it may use all.
    Start,
    /// There is none: nothing is written, and a full disk is no hindrance.
    Look,
}

/// Room for one record: spent by [`Store::append`](crate::Store::append), given back when dropped.
#[derive(Debug)]
#[must_use = "a reservation that is dropped gives its room back"]
pub struct Reservation {
    bytes: u64,
    /// None for a store in memory, and once the room is spent.
    owner: Option<Arc<Shared>>,
}

impl Reservation {
    pub(crate) fn new(bytes: u64, owner: Option<Arc<Shared>>) -> Self {
        Self { bytes, owner }
    }

    /// The largest record that it holds, as [`Record::bytes`](crate::Record::bytes) counts.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Spends the room: what was promised is now the appended record's to settle.
    pub(crate) fn spend(mut self) -> u64 {
        self.owner = None;
        Space::charge(self.bytes)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            owner.give_back(Space::charge(self.bytes));
        }
    }
}
