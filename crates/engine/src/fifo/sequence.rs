//! Sequence numbers.

use std::fmt;

use minicbor::{Decode, Encode};

/// What is added to a number where it is shown. SQS's numbers begin with no zero, and programs that
/// parse or compare them have never met one.
const SHOWN_FROM: u64 = 10_000_000_000_000_000_000;

/// A message's place in its FIFO queue: it increases with each message that the queue takes in, over
/// restarts and purges too. Shown as 20 digits of which the first is not 0, so that texts sort as the
/// numbers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(transparent)]
pub struct SequenceNumber(#[n(0)] u64);

impl SequenceNumber {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", SHOWN_FROM.saturating_add(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q2_a_number_is_shown_as_20_digits_of_which_the_first_is_not_0() {
        let first = SequenceNumber::default().next();
        for number in [first, first.next(), SequenceNumber(1 << 62)] {
            let text = number.to_string();
            assert_eq!(text.len(), 20, "{text}");
            assert!(!text.starts_with('0'), "{text}");
        }
        assert!(first.to_string() < first.next().to_string());
    }
}
