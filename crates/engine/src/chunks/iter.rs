//! Going through the items in order.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::chunk::Chunk;
use super::{Chunks, Item};

impl<T: Item> Chunks<T> {
    /// All of it.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = T::Full> + '_ {
        self.chunks.values().flat_map(|chunk| chunk.all())
    }

    /// What is behind a place, or all of it.
    pub(crate) fn after(&self, place: Option<T::Place>) -> impl Iterator<Item = T::Full> + '_ {
        self.after_with_marks(place).map(|(full, _)| full)
    }

    /// The same, and of each whether it is marked.
    pub(crate) fn after_with_marks(
        &self,
        place: Option<T::Place>,
    ) -> impl Iterator<Item = (T::Full, bool)> + '_ {
        self.range_from(place.map_or(Unbounded, Excluded))
    }

    /// What is at a place and behind it.
    pub(crate) fn from(&self, place: T::Place) -> impl Iterator<Item = T::Full> + '_ {
        self.range_from(Included(place)).map(|(full, _)| full)
    }

    fn range_from(&self, from: Bound<T::Place>) -> impl Iterator<Item = (T::Full, bool)> + '_ {
        let chunks = match from {
            Included(place) | Excluded(place) => self.chunks.range(self.start_of(place)..),
            Unbounded => self.chunks.range(..),
        };
        chunks.flat_map(move |(_, chunk)| chunk.from(from))
    }

    /// The start of the chunk in which a place is, or would be.
    fn start_of(&self, place: T::Place) -> T::Place {
        self.chunks.range(..=place).next_back().map_or(place, |(start, _)| *start)
    }

    /// What is marked.
    pub(crate) fn marked(&self) -> impl Iterator<Item = T::Full> + '_ {
        let chunks = self.marked.iter().filter_map(|start| self.chunks.get(start));
        chunks.flat_map(Chunk::marked)
    }

    pub(crate) fn first(&self) -> Option<T::Full> {
        self.chunks.first_key_value().map(|(_, chunk)| chunk.full(0))
    }

    pub(crate) fn last(&self) -> Option<T::Full> {
        let (_, chunk) = self.chunks.last_key_value()?;
        Some(chunk.full(chunk.items.len() - 1))
    }
}

impl<T: Item> Chunk<T> {
    fn all(&self) -> impl DoubleEndedIterator<Item = T::Full> + '_ {
        self.items.iter().map(|item| item.full(self.base))
    }

    fn from(&self, from: Bound<T::Place>) -> impl Iterator<Item = (T::Full, bool)> + '_ {
        let is_before = |item: &T| match from {
            Included(place) => item.place(self.base) < place,
            Excluded(place) => item.place(self.base) <= place,
            Unbounded => false,
        };
        let first = self.items.partition_point(is_before);
        (first..self.items.len()).map(|at| (self.full(at), self.is_marked(at)))
    }

    fn marked(&self) -> impl Iterator<Item = T::Full> + '_ {
        let mut left = self.marks;
        std::iter::from_fn(move || {
            let at = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(self.full(at))
        })
    }
}

/// The same items with the same marks: how they lie in chunks is no matter.
impl<T: Item<Full: PartialEq>> PartialEq for Chunks<T> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.after_with_marks(None).eq(other.after_with_marks(None))
    }
}

impl<T: Item<Full: Eq>> Eq for Chunks<T> {}
