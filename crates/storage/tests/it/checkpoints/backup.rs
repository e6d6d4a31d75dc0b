//! Copies of a store that is open: each is what a kill at some moment since its beginning would have left.

use longshore_storage::{BackupError, OpenError, Report, Watch, backup};

use super::*;

/// Whoever makes a copy, and does something else after each segment.
struct Copying<'a> {
    copy: &'a FaultyDisk,
    meanwhile: &'a mut dyn FnMut(usize),
}

impl Watch for Copying<'_> {
    fn copied(&mut self, segments: usize) {
        (self.meanwhile)(segments);
    }

    fn verify(&mut self) -> Result<Report, OpenError> {
        verify(self.copy)
    }
}

fn copy_of(from: &FaultyDisk, meanwhile: &mut dyn FnMut(usize)) -> Result<FaultyDisk, BackupError> {
    let copy = FaultyDisk::new(99);
    backup(from, &copy, &mut Copying { copy: &copy, meanwhile })?;
    Ok(copy)
}

#[test]
fn a_copy_has_all_that_was_durable_when_it_was_begun() {
    for seed in 0..12 {
        let disk = FaultyDisk::new(seed);
        let mut keeper = Keeper::open(&disk, small()).unwrap();
        for round in 0..=seed % 4 {
            work(&mut keeper, 1 + 1000 * round);
        }
        let durable = keeper.store.progress().durable;
        let mut key = 100_000;
        let copy = copy_of(&disk, &mut |_| {
            for _ in 0..5 {
                key += 1;
                step(&mut keeper, key);
            }
        });
        let copied = check(&copy.unwrap(), &keeper, durable).unwrap();
        copied.check_bodies().unwrap();
        keeper.check_bodies().unwrap();
    }
}

#[test]
fn a_copy_of_a_log_that_is_written_to_all_the_time_is_whole() {
    let disk = FaultyDisk::new(5);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 1);
    let done = AtomicBool::new(false);
    let durable = AtomicU64::new(keeper.store.progress().durable.0);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut key = 1000;
            while !done.load(Ordering::SeqCst) {
                key += 1;
                step(&mut keeper, key);
                durable.store(keeper.store.progress().durable.0, Ordering::SeqCst);
            }
            keeper
        });
        let copies: Vec<_> = (0..20)
            .map(|_| (durable.load(Ordering::SeqCst), copy_of(&disk, &mut |_| ()).unwrap()))
            .collect();
        done.store(true, Ordering::SeqCst);
        let keeper = writer.join().unwrap();
        for (durable, copy) in copies {
            check(&copy, &keeper, Lsn(durable)).unwrap().check_bodies().unwrap();
        }
    });
}

#[test]
fn no_checkpoint_takes_the_place_of_the_one_that_is_copied() {
    let disk = FaultyDisk::new(8);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 1);
    let durable = keeper.store.progress().durable;
    let (mut key, mut held) = (5000, 0);
    let copy = copy_of(&disk, &mut |_| {
        for _ in 0..20 {
            key += 1;
            step(&mut keeper, key);
        }
        assert!(keeper.store.is_held());
        held += usize::from(matches!(keeper.checkpoint(|_| ()), Err(CheckpointError::Held)));
    });
    assert!(held > 0);
    check(&copy.unwrap(), &keeper, durable).unwrap().check_bodies().unwrap();
    assert!(!keeper.store.is_held(), "the copy is made: a checkpoint can be too");
    keeper.checkpoint(|_| ()).unwrap();
    keeper.check_bodies().unwrap();
}

#[test]
fn a_copy_that_was_cut_short_is_no_store() {
    let disk = FaultyDisk::new(3);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 1);
    let whole = copy_of(&disk, &mut |_| ()).unwrap();
    for nth in 1..=whole.changes() {
        let copy = FaultyDisk::new(nth);
        copy.power_off_at(nth);
        let made = backup(&disk, &copy, &mut Copying { copy: &copy, meanwhile: &mut |_| () });
        let left = copy.power_cut(PowerCut::SomeWrites, nth);
        let has_segments = left.names().iter().any(|name| name.starts_with("segment"));
        match Keeper::open(&left, small()) {
            Ok(opened) if made.is_err() && !has_segments => assert!(opened.live.is_empty()),
            Ok(opened) => assert_eq!(opened.live, keeper.live, "cut at {nth}"),
            Err(refused) => {
                assert!(made.is_err(), "cut at {nth}: {refused}");
                assert!(matches!(refused, OpenError::Missing { .. }), "cut at {nth}: {refused}");
            }
        }
    }
}

#[test]
fn what_is_damaged_is_not_copied_as_if_it_were_whole() {
    let disk = FaultyDisk::new(4);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 1);
    let mut refused = 0;
    let segments: Vec<String> =
        disk.names().into_iter().filter(|name| name.starts_with("segment")).collect();
    for name in segments {
        let Some(batch) = disk.contents(&name).windows(4).position(|four| four == b"LSbt") else {
            continue;
        };
        let damaged = || {
            let damaged = disk.kill(1);
            damaged.flip_bit(&name, 8 * (batch + 8));
            damaged
        };
        let whole = verify(&damaged()).unwrap().damage.is_none();
        let copy = FaultyDisk::new(7);
        let copied =
            backup(&damaged(), &copy, &mut Copying { copy: &copy, meanwhile: &mut |_| () });
        assert_eq!(copied.is_ok(), whole, "{name}: {copied:?}");
        let opened = Keeper::open(&copy, small()).map(drop);
        assert_eq!(opened.is_ok(), whole, "{name}: {opened:?}");
        refused += usize::from(!whole);
    }
    assert!(refused > 1);
}

#[test]
fn a_place_that_is_taken_and_one_that_has_nothing_are_refused() {
    let disk = FaultyDisk::new(2);
    let refused = copy_of(&disk, &mut |_| ()).unwrap_err();
    assert!(matches!(refused, BackupError::NoStore { .. }), "{refused}");
    drop(Keeper::open(&disk, small()).unwrap());
    let copy = copy_of(&disk, &mut |_| ()).unwrap();
    let again = backup(&disk, &copy, &mut Copying { copy: &copy, meanwhile: &mut |_| () });
    assert!(matches!(again, Err(BackupError::NotEmpty { .. })));
}
