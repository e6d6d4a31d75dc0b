//! What stands for a message group inside a queue, FIFO or standard.

/// Stands for a group while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupNumber(u64);

impl GroupNumber {
    /// The group of that number.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }
}
