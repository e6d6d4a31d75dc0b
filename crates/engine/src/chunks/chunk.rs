//! One chunk: its items in order, and their marks.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::VecDeque;

use super::Item;

/// Items that share a base.
#[derive(Clone, Debug)]
pub(super) struct Chunk<T: Item> {
    /// All items are there or behind.
    pub(super) start: T::Place,
    pub(super) base: T::Base,
    /// Not a plain array, of which the first is the most expensive to take out: the oldest messages go first.
    pub(super) items: VecDeque<T>,
    /// A bit for each item, that of the first one last.
    pub(super) marks: u128,
    /// Where an item was found last. Another may be there by now.
    pub(super) found: Cell<u8>,
}

impl<T: Item> Chunk<T> {
    /// A chunk that begins with this.
    pub(super) fn of(full: &T::Full, marked: bool) -> Self {
        let base = T::base_of(full);
        let item = T::pack(full, base).expect("what a base is made of can be packed");
        let items = VecDeque::from([item]);
        Self {
            start: T::place_of(full),
            base,
            items,
            marks: u128::from(marked),
            found: Cell::default(),
        }
    }

    /// Where the item of a place is, or would be. What was found last is looked at first, for it is mostly looked for
    /// again at once.
    pub(super) fn find(&self, place: T::Place) -> Result<usize, usize> {
        let last = usize::from(self.found.get());
        if self.items.get(last).is_some_and(|item| item.place(self.base) == place) {
            return Ok(last);
        }
        let found = self.search(place);
        if let Some(at) = found.ok().and_then(|at| u8::try_from(at).ok()) {
            self.found.set(at);
        }
        found
    }

    /// The ends are looked at first: what comes is the last, and what goes is the first, most of the time. Then where
    /// it is if none is missing in between.
    fn search(&self, place: T::Place) -> Result<usize, usize> {
        let at = |item: &T| item.place(self.base);
        if self.items.back().is_none_or(|last| at(last) < place) {
            return Err(self.items.len());
        }
        match at(&self.items[0]).cmp(&place) {
            Ordering::Less => {
                let guess = usize::try_from(T::guess(at(&self.items[0]), place)).ok();
                let is_there = |guess: &usize| self.items.get(*guess).map(at) == Some(place);
                let search = || self.items.binary_search_by(|item| at(item).cmp(&place));
                guess.filter(is_there).map_or_else(search, Ok)
            }
            Ordering::Equal => Ok(0),
            Ordering::Greater => Err(0),
        }
    }

    /// How many items are marked.
    pub(super) fn marked_len(&self) -> usize {
        self.marks.count_ones() as usize
    }

    pub(super) fn full(&self, at: usize) -> T::Full {
        self.items[at].full(self.base)
    }

    pub(super) fn is_marked(&self, at: usize) -> bool {
        self.marks >> at & 1 == 1
    }

    pub(super) fn set_mark(&mut self, at: usize, marked: bool) {
        self.marks = self.marks & !(1 << at) | u128::from(marked) << at;
    }

    /// Puts an item in where [`Chunk::find`] said. There must be room for it.
    pub(super) fn insert(&mut self, at: usize, item: T, marked: bool) {
        self.items.insert(at, item);
        let behind = (self.marks & !below(at)) << 1;
        self.marks = self.marks & below(at) | behind | u128::from(marked) << at;
    }

    /// Puts in what the base is made of, before all others: the chunk begins there.
    pub(super) fn insert_at_start(&mut self, full: &T::Full, marked: bool) {
        let item = T::pack(full, self.base).expect("what a base is made of can be packed");
        self.start = T::place_of(full);
        self.insert(0, item, marked);
    }

    /// Takes an item out. Answers whether it was marked.
    pub(super) fn remove(&mut self, at: usize) -> bool {
        let was_marked = self.is_marked(at);
        self.items.remove(at);
        let behind = self.marks >> 1 & !below(at);
        self.marks = self.marks & below(at) | behind;
        was_marked
    }

    /// Takes out all items from there on. At least one must be before and one behind.
    pub(super) fn split_off(&mut self, at: usize) -> Self {
        let items = self.items.split_off(at);
        let marks = self.marks >> at;
        self.marks &= below(at);
        Self {
            start: items[0].place(self.base),
            base: self.base,
            items,
            marks,
            found: Cell::default(),
        }
    }

    /// The same items on another base; `None` if that is too far away from one of them.
    pub(super) fn rebased(&self, base: T::Base) -> Option<Self> {
        let items = self.items.iter().map(|item| T::pack(&item.full(self.base), base));
        Some(Self {
            start: self.start,
            base,
            items: items.collect::<Option<_>>()?,
            marks: self.marks,
            found: Cell::default(),
        })
    }

    /// Takes in items of the same base that lie behind all others.
    pub(super) fn append(&mut self, mut other: Self) {
        self.marks |= other.marks << self.items.len();
        self.items.append(&mut other.items);
    }
}

/// The bits of the items before that one.
const fn below(at: usize) -> u128 {
    (1 << at) - 1
}
