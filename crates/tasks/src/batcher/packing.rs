//! How many requests share a call: by count, by bytes, and by what SQS bills.
//!
//! SQS bills each 64 KiB of a call's payload as a request. So ten messages of 10 KiB together cost two
//! requests, and six of them cost one: a call is full when another message would make each of its messages
//! dearer.

use longshore_types::limits::MESSAGE_BYTES_MAX;

use crate::transport::meter::billed_requests;

/// What a call holds so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    entries_max: usize,
    entries: usize,
    bytes: usize,
}

impl Packing {
    /// An empty call of up to so many entries.
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { entries_max, entries: 0, bytes: 0 }
    }

    /// Whether there is room for an entry of any size at all.
    pub(crate) fn has_room(&self) -> bool {
        self.entries < self.entries_max
    }

    /// Takes an entry of so many bytes in; `false` if it has to go in another call. The first one fits
    /// always.
    pub(crate) fn take(&mut self, bytes: usize) -> bool {
        let with_it = Self { entries: self.entries + 1, bytes: self.bytes + bytes, ..*self };
        let fits = self.entries == 0
            || self.has_room()
                && with_it.bytes <= MESSAGE_BYTES_MAX as usize
                && !with_it.is_dearer_than(self);
        if fits {
            *self = with_it;
        }
        fits
    }

    /// Whether an entry of this call costs more than one of `other`.
    fn is_dearer_than(&self, other: &Self) -> bool {
        billed_requests(self.bytes) * other.entries as u64
            > billed_requests(other.bytes) * self.entries as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    /// The sizes of the calls that entries of so many bytes go in.
    fn calls(entries: &[usize]) -> Vec<usize> {
        let (mut calls, mut packing) = (vec![0], Packing::new(10));
        for bytes in entries {
            if !packing.take(*bytes) {
                packing = Packing::new(10);
                assert!(packing.take(*bytes));
                calls.push(0);
            }
            *calls.last_mut().unwrap() += 1;
        }
        calls
    }

    #[test]
    fn a_call_has_ten_entries_at_most() {
        assert_eq!(calls(&[1; 23]), [10, 10, 3]);
        assert_eq!(calls(&[0; 23]), [10, 10, 3]);
    }

    #[test]
    fn r12_a_call_has_a_mebibyte_at_most() {
        assert_eq!(calls(&[512 * KIB; 4]), [2, 2]);
        assert_eq!(calls(&[1024 * KIB, 1024 * KIB]), [1, 1]);
    }

    #[test]
    fn a_call_ends_where_another_entry_would_make_each_dearer() {
        assert_eq!(calls(&[10 * KIB; 12]), [6, 6]);
        assert_eq!(calls(&[16 * KIB; 8]), [4, 4]);
        assert_eq!(calls(&[6 * KIB; 20]), [10, 10]);
    }

    #[test]
    fn entries_beyond_a_chunk_share_calls_where_that_is_cheaper() {
        assert_eq!(calls(&[65 * KIB; 10]), [10]);
    }
}
