//! Rotten bodies, and what checkpoints and the mover do with them.

use longshore_storage::{BodyKey, ReadError, disk::FaultyDisk};

use super::book::{Keeper, Op, body, verify};
use crate::kit::small;

/// Flips a bit of each copy of a body that is on the disk.
fn flip_body(disk: &FaultyDisk, key: u64) {
    let body = body(key);
    for name in disk.names().iter().filter(|name| name.starts_with("segment-")) {
        let bytes = disk.contents(name);
        if let Some(at) = bytes.windows(body.len()).position(|bytes| bytes == body) {
            disk.flip_bit(name, (at + 100) * 8);
        }
    }
}

/// Reads all that is live, and answers the keys of what is refused.
fn refused(keeper: &Keeper) -> Vec<u64> {
    let is_refused = |key: &u64| match keeper.store.read(BodyKey(*key)) {
        Ok(found) => {
            assert_eq!(found, Some(body(*key)));
            false
        }
        Err(error) => {
            assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
            true
        }
    };
    keeper.live.iter().copied().filter(is_refused).collect()
}

/// Sends 60, and writes checkpoints until the first of them are in segments that are not replayed.
fn long_kept() -> (FaultyDisk, Keeper) {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    for key in 1..=60 {
        let lsn = keeper.append(Op::Sent(key)).unwrap();
        assert!(keeper.wait(lsn));
    }
    keeper.checkpoint(|_| ()).unwrap();
    (disk, keeper)
}

#[test]
fn c4_a_body_that_rots_behind_the_checkpoint_costs_itself_when_it_is_read() {
    let (disk, keeper) = long_kept();
    keeper.store.close().unwrap();
    drop(keeper);
    flip_body(&disk, 5);
    let report = verify(&disk).unwrap();
    assert!(report.damage.is_none());
    assert_eq!((report.rotten, report.quarantined.len()), (1, 1));
    assert_eq!(report.quarantined[0].key, BodyKey(5));
    for _ in 0..2 {
        let mut keeper = Keeper::open(&disk, small()).unwrap();
        assert!(keeper.recovered.quarantined.is_empty(), "that part of the log is not read");
        assert_eq!(refused(&keeper), [5]);
        keeper.checkpoint(|_| ()).unwrap();
        keeper.store.close().unwrap();
    }
}

#[test]
fn a_body_that_rots_in_the_part_that_the_checkpoint_has_and_that_is_read_again_is_found() {
    let (disk, mut keeper) = long_kept();
    let lsn = keeper.append(Op::Sent(61)).unwrap();
    assert!(keeper.wait(lsn));
    keeper.store.close().unwrap();
    drop(keeper);
    for key in [60, 61] {
        let copy = disk.copy();
        flip_body(&copy, key);
        let keeper = Keeper::open(&copy, small()).unwrap();
        let found: Vec<_> = keeper.recovered.quarantined.iter().map(|body| body.key.0).collect();
        assert_eq!(found, [key]);
        assert_eq!(refused(&keeper), [key]);
    }
}

/// Sends 800, and deletes all but each fortieth and 401: they lie in twenty segments.
fn scattered() -> (FaultyDisk, Keeper) {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    for key in 1..=800 {
        let lsn = keeper.append(Op::Sent(key)).unwrap();
        assert!(keeper.wait(lsn));
    }
    for key in (1..=800).filter(|key| key % 40 > 0 && *key != 401) {
        keeper.append(Op::Deleted(key)).unwrap();
    }
    (disk, keeper)
}

/// Moves and checkpoints as long as it pays, and answers how many bodies were moved.
fn move_all(keeper: &mut Keeper) -> usize {
    let mut moved = 0;
    while keeper.store.is_checkpoint_due() {
        keeper.checkpoint(|_| ()).unwrap();
        loop {
            let count = keeper.move_bodies();
            moved += count;
            if count == 0 {
                break;
            }
        }
    }
    moved
}

#[test]
fn a_rotten_body_is_not_moved_on_and_its_neighbours_are() {
    let (disk, mut keeper) = scattered();
    flip_body(&disk, 401);
    for _ in 0..30 {
        move_all(&mut keeper);
    }
    assert_eq!(keeper.store.usage().quarantined, 0, "the mover has nobody to name it to");
    assert_eq!(refused(&keeper), [401]);
    let segments = keeper.store.usage().segments;
    keeper.append(Op::Deleted(401)).unwrap();
    keeper.checkpoint(|_| ()).unwrap();
    assert_eq!(keeper.store.usage().segments, segments - 1, "it alone kept its segment");
    keeper.check_bodies().unwrap();
}

#[test]
fn a_body_that_rots_after_it_was_moved_is_found_at_its_new_place() {
    let (disk, mut keeper) = scattered();
    assert!(move_all(&mut keeper) > 5);
    keeper.store.close().unwrap();
    drop(keeper);
    for key in [40, 80, 120] {
        let copy = disk.copy();
        flip_body(&copy, key);
        assert_eq!(verify(&copy).unwrap().quarantined.len(), 1);
        let keeper = Keeper::open(&copy, small()).unwrap();
        assert_eq!(refused(&keeper), [key]);
    }
}
