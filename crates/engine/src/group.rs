//! What stands for a message group inside a queue, FIFO or standard.

use minicbor::{Decode, Encode};

/// Stands for a group while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct GroupNumber(#[n(0)] u64);

impl GroupNumber {
    /// The group of that number.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }
}
