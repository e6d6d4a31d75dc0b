//! Going through the items in order.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use super::chunk::Chunk;
use super::{Chunks, Item};

impl<T: Item> Chunks<T> {
    /// All of it.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = T::Full> + '_ {
        self.directory.chunks().flat_map(Chunk::all)
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
        let home = match from {
            Included(place) | Excluded(place) => self.directory.home(place),
            Unbounded => None,
        };
        let first = home.or_else(|| self.directory.first());
        let chunks = first.into_iter().flat_map(|first| self.directory.chunks_from(first));
        chunks.flat_map(move |chunk| chunk.from(from))
    }

    /// What is marked.
    pub(crate) fn marked(&self) -> impl Iterator<Item = T::Full> + '_ {
        self.directory.marked().flat_map(Chunk::marked)
    }

    pub(crate) fn first(&self) -> Option<T::Full> {
        self.directory.first().map(|first| self.directory.chunk(first).full(0))
    }

    pub(crate) fn last(&self) -> Option<T::Full> {
        let chunk = self.directory.chunks().next_back()?;
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
