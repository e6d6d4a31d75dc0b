//! A map that can be told as it was at one moment, piece by piece, while it goes on changing.
//!
//! What has not been told yet is set aside before it changes: its value of then, or that it was not
//! there. A walk costs memory for what changes ahead of it, and nothing once it has passed.
//!
//! # Invariants
//!
//! - A walk tells what the map held when it began: each entry once, in the order of the keys.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::ops::Deref;

/// What is told of a map while it changes.
#[derive(Clone, Debug)]
pub(crate) struct Walk<K, V> {
    /// The last key that is to be told: what comes behind it was not there.
    end: K,
    /// The last key that was told.
    told: Option<K>,
    /// Of the keys behind it that have changed, what they stood for when the walk began.
    changed: BTreeMap<K, Option<V>>,
}

impl<K: Ord + Clone, V: Clone> Walk<K, V> {
    /// A walk over a map with that last key.
    pub(crate) const fn to(end: K) -> Self {
        Self { end, told: None, changed: BTreeMap::new() }
    }

    /// The last key that was told.
    pub(crate) fn told(&self) -> Option<K> {
        self.told.clone()
    }

    /// A key is about to stand for something else than what it stands for now, which is `value`.
    pub(crate) fn set_aside(&mut self, key: &K, value: impl FnOnce() -> Option<V>) {
        let is_to_come = *key <= self.end && self.told.as_ref().is_none_or(|told| key > told);
        if is_to_come && !self.changed.contains_key(key) {
            self.changed.insert(key.clone(), value());
        }
    }

    /// Whether a key stands for something else by now.
    pub(crate) fn has_changed(&self, key: &K) -> bool {
        self.changed.contains_key(key)
    }

    /// The next entries, at most `count`; none, if it has come to its end. `now` is what the map has behind the
    /// last key that was told, but for the keys that have changed.
    pub(crate) fn next(&mut self, now: impl Iterator<Item = (K, V)>, count: usize) -> Vec<(K, V)> {
        let (changed, end) = (&self.changed, &self.end);
        let same = now.take_while(|(key, _)| key <= end);
        let before = changed.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
        let next: Vec<_> = merged(same, before).take(count).collect();
        if let Some((last, _)) = next.last() {
            self.changed = self.changed.split_off(last);
            self.changed.remove(last);
            self.told = Some(last.clone());
        }
        next
    }
}

/// An ordered map, and the walk that is under way. It reads like the map inside.
#[derive(Clone, Debug)]
pub(crate) struct Walked<K, V> {
    map: BTreeMap<K, V>,
    walk: Option<Box<Walk<K, V>>>,
}

impl<K: Ord + Clone, V: Clone> Walked<K, V> {
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.set_aside(&key);
        self.map.insert(key, value)
    }

    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if self.walk.is_some() {
            let (own, _) = self.map.get_key_value(key)?;
            self.set_aside(&own.clone());
        }
        self.map.remove(key)
    }

    /// The value of a key that is about to be changed.
    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if self.walk.is_some() {
            let (own, _) = self.map.get_key_value(key)?;
            self.set_aside(&own.clone());
        }
        self.map.get_mut(key)
    }

    fn set_aside(&mut self, key: &K) {
        if let Some(walk) = &mut self.walk {
            walk.set_aside(key, || self.map.get(key).cloned());
        }
    }

    /// Begins to tell what the map holds now.
    pub(crate) fn begin_walk(&mut self) {
        self.walk = self.map.last_key_value().map(|(end, _)| Box::new(Walk::to(end.clone())));
    }

    /// Ends a walk before its end.
    pub(crate) fn end_walk(&mut self) {
        self.walk = None;
    }

    /// The next entries, at most `count`. None: the walk has come to its end, or there is none.
    pub(crate) fn walk(&mut self, count: usize) -> Vec<(K, V)> {
        let Some(walk) = &mut self.walk else { return Vec::new() };
        let told = walk.told();
        let behind = (told.as_ref().map_or(Unbounded, Excluded), Unbounded);
        let same = self.map.range::<K, _>(behind).filter(|(key, _)| !walk.has_changed(key));
        let now: Vec<_> =
            same.take(count).map(|(key, value)| (key.clone(), value.clone())).collect();
        let next = walk.next(now.into_iter(), count);
        if next.is_empty() {
            self.walk = None;
        }
        next
    }
}

/// Two ordered runs of entries as one.
fn merged<K: Ord, V>(
    left: impl Iterator<Item = (K, V)>,
    right: impl Iterator<Item = (K, V)>,
) -> impl Iterator<Item = (K, V)> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    std::iter::from_fn(move || match (left.peek(), right.peek()) {
        (Some((one, _)), Some((other, _))) if other < one => right.next(),
        (Some(_), _) => left.next(),
        (None, _) => right.next(),
    })
}

impl<K, V> Default for Walked<K, V> {
    fn default() -> Self {
        Self { map: BTreeMap::new(), walk: None }
    }
}

impl<K, V> Deref for Walked<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.map
    }
}

/// What it holds counts, and not who is being told of it.
impl<K: PartialEq, V: PartialEq> PartialEq for Walked<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<K: Eq, V: Eq> Eq for Walked<K, V> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Changes that depend on nothing but the number of the step.
    fn change(map: &mut Walked<u64, u64>, step: u64) {
        let key = step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59;
        match step % 3 {
            0 => _ = map.insert(key, step),
            1 => _ = map.remove(&key),
            _ => map.get_mut(&key).into_iter().for_each(|value| *value += 1000),
        }
    }

    #[test]
    fn a_walk_tells_what_was_there_when_it_began_whatever_changes_meanwhile() {
        for seed in 0..200 {
            let mut map = Walked::default();
            (seed..seed + 60).for_each(|step| change(&mut map, step));
            let then: Vec<_> = map.iter().map(|(key, value)| (*key, *value)).collect();
            map.begin_walk();
            let (mut told, mut step) = (Vec::new(), 7 * seed);
            loop {
                let next = map.walk(1 + usize::try_from(seed % 4).unwrap());
                if next.is_empty() {
                    break;
                }
                told.extend(next);
                for _ in 0..seed % 5 {
                    step += 1;
                    change(&mut map, step);
                }
            }
            assert_eq!(told, then, "seed {seed}");
        }
    }

    #[test]
    fn after_a_walk_nothing_is_set_aside() {
        let mut map = Walked::default();
        map.insert(1, 1);
        map.begin_walk();
        map.walk(1);
        map.walk(1);
        map.insert(2, 2);
        assert!(map.walk.is_none());
        assert_eq!(map.walk(1), []);
    }
}
