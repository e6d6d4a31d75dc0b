//! Salvaging a store with checkpoints, whole and damaged.

use std::{collections::BTreeSet, sync::Arc};

use longshore_storage::{BodyKey, Disk, Salvaged, disk::FaultyDisk, salvage};

use super::{
    book::{Book, Keeper, body},
    work,
};
use crate::kit::small;

/// A closed store with a checkpoint and records after it, and what is live in it.
fn closed() -> (FaultyDisk, BTreeSet<u64>) {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 0);
    keeper.store.close().unwrap();
    (disk, keeper.live)
}

fn salvaged(disk: &FaultyDisk, book: &mut Book) -> Salvaged {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    salvage(&disk, book, &mut |_, _| ()).unwrap()
}

#[test]
fn a_checkpoint_and_the_records_after_it_are_salvaged_with_all_bodies() {
    let (disk, live) = closed();
    let mut book = Book::default();
    let found = salvaged(&disk, &mut book);
    assert_eq!((&book.live, found.loss_count), (&live, 0));
    for key in live {
        assert_eq!(found.read(BodyKey(key)).unwrap(), body(key));
    }
}

#[test]
fn of_two_damaged_checkpoints_the_one_that_is_left_is_taken_and_that_is_said() {
    let (disk, live) = closed();
    disk.flip_bit("checkpoint-a", 100 * 8);
    let mut book = Book::lenient();
    let found = salvaged(&disk, &mut book);
    assert!(found.losses.iter().any(|loss| loss.contains("another one is used")), "{found:?}");
    let readable = |key: &u64| found.read(BodyKey(*key)).is_ok_and(|found| found == body(*key));
    assert!(live.iter().all(|key| book.live.contains(key) && readable(key)), "{:?}", book.live);
    drop(found);

    disk.flip_bit("checkpoint-b", 100 * 8);
    let found = salvaged(&disk, &mut Book::lenient());
    assert!(found.losses.iter().any(|loss| loss.contains("there is no other")), "{found:?}");
}
