//! The number mixed into every checksum of a segment.
//!
//! An [`Epoch`] is made of the store's salt and the segment's number, and neither is used twice: so
//! a record that a recycled file still holds from its former life never passes for one of its
//! present life, nor one of another store, nor bytes that somebody put into a message body.

use std::fmt;

/// The place of a segment in the log, from 1 on. Never used twice in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SegmentNumber(pub(crate) u32);

impl SegmentNumber {
    /// The first segment of a store.
    pub(crate) const FIRST: Self = Self(1);

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The name of its file.
    pub(crate) fn file_name(self) -> String {
        format!("{self}")
    }

    /// The number that a file's name stands for, if it is a segment's.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("segment-")?.strip_suffix(".log")?;
        let number = Self(u32::from_str_radix(digits, 16).ok()?);
        (number.file_name() == name).then_some(number)
    }
}

impl fmt::Display for SegmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment-{:08x}.log", self.0)
    }
}

/// What every checksum of one segment starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(u32);

impl Epoch {
    pub(crate) fn new(salt: u64, number: SegmentNumber) -> Self {
        let salted = crc32c::crc32c(&salt.to_le_bytes());
        Self(crc32c::crc32c_append(salted, &number.0.to_le_bytes()))
    }

    /// The CRC-32C of the epoch and of all `parts`, as if they were one.
    pub(crate) fn checksum(self, parts: &[&[u8]]) -> u32 {
        parts.iter().fold(self.0, |crc, part| crc32c::crc32c_append(crc, part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_stands_for_one_number_only() {
        assert_eq!(SegmentNumber::parse("segment-0000001f.log"), Some(SegmentNumber(31)));
        assert_eq!(SegmentNumber::parse("segment-1f.log"), None);
        assert_eq!(SegmentNumber::parse("segment-0000001F.log"), None);
        assert_eq!(SegmentNumber::parse("lock"), None);
    }

    #[test]
    fn the_same_bytes_have_another_checksum_in_another_segment_or_store() {
        let here = Epoch::new(7, SegmentNumber(1)).checksum(&[b"bytes"]);
        assert_ne!(here, Epoch::new(7, SegmentNumber(2)).checksum(&[b"bytes"]));
        assert_ne!(here, Epoch::new(8, SegmentNumber(1)).checksum(&[b"bytes"]));
    }
}
