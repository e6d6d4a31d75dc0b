//! Which chunks there are, in order: groups of up to 256 of them.
//!
//! A tree of three levels, the leaves being the items: a look-up is three searches in arrays that lie close, and one in a
//! short queue none. What is searched for is apart from the chunks, so that few lines of memory are read. What a
//! look-up finds is an index, so that what was found can be changed without searching again.
//!
//! # Invariants
//!
//! - A group has chunks, and of each its start and how many marked items it has.

use std::cell::Cell;

use super::Item;
use super::chunk::Chunk;

/// How many chunks a group has at most.
const GROUP: usize = 256;

/// Chunks side by side; of each, at the same index, where it starts and how many of its items are marked.
#[derive(Clone, Debug)]
struct Group<T: Item> {
    starts: Vec<T::Place>,
    marked: Vec<usize>,
    chunks: Vec<Chunk<T>>,
    marked_len: usize,
}

impl<T: Item> Group<T> {
    fn of(chunk: Chunk<T>) -> Self {
        let marked_len = chunk.marked_len();
        Self {
            starts: vec![chunk.start],
            marked: vec![marked_len],
            chunks: vec![chunk],
            marked_len,
        }
    }

    fn start(&self) -> T::Place {
        self.starts[0]
    }

    fn insert(&mut self, at: usize, chunk: Chunk<T>) {
        self.marked_len += chunk.marked_len();
        self.starts.insert(at, chunk.start);
        self.marked.insert(at, chunk.marked_len());
        self.chunks.insert(at, chunk);
    }

    fn remove(&mut self, at: usize) {
        self.starts.remove(at);
        self.marked_len -= self.marked.remove(at);
        self.chunks.remove(at);
        let len = self.chunks.len();
        if len.is_power_of_two() {
            self.starts.shrink_to(2 * len);
            self.marked.shrink_to(2 * len);
            self.chunks.shrink_to(2 * len);
        }
    }

    /// Takes out all chunks from there on.
    fn split_off(&mut self, at: usize) -> Self {
        let marked = self.marked.split_off(at);
        let marked_len = marked.iter().sum();
        self.marked_len -= marked_len;
        let (starts, chunks) = (self.starts.split_off(at), self.chunks.split_off(at));
        Self { starts, marked, chunks, marked_len }
    }

    fn append(&mut self, mut other: Self) {
        self.starts.append(&mut other.starts);
        self.marked.append(&mut other.marked);
        self.chunks.append(&mut other.chunks);
        self.marked_len += other.marked_len;
    }

    fn marked(&self) -> impl Iterator<Item = &Chunk<T>> {
        let marked = self.marked.iter().enumerate().filter(|(_, count)| **count > 0);
        marked.map(|(at, _)| &self.chunks[at])
    }
}

/// Where a chunk is, until chunks come or go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct At {
    group: usize,
    chunk: usize,
}

/// All chunks.
#[derive(Clone, Debug)]
pub(super) struct Directory<T: Item> {
    groups: Vec<Group<T>>,
    /// Where something was found last: whoever looks for a message mostly looks for it again at once, and then for one
    /// beside it. It may have become wrong since, and so is tried before it is believed.
    last: Cell<At>,
}

impl<T: Item> Default for Directory<T> {
    fn default() -> Self {
        Self { groups: Vec::new(), last: Cell::default() }
    }
}

impl<T: Item> Directory<T> {
    /// The chunk in which a place is, or would be. `None`: it is before all of them.
    pub(super) fn home(&self, place: T::Place) -> Option<At> {
        if self.is_home(self.last.get(), place) {
            return Some(self.last.get());
        }
        let group = last_up_to(&self.groups, place, Group::start)?;
        let chunk = last_up_to(&self.groups[group].starts, place, |start| *start)?;
        self.last.set(At { group, chunk });
        Some(self.last.get())
    }

    /// Whether there is a chunk at `at`, and that place is in it or would be.
    fn is_home(&self, at: At, place: T::Place) -> bool {
        let Some(starts) = self.groups.get(at.group).map(|group| &group.starts) else {
            return false;
        };
        let begins_before = starts.get(at.chunk).is_some_and(|start| *start <= place);
        let next = starts.get(at.chunk + 1).copied();
        let next = next.or_else(|| self.groups.get(at.group + 1).map(Group::start));
        begins_before && next.is_none_or(|next| place < next)
    }

    pub(super) fn chunk(&self, at: At) -> &Chunk<T> {
        &self.groups[at.group].chunks[at.chunk]
    }

    pub(super) fn chunk_mut(&mut self, at: At) -> &mut Chunk<T> {
        &mut self.groups[at.group].chunks[at.chunk]
    }

    pub(super) fn first(&self) -> Option<At> {
        (!self.groups.is_empty()).then_some(At { group: 0, chunk: 0 })
    }

    pub(super) fn next(&self, at: At) -> Option<At> {
        if at.chunk + 1 < self.groups[at.group].chunks.len() {
            return Some(At { chunk: at.chunk + 1, ..at });
        }
        (at.group + 1 < self.groups.len()).then(|| At { group: at.group + 1, chunk: 0 })
    }

    pub(super) fn before(&self, at: At) -> Option<At> {
        if at.chunk > 0 {
            return Some(At { chunk: at.chunk - 1, ..at });
        }
        let group = at.group.checked_sub(1)?;
        Some(At { group, chunk: self.groups[group].chunks.len() - 1 })
    }

    /// So many items of a chunk are marked that were not.
    pub(super) fn count_marked(&mut self, at: At, count: usize) {
        let group = &mut self.groups[at.group];
        group.marked[at.chunk] += count;
        group.marked_len += count;
    }

    /// So many marked items of a chunk are marked no more, or gone.
    pub(super) fn uncount_marked(&mut self, at: At, count: usize) {
        let group = &mut self.groups[at.group];
        group.marked[at.chunk] -= count;
        group.marked_len -= count;
    }

    /// Puts a chunk in behind another, or before all.
    pub(super) fn insert_behind(&mut self, at: Option<At>, chunk: Chunk<T>) {
        if self.groups.is_empty() {
            return self.groups.push(Group::of(chunk));
        }
        let (group, place) = at.map_or((0, 0), |at| (at.group, at.chunk + 1));
        if self.groups[group].chunks.len() < GROUP {
            self.groups[group].insert(place, chunk);
        } else if place == GROUP {
            self.groups.insert(group + 1, Group::of(chunk));
        } else {
            self.split(group);
            let behind = place > GROUP / 2;
            let place = if behind { place - GROUP / 2 } else { place };
            self.groups[group + usize::from(behind)].insert(place, chunk);
        }
    }

    fn split(&mut self, group: usize) {
        let behind = self.groups[group].split_off(GROUP / 2);
        self.groups.insert(group + 1, behind);
    }

    /// Has the first chunk be another, which may begin earlier.
    pub(super) fn replace_first(&mut self, chunk: Chunk<T>) {
        let Some(group) = self.groups.first_mut() else { return };
        group.starts[0] = chunk.start;
        group.chunks[0] = chunk;
    }

    /// Takes a chunk out.
    pub(super) fn remove(&mut self, at: At) {
        let group = &mut self.groups[at.group];
        group.remove(at.chunk);
        if group.chunks.is_empty() {
            self.groups.remove(at.group);
        } else {
            self.gather(at.group);
        }
    }

    /// Has a group that has lost many chunks join one beside it.
    fn gather(&mut self, group: usize) {
        if self.groups[group].chunks.len() > GROUP / 8 {
            return;
        }
        let len = |group: usize| self.groups.get(group).map_or(GROUP, |group| group.chunks.len());
        if len(group + 1) <= GROUP / 2 {
            self.join(group);
        } else if group > 0 && len(group - 1) <= GROUP / 2 {
            self.join(group - 1);
        }
    }

    /// Makes one group of one and the next.
    fn join(&mut self, group: usize) {
        let next = self.groups.remove(group + 1);
        self.groups[group].append(next);
    }

    /// All chunks in order.
    pub(super) fn chunks(&self) -> impl DoubleEndedIterator<Item = &Chunk<T>> {
        self.groups.iter().flat_map(|group| group.chunks.iter())
    }

    /// The chunks from that one on.
    pub(super) fn chunks_from(&self, at: At) -> impl Iterator<Item = &Chunk<T>> {
        let rest = self.groups[at.group + 1..].iter().flat_map(|group| group.chunks.iter());
        self.groups[at.group].chunks[at.chunk..].iter().chain(rest)
    }

    /// The chunks that have marked items.
    pub(super) fn marked(&self) -> impl Iterator<Item = &Chunk<T>> {
        self.groups.iter().filter(|group| group.marked_len > 0).flat_map(Group::marked)
    }

    #[cfg(test)]
    pub(super) fn assert_in_order(&self) {
        let mut before = None;
        for group in &self.groups {
            assert!(group.starts.iter().copied().eq(group.chunks.iter().map(|chunk| chunk.start)));
            assert!(group.marked.iter().copied().eq(group.chunks.iter().map(Chunk::marked_len)));
            assert_eq!(group.marked_len, group.marked.iter().sum::<usize>());
            assert!(group.chunks.len() <= GROUP);
            for chunk in &group.chunks {
                let first = chunk.items.front().expect("a chunk has items").place(chunk.base);
                let last = chunk.items.back().expect("a chunk has items").place(chunk.base);
                assert!(before.is_none_or(|before| before < chunk.start) && chunk.start <= first);
                before = Some(last);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }
}

/// The last of these that begins at a place or before it. The ends are looked at first: most of what comes belongs to
/// the last, and most of what goes to the first.
fn last_up_to<G, P: Ord + Copy>(all: &[G], place: P, start: impl Fn(&G) -> P) -> Option<usize> {
    let last = all.len().checked_sub(1)?;
    if start(&all[last]) <= place {
        return Some(last);
    }
    if last > 1 && start(&all[1]) > place {
        return (start(&all[0]) <= place).then_some(0);
    }
    all[..last].partition_point(|each| start(each) <= place).checked_sub(1)
}
