//! Chunks beside a plain map: whatever is put in, taken out and marked, both hold the same in the same order.

use std::collections::BTreeMap;

use longshore_types::Timestamp;

use super::*;
use crate::MessageKey;

type Model = BTreeMap<(Timestamp, MessageKey), bool>;

fn spot(time: u64, key: u64) -> (Timestamp, MessageKey) {
    (Timestamp::from_millis(time), MessageKey::new(key))
}

/// A number that depends on nothing but these.
fn drawn(seed: u64, step: u64) -> u64 {
    let mixed = (seed * 1000 + step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20
}

fn change(chunks: &mut Chunks<Spot>, model: &mut Model, number: u64, far: bool) {
    let reach = if far { u64::MAX / 300 } else { 7 };
    let place = spot(number % 300 * reach, number / 7 % 5);
    match number / 300 % 5 {
        0..=1 => {
            let is_new = !model.contains_key(&place);
            model.entry(place).or_insert(number.is_multiple_of(2));
            assert_eq!(chunks.insert(&place, number.is_multiple_of(2)), is_new);
        }
        2..=3 => {
            let removed = chunks.remove(place);
            assert_eq!(removed, model.remove(&place).map(|mark| (place, mark)));
        }
        _ => {
            let before = model.get(&place).copied();
            model.entry(place).and_modify(|mark| *mark = number % 2 == 1);
            assert_eq!(chunks.set_mark(place, number % 2 == 1), before);
        }
    }
}

fn assert_same(chunks: &Chunks<Spot>, model: &Model, place: (Timestamp, MessageKey)) {
    let marked = model.iter().filter(|(_, mark)| **mark).map(|(place, _)| *place);
    assert!(chunks.iter().eq(model.keys().copied()));
    assert!(chunks.iter().rev().eq(model.keys().rev().copied()));
    assert!(chunks.marked().eq(marked.clone()));
    assert_eq!((chunks.len(), chunks.marked_len()), (model.len(), marked.count()));
    assert_eq!(chunks.get_with_mark(place), model.get(&place).map(|mark| (place, *mark)));
    assert!(chunks.from(place).eq(model.range(place..).map(|(place, _)| *place)));
    let behind = (std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded);
    assert!(chunks.after(Some(place)).eq(model.range(behind).map(|(place, _)| *place)));
    assert_eq!(chunks.first(), model.keys().next().copied());
    assert_eq!(chunks.last(), model.keys().next_back().copied());
}

#[test]
fn chunks_are_a_set_whatever_is_put_in_and_taken_out() {
    for seed in 0..60 {
        let (mut chunks, mut model) = (Chunks::default(), Model::new());
        for step in 0..3000 {
            change(&mut chunks, &mut model, drawn(seed, step), seed % 3 == 0);
            if step % 100 == 0 {
                let number = drawn(seed, step);
                assert_same(&chunks, &model, spot(number % 2100, number % 5));
            }
        }
        chunks.directory.assert_in_order();
    }
}

#[test]
fn how_items_lie_in_chunks_makes_no_difference() {
    let mut upwards = Chunks::<Spot>::default();
    let mut downwards = Chunks::<Spot>::default();
    (0..1000).for_each(|key| _ = upwards.insert(&spot(key, key), key % 3 == 0));
    (0..1000).rev().for_each(|key| _ = downwards.insert(&spot(key, key), key % 3 == 0));
    assert_eq!(upwards, downwards);
    downwards.set_mark(spot(3, 3), false);
    assert_ne!(upwards, downwards);
}

fn capacity(chunks: &Chunks<Spot>) -> usize {
    chunks.directory.chunks().map(|chunk| chunk.items.capacity()).sum()
}

#[test]
fn what_comes_in_order_fills_its_chunks() {
    let mut chunks = Chunks::<Spot>::default();
    (0..100_000).for_each(|key| _ = chunks.insert(&spot(key / 9, key), true));
    assert_eq!(chunks.directory.chunks().count(), 100_000_usize.div_ceil(CHUNK));
    assert!(capacity(&chunks) <= 100_000 + CHUNK, "{}", capacity(&chunks));
}

#[test]
fn what_is_taken_out_of_the_middle_gives_its_memory_back() {
    let mut chunks = Chunks::<Spot>::default();
    (0..100_000).for_each(|key| _ = chunks.insert(&spot(key, key), true));
    for key in (0..100_000).filter(|key| key % 100 != 0) {
        chunks.remove(spot(key, key));
    }
    assert_eq!(chunks.len(), 1000);
    let count = chunks.directory.chunks().count();
    assert!(count <= 1000 / (CHUNK / 8), "{count}");
    chunks.directory.assert_in_order();
    assert!(capacity(&chunks) <= 4 * 1000, "{}", capacity(&chunks));
}

#[test]
fn many_chunks_are_kept_in_few_groups_whatever_comes_and_goes() {
    let mut chunks = Chunks::<Spot>::default();
    let place = |number: u64| spot(number * 7_919 % 200_000, number);
    (0..200_000).for_each(|number| _ = chunks.insert(&place(number), number % 50 == 0));
    chunks.directory.assert_in_order();
    assert!(chunks.directory.groups() < 40, "{}", chunks.directory.groups());
    for number in (0..200_000).filter(|number| number % 40 != 0) {
        assert!(chunks.remove(place(number)).is_some());
    }
    chunks.directory.assert_in_order();
    assert_eq!((chunks.len(), chunks.marked().count()), (5000, 1000));
    assert!(chunks.directory.groups() <= 3, "{}", chunks.directory.groups());
}
