//! Bodies that rot: each costs itself and nothing else, and a torn tail is never taken for one.

use std::sync::Arc;

use longshore_storage::{
    BodyKey, Lsn, OpenError, ReadError, Store,
    disk::{FaultyDisk, PowerCut},
};

use crate::kit::{Bench, FIRST_SEGMENT, small, verify};

const BYTES: usize = 600;

fn body(key: u64) -> Vec<u8> {
    vec![u8::try_from(key).unwrap(); BYTES]
}

/// The segment, and where in it the body of that key begins.
fn place(disk: &FaultyDisk, key: u64) -> (String, usize) {
    let found = disk.names().into_iter().filter(|name| name.starts_with("segment-"));
    let mut places = found.filter_map(|name| {
        let at = disk.contents(&name).windows(BYTES).position(|bytes| bytes == body(key))?;
        Some((name, at))
    });
    places.next().expect("the body is there")
}

fn flip_body(disk: &FaultyDisk, key: u64) {
    let (name, at) = place(disk, key);
    disk.flip_bit(&name, (at + BYTES / 2) * 8);
}

/// Opens the store, and compares which records and which bodies are there.
fn check(disk: &FaultyDisk, last: u64, rotten: &[u64]) {
    let bench = Bench::open(disk, small()).unwrap();
    assert_eq!(bench.recovered.last, Lsn(last));
    let found: Vec<_> = bench.recovered.quarantined.iter().map(|body| body.key.0).collect();
    assert_eq!(found, rotten);
    for key in 1..=last {
        let read = bench.store.read(BodyKey(key)).ok().flatten();
        let wanted = (!rotten.contains(&key)).then(|| body(key));
        assert_eq!(read.map(|body| body.to_vec()), wanted, "{key}");
    }
}

/// A store whose records were each durable before the next one was written, and the process then killed.
fn killed(records: u64) -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=records {
        assert!(bench.wait_durable(bench.append_body(key, &body(key)).unwrap()));
    }
    disk.kill(1)
}

#[test]
fn c4_a_rotten_body_before_a_later_batch_costs_itself_and_the_store_opens() {
    let disk = killed(3);
    flip_body(&disk, 2);
    assert_eq!(verify(&disk).unwrap().quarantined.len(), 1);
    check(&disk, 3, &[2]);
    check(&disk, 3, &[2]);
}

#[test]
fn a_rotten_body_in_the_last_batch_that_nothing_vouches_for_is_a_torn_tail() {
    let disk = killed(3);
    flip_body(&disk, 3);
    check(&disk, 2, &[]);
}

#[test]
fn a_body_that_a_power_cut_left_torn_is_cut_off_with_its_record() {
    for seed in 0..200 {
        let disk = FaultyDisk::new(seed);
        let bench = Bench::open(&disk, small()).unwrap();
        assert!(bench.wait_durable(bench.append_body(1, &body(1)).unwrap()));
        disk.hold_syncs(FIRST_SEGMENT);
        let unsynced = bench.append_body(2, &body(2)).unwrap();
        bench.wait(|progress| progress.written >= unsynced);
        let left = disk.power_cut(PowerCut::TornWrites, seed);
        disk.release_syncs();
        let bench = Bench::open(&left, small()).unwrap();
        assert!(bench.recovered.quarantined.is_empty(), "seed {seed}");
        let is_there = bench.store.read(BodyKey(2)).unwrap();
        assert_eq!(is_there.is_some(), bench.recovered.last == unsynced, "seed {seed}");
    }
}

#[test]
fn a_rotten_body_in_the_last_batch_of_an_orderly_close_is_known_to_have_been_synced() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=3 {
        bench.append_body(key, &body(key)).unwrap();
    }
    bench.store.close().unwrap();
    flip_body(&disk, 3);
    check(&disk, 3, &[3]);
}

#[test]
fn the_manifest_alone_vouches_for_the_last_batch_and_rot_is_not_written_again() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=3 {
        bench.append_body(key, &body(key)).unwrap();
    }
    bench.store.close().unwrap();
    // The batch of the close that vouches is gone, as if there had been no room for it.
    let (name, at) = place(&disk, 3);
    let mut bytes = disk.contents(&name);
    bytes[(at + BYTES).next_multiple_of(8)..].fill(0);
    disk.set_contents(&name, bytes);
    flip_body(&disk, 3);
    let rotten = disk.contents(&name)[at..at + BYTES].to_vec();
    check(&disk, 3, &[3]);
    assert_eq!(disk.contents(&name)[at..at + BYTES], rotten);
}

#[test]
fn a_rotten_body_at_the_end_of_a_segment_is_vouched_for_by_the_next_one() {
    let disk = killed(9);
    for key in 1..=8 {
        let copy = disk.copy();
        flip_body(&copy, key);
        check(&copy, 9, &[key]);
    }
}

#[test]
fn several_rotten_bodies_of_one_record_and_of_many_cost_themselves() {
    let disk = killed(9);
    for key in [2, 3, 8] {
        flip_body(&disk, key);
    }
    let (name, at) = place(&disk, 5);
    let mut bytes = disk.contents(&name);
    bytes[at..at + BYTES].fill(0);
    disk.set_contents(&name, bytes);
    check(&disk, 9, &[2, 3, 5, 8]);
}

#[test]
fn a_rotten_header_of_a_body_is_damage_that_names_the_place() {
    let disk = killed(3);
    let (name, at) = place(&disk, 2);
    for byte in at - 16..at {
        let copy = disk.copy();
        copy.flip_bit(&name, byte * 8);
        let refused = Bench::open(&copy, small()).err().expect("it is not proven to be right");
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused}");
        assert!(refused.to_string().contains(&name), "{refused}");
    }
}

#[test]
fn a_body_that_rots_while_the_store_is_open_is_named_once_and_counted_until_it_is_released() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=3 {
        assert!(bench.wait_durable(bench.append_body(key, &body(key)).unwrap()));
    }
    flip_body(&disk, 2);
    let is_new = |expected| {
        let refused = bench.store.read(BodyKey(2)).unwrap_err();
        assert!(matches!(refused, ReadError::Damaged { is_new, .. } if is_new == expected));
    };
    is_new(true);
    is_new(false);
    assert_eq!(bench.store.read(BodyKey(3)).unwrap().unwrap(), body(3));
    assert_eq!(bench.store.usage().quarantined, 1);
    bench.store.release(BodyKey(2));
    assert_eq!(bench.store.usage().quarantined, 0);
    assert!(bench.store.read(BodyKey(2)).unwrap().is_none());
}

#[test]
fn a_body_that_a_later_read_finds_whole_is_no_longer_in_quarantine() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_body(2, &body(2)).unwrap()));
    flip_body(&disk, 2);
    let (name, at) = (FIRST_SEGMENT, disk.contents(FIRST_SEGMENT));
    let at = at.windows(64).position(|bytes| bytes == [2; 64]).unwrap();
    bench.store.read(BodyKey(2)).unwrap_err();
    disk.flip_bit(name, (at + BYTES / 2) * 8);
    assert_eq!(bench.store.read(BodyKey(2)).unwrap().unwrap(), body(2));
    assert_eq!(bench.store.usage().quarantined, 0);
}

#[test]
fn rot_that_nobody_wants_any_more_is_seen_by_verify_and_refuses_nothing() {
    let disk = killed(3);
    flip_body(&disk, 2);
    let opened = Store::open(Arc::new(disk), small(), &mut |lsn, _, released| {
        if lsn == Lsn(3) {
            released.push(BodyKey(2));
        }
        Ok(())
    });
    let (store, recovered) = opened.unwrap();
    assert!(recovered.quarantined.is_empty());
    assert_eq!(store.usage().quarantined, 0);
}
