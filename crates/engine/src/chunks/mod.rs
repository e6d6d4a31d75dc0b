//! Ordered items in chunks: a set that costs little more than the bytes of what is in it.
//!
//! A tree of single entries is half empty and full of pointers. Here the leaves of the tree are arrays of
//! up to 128 items, which are full where items come in order, as messages do. An item is packed: it says
//! what it stands for in relation to the base of its chunk. Each has a mark, one bit; marked items are
//! found without looking at all others.
//!
//! ```text
//! directory ─► group: up to 256 chunks ─► chunk: start, base, [item item item …], marks
//! ```
//!
//! # Invariants
//!
//! - A chunk has items, and all of them lie from its start on and before the start of the next.
//! - No operation moves more than a few chunks' worth of items, and a group's worth of chunks, however many
//!   there are.
//! - A chunk that has lost most of its items gives its memory back, and joins one beside it if both are small.

mod chunk;
mod directory;
mod iter;
mod packed;

use std::fmt::Debug;

use chunk::Chunk;
use directory::{At, Directory};
pub(crate) use packed::{Member, Spot, base_before, offset};

/// How many items a chunk has at most: one for each bit of its marks.
const CHUNK: usize = 128;
/// What room for fewer items takes is not worth the work of giving it back.
const ROOM_MIN: usize = 16;

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
    /// How many items behind the first of a chunk a place most likely is: where keys are given one after the other, as
    /// many as lie between them.
    fn guess(first: Self::Place, place: Self::Place) -> u64;
}

/// A set of items in order. Every operation is O(log n).
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T: Item> {
    directory: Directory<T>,
    len: usize,
    marked_len: usize,
}

impl<T: Item> Default for Chunks<T> {
    fn default() -> Self {
        Self { directory: Directory::default(), len: 0, marked_len: 0 }
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
        let chunk = self.directory.chunk(self.directory.home(place)?);
        Some((chunk, chunk.find(place).ok()?))
    }

    /// Puts something in. `false`: something is at its place already, and stays.
    pub(crate) fn insert(&mut self, full: &T::Full, marked: bool) -> bool {
        let place = T::place_of(full);
        let Some(home) = self.directory.home(place) else {
            self.insert_first(full, marked);
            return true;
        };
        let chunk = self.directory.chunk_mut(home);
        let Err(at) = chunk.find(place) else { return false };
        match T::pack(full, chunk.base) {
            Some(item) if chunk.items.len() < CHUNK => {
                chunk.insert(at, item, marked);
                self.directory.count_marked(home, usize::from(marked));
                self.count_in(marked);
            }
            Some(_) if at < CHUNK => {
                self.split(home, CHUNK / 2);
                return self.insert(full, marked);
            }
            _ if at == 0 => self.begin_instead(home, full, marked),
            _ => {
                self.split(home, at);
                self.begin(self.directory.home(place), full, marked);
            }
        }
        true
    }

    /// Puts something in, unmarked, or in place of what is there.
    pub(crate) fn put(&mut self, full: &T::Full) {
        let place = T::place_of(full);
        if let Some(home) = self.directory.home(place)
            && let chunk = self.directory.chunk_mut(home)
            && let Ok(at) = chunk.find(place)
        {
            if let Some(item) = T::pack(full, chunk.base) {
                chunk.items[at] = item;
                return;
            }
            self.remove(place);
        }
        self.insert(full, false);
    }

    /// Puts something in before all others.
    fn insert_first(&mut self, full: &T::Full, marked: bool) {
        let first = self.directory.first().map(|at| self.directory.chunk(at));
        let with_room = first.filter(|chunk| chunk.items.len() < CHUNK);
        let Some(mut joined) = with_room.and_then(|chunk| chunk.rebased(T::base_of(full))) else {
            return self.begin(None, full, marked);
        };
        joined.insert_at_start(full, marked);
        self.directory.replace_first(joined);
        if let Some(first) = self.directory.first() {
            self.directory.count_marked(first, usize::from(marked));
        }
        self.count_in(marked);
    }

    /// Begins a chunk behind another.
    fn begin(&mut self, behind: Option<At>, full: &T::Full, marked: bool) {
        self.directory.insert_behind(behind, Chunk::of(full, marked));
        self.count_in(marked);
    }

    /// Begins a chunk where another does, whose items all lie behind.
    fn begin_instead(&mut self, home: At, full: &T::Full, marked: bool) {
        let chunk = self.directory.chunk_mut(home);
        let start = chunk.start;
        let mut behind = std::mem::replace(chunk, Chunk { start, ..Chunk::of(full, marked) });
        behind.start = behind.items[0].place(behind.base);
        self.directory.uncount_marked(home, behind.marked_len());
        self.directory.count_marked(home, usize::from(marked));
        self.directory.insert_behind(Some(home), behind);
        self.count_in(marked);
    }

    fn count_in(&mut self, marked: bool) {
        self.len += 1;
        self.marked_len += usize::from(marked);
    }

    /// Has the items of a chunk from there on be a chunk of their own.
    fn split(&mut self, home: At, at: usize) {
        let chunk = self.directory.chunk_mut(home);
        if at < chunk.items.len() {
            let behind = chunk.split_off(at);
            self.directory.uncount_marked(home, behind.marked_len());
            self.directory.insert_behind(Some(home), behind);
        }
    }

    /// Takes out what is at a place, and whether it was marked.
    pub(crate) fn remove(&mut self, place: T::Place) -> Option<(T::Full, bool)> {
        let home = self.directory.home(place)?;
        let chunk = self.directory.chunk_mut(home);
        let at = chunk.find(place).ok()?;
        let (full, was_marked) = (chunk.full(at), chunk.remove(at));
        let (left, room) = (chunk.items.len(), chunk.items.capacity());
        self.len -= 1;
        self.marked_len -= usize::from(was_marked);
        self.directory.uncount_marked(home, usize::from(was_marked));
        if left == 0 {
            self.directory.remove(home);
        } else if 4 * left <= room && room > ROOM_MIN {
            self.gather(home);
        }
        Some((full, was_marked))
    }

    /// Marks the item at a place, or takes its mark. Answers whether it was marked; `None` if there is none.
    pub(crate) fn set_mark(&mut self, place: T::Place, marked: bool) -> Option<bool> {
        let home = self.directory.home(place)?;
        let chunk = self.directory.chunk_mut(home);
        let at = chunk.find(place).ok()?;
        let was_marked = chunk.is_marked(at);
        if was_marked != marked {
            chunk.set_mark(at, marked);
            if marked {
                self.directory.count_marked(home, 1);
                self.marked_len += 1;
            } else {
                self.directory.uncount_marked(home, 1);
                self.marked_len -= 1;
            }
        }
        Some(was_marked)
    }

    /// Gives back what a chunk that has lost many items does not need, and the chunk if it can join another.
    fn gather(&mut self, home: At) {
        let chunk = self.directory.chunk_mut(home);
        chunk.items.shrink_to(2 * chunk.items.len());
        if self.directory.next(home).is_some_and(|next| self.join(home, next)) {
            return;
        }
        self.directory.before(home).map(|before| self.join(before, home));
    }

    /// Makes one chunk of two side by side, if it would be half empty then.
    fn join(&mut self, left: At, right: At) -> bool {
        let (first, second) = (self.directory.chunk(left), self.directory.chunk(right));
        if first.items.len() + second.items.len() > CHUNK / 2 {
            return false;
        }
        let Some(second) = second.rebased(first.base) else { return false };
        self.directory.count_marked(left, second.marked_len());
        self.directory.chunk_mut(left).append(second);
        self.directory.remove(right);
        true
    }
}

#[cfg(test)]
mod tests;
