//! Ordered items in chunks: a set that costs little more than the bytes of what is in it.
//!
//! A tree of single entries is half empty and full of pointers. Here the leaves of the tree are arrays of
//! up to 128 items, which are full where items come in order, as messages do. An item is packed: it says
//! what it stands for in relation to the base of its chunk. Each has a mark, one bit; marked items are
//! found without looking at the others.
//!
//! ```text
//! chunks:  place of the start ─► base, [item item item …], marks
//! marked:  starts of chunks with marked items
//! ```
//!
//! # Invariants
//!
//! - A chunk has items, and all of them lie from its start on and before the start of the next.
//! - No operation moves more than a few chunks' worth of items, however many there are.
//! - Of two chunks side by side, one has more than a quarter of what it can hold, or they cannot share a
//!   base: what is removed gives its memory back.

mod chunk;
mod iter;
mod packed;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use chunk::Chunk;
pub(crate) use packed::{Member, Spot, base_before, offset};

/// How many items a chunk has at most: one for each bit of its marks.
const CHUNK: usize = 128;

/// What is kept of something, packed in relation to the base of a chunk.
pub(crate) trait Item: Clone {
    /// What it stands for.
    type Full: Clone;
    /// What that is ordered by.
    type Place: Copy + Ord + Debug;
    /// What the items of a chunk have in common.
    type Base: Copy + Debug;

    fn place_of(full: &Self::Full) -> Self::Place;
    /// The base of a chunk that begins with this.
    fn base_of(full: &Self::Full) -> Self::Base;
    /// `None` if that base is too far away.
    fn pack(full: &Self::Full, base: Self::Base) -> Option<Self>;
    fn full(&self, base: Self::Base) -> Self::Full;
    fn place(&self, base: Self::Base) -> Self::Place;
}

/// A set of items in order. Every operation is O(log n).
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T: Item> {
    chunks: BTreeMap<T::Place, Chunk<T>>,
    marked: BTreeSet<T::Place>,
    len: usize,
    marked_len: usize,
}

impl<T: Item> Default for Chunks<T> {
    fn default() -> Self {
        Self { chunks: BTreeMap::new(), marked: BTreeSet::new(), len: 0, marked_len: 0 }
    }
}

impl<T: Item> Chunks<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many items are marked.
    pub(crate) fn marked_len(&self) -> usize {
        self.marked_len
    }

    /// What is at a place.
    pub(crate) fn get(&self, place: T::Place) -> Option<T::Full> {
        let (chunk, at) = self.find(place)?;
        Some(chunk.full(at))
    }

    /// The item at a place, as it is kept.
    pub(crate) fn item(&self, place: T::Place) -> Option<&T> {
        let (chunk, at) = self.find(place)?;
        Some(&chunk.items[at])
    }

    /// Whether the item at a place is marked; `None` if there is none.
    pub(crate) fn mark_of(&self, place: T::Place) -> Option<bool> {
        let (chunk, at) = self.find(place)?;
        Some(chunk.is_marked(at))
    }

    /// What is at a place, and whether it is marked.
    pub(crate) fn get_with_mark(&self, place: T::Place) -> Option<(T::Full, bool)> {
        let (chunk, at) = self.find(place)?;
        Some((chunk.full(at), chunk.is_marked(at)))
    }

    fn find(&self, place: T::Place) -> Option<(&Chunk<T>, usize)> {
        let (_, chunk) = self.chunks.range(..=place).next_back()?;
        Some((chunk, chunk.find(place).ok()?))
    }

    fn find_mut(&mut self, place: T::Place) -> Option<(T::Place, &mut Chunk<T>, usize)> {
        let (start, chunk) = self.chunks.range_mut(..=place).next_back()?;
        let at = chunk.find(place).ok()?;
        Some((*start, chunk, at))
    }

    /// Puts something in. `false`: something is at its place already, and stays.
    pub(crate) fn insert(&mut self, full: &T::Full, marked: bool) -> bool {
        let place = T::place_of(full);
        let Some((start, chunk)) = self.chunks.range_mut(..=place).next_back() else {
            self.insert_first(full, marked);
            return true;
        };
        let start = *start;
        let Err(at) = chunk.find(place) else { return false };
        match T::pack(full, chunk.base) {
            Some(item) if chunk.items.len() < CHUNK => {
                chunk.insert(at, item, marked);
                self.count_in(start, marked);
            }
            Some(_) if at < CHUNK => {
                self.split(start, CHUNK / 2);
                return self.insert(full, marked);
            }
            _ => {
                self.split(start, at);
                self.begin(full, marked);
            }
        }
        true
    }

    /// Puts something in, unmarked, or in place of what is there.
    pub(crate) fn put(&mut self, full: &T::Full) {
        let place = T::place_of(full);
        if let Some((_, chunk, at)) = self.find_mut(place)
            && let Some(item) = T::pack(full, chunk.base)
        {
            chunk.items[at] = item;
            return;
        }
        self.remove(place);
        self.insert(full, false);
    }

    /// Puts something in before all others.
    fn insert_first(&mut self, full: &T::Full, marked: bool) {
        let begun = self.chunks.first_key_value().filter(|(_, chunk)| chunk.items.len() < CHUNK);
        let joined = begun.and_then(|(_, chunk)| chunk.rebased(T::base_of(full)));
        if let Some(chunk) = joined {
            self.chunks.pop_first().inspect(|(start, _)| _ = self.marked.remove(start));
            self.put_chunk(T::place_of(full), chunk);
            let first = self.chunks.first_entry();
            first.map(|mut first| first.get_mut().insert_at_start(full, marked));
            self.count_in(T::place_of(full), marked);
        } else {
            self.begin(full, marked);
        }
    }

    fn begin(&mut self, full: &T::Full, marked: bool) {
        let place = T::place_of(full);
        self.chunks.insert(place, Chunk::of(full, marked));
        self.count_in(place, marked);
    }

    fn count_in(&mut self, start: T::Place, marked: bool) {
        self.len += 1;
        if marked {
            self.marked_len += 1;
            self.marked.insert(start);
        }
    }

    /// Has the items of a chunk from there on be a chunk of their own.
    fn split(&mut self, start: T::Place, at: usize) {
        let Some(chunk) = self.chunks.get_mut(&start) else { return };
        if at < chunk.items.len() {
            let behind = chunk.split_off(at);
            self.note_marks(start);
            self.put_chunk(behind.items[0].place(behind.base), behind);
        }
    }

    fn put_chunk(&mut self, start: T::Place, chunk: Chunk<T>) {
        self.chunks.insert(start, chunk);
        self.note_marks(start);
    }

    /// Says anew whether a chunk has marked items.
    fn note_marks(&mut self, start: T::Place) {
        if self.chunks.get(&start).is_some_and(|chunk| chunk.marks != 0) {
            self.marked.insert(start);
        } else {
            self.marked.remove(&start);
        }
    }

    /// Takes out what is at a place, and whether it was marked.
    pub(crate) fn remove(&mut self, place: T::Place) -> Option<(T::Full, bool)> {
        let (start, chunk, at) = self.find_mut(place)?;
        let full = chunk.full(at);
        let was_marked = chunk.remove(at);
        let (left, has_marks) = (chunk.items.len(), chunk.marks != 0);
        self.len -= 1;
        if was_marked {
            self.marked_len -= 1;
            if !has_marks {
                self.marked.remove(&start);
            }
        }
        if left == 0 {
            self.chunks.remove(&start);
        } else if left.is_power_of_two() && left <= CHUNK / 2 {
            self.gather(start);
        }
        Some((full, was_marked))
    }

    /// Marks the item at a place, or takes its mark. Answers whether it was marked; `None` if there is none.
    pub(crate) fn set_mark(&mut self, place: T::Place, marked: bool) -> Option<bool> {
        let (start, chunk, at) = self.find_mut(place)?;
        let was_marked = chunk.is_marked(at);
        if was_marked != marked {
            chunk.set_mark(at, marked);
            if marked {
                self.marked_len += 1;
                self.marked.insert(start);
            } else {
                self.marked_len -= 1;
                self.note_marks(start);
            }
        }
        Some(was_marked)
    }

    /// Gives back what a chunk that has lost many items does not need, and the chunk if it can join another.
    fn gather(&mut self, start: T::Place) {
        let Some(chunk) = self.chunks.get_mut(&start) else { return };
        let len = chunk.items.len();
        chunk.items.shrink_to(len + len / 2);
        if len > CHUNK / 4 {
            return;
        }
        let next = self.chunks.range(start..).nth(1).map(|(next, _)| *next);
        if next.is_some_and(|next| self.join(start, next)) {
            return;
        }
        let before = self.chunks.range(..start).next_back().map(|(before, _)| *before);
        before.map(|before| self.join(before, start));
    }

    /// Makes one chunk of two side by side, if it would be half empty then.
    fn join(&mut self, left: T::Place, right: T::Place) -> bool {
        let (Some(first), Some(second)) = (self.chunks.get(&left), self.chunks.get(&right)) else {
            return false;
        };
        if first.items.len() + second.items.len() > CHUNK / 2 {
            return false;
        }
        let Some(second) = second.rebased(first.base) else { return false };
        self.chunks.remove(&right);
        self.marked.remove(&right);
        if let Some(first) = self.chunks.get_mut(&left) {
            first.append(second);
        }
        self.note_marks(left);
        true
    }
}

#[cfg(test)]
mod tests;
