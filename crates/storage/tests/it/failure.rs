//! A write or a sync that fails: nothing is acknowledged after it.

use std::{io::ErrorKind, sync::Arc};

use longshore_storage::{
    CloseError, Lsn, Purpose, Record, ReserveError, Store,
    disk::{FaultyDisk, Operation, PowerCut},
};

use crate::kit::{Bench, small};

/// Appends and waits, one record at a time, until the store is poisoned or 40 are durable.
fn run(bench: &Bench) -> Lsn {
    for i in 0..40u8 {
        match bench.append_events(&[i; 150]) {
            Ok(lsn) if bench.wait_durable(lsn) => {}
            Ok(_) | Err(_) => break,
        }
    }
    bench.store.progress().durable
}

fn poisons(operation: Operation, nth: u64) -> bool {
    let disk = FaultyDisk::new(nth);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.fail(operation, nth, ErrorKind::Other);
    let durable = run(&bench);
    if durable == Lsn(40) {
        return false;
    }
    assert!(bench.store.progress().poisoned);
    assert_eq!(bench.store.reserve(1, Purpose::Shrink).err(), Some(ReserveError::Poisoned));
    assert_eq!(bench.store.close(), Err(CloseError::Poisoned));
    assert_eq!(bench.store.progress().durable, durable, "nothing is durable after it");
    assert!(bench.reports().last().unwrap().poisoned);
    drop(bench);
    let left = Bench::open(&disk.power_cut(PowerCut::Nothing, nth), small()).unwrap();
    assert!(left.recovered.last >= durable);
    true
}

#[test]
fn a_sync_that_fails_poisons_the_store_whichever_it_is() {
    let poisoned = (1..60).filter(|nth| poisons(Operation::Sync, *nth)).count();
    assert!(poisoned >= 40, "{poisoned}");
}

#[test]
fn a_write_that_fails_poisons_the_store_whichever_it_is() {
    let poisoned = (1..60).filter(|nth| poisons(Operation::Write, *nth)).count();
    assert!(poisoned >= 40, "{poisoned}");
}

#[test]
fn a_directory_sync_that_fails_poisons_the_store() {
    assert!(poisons(Operation::SyncDir, 1));
}

#[tokio::test]
async fn who_waits_for_room_learns_of_the_poison() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.fail(Operation::Write, 1, ErrorKind::Other);
    bench.append_events(b"x").unwrap();
    bench.wait(|_| false);
    assert_eq!(bench.store.room(10).await, Err(ReserveError::Poisoned));
}

#[test]
fn a_call_that_fails_while_opening_is_an_error_and_leaves_the_store_as_it_was() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let durable = run(&bench);
    bench.store.close().unwrap();
    drop(bench);
    for operation in [Operation::Read, Operation::Sync, Operation::SyncDir, Operation::Allocate] {
        for nth in 1..20 {
            let copy = disk.copy();
            copy.fail(operation, nth, ErrorKind::Other);
            drop(Bench::open(&copy, small()));
            let again = Bench::open(&copy.kill(nth), small()).unwrap();
            assert_eq!(again.recovered.last, durable, "{operation:?} {nth}");
        }
    }
}

#[test]
fn what_is_replayed_after_a_failed_sync_and_a_restart_survives_a_power_cut() {
    for records in 1..30u8 {
        let disk = FaultyDisk::new(1);
        let bench = Bench::open(&disk, small()).unwrap();
        for i in 1..records {
            let lsn = bench.append_events(&[i; 150]).unwrap();
            assert!(bench.wait_durable(lsn));
        }
        let unwaited = Record { events: b"a receive", bodies: Vec::new(), sync: false };
        let lsn = bench.append(unwaited).unwrap();
        bench.wait(|progress| progress.written >= lsn);
        disk.fail(Operation::Sync, 1, ErrorKind::Other);
        if let Ok(failed) = bench.append_events(&[records; 150]) {
            bench.wait_durable(failed);
        }
        drop(bench);

        // The kernel still shows what the disk does not have.
        let restarted = disk.kill(1);
        let replayed = Bench::open(&restarted, small()).unwrap().recovered.last;
        assert!(replayed >= lsn);
        let left = Bench::open(&restarted.power_cut(PowerCut::Nothing, 1), small()).unwrap();
        assert_eq!(left.recovered.last, replayed, "{records} records");
    }
}

#[test]
fn a_callback_that_panics_poisons_the_store_and_is_not_called_again() {
    let (store, _) =
        Store::open(Arc::new(FaultyDisk::new(1)), small(), &mut |_, _, _| Ok(())).unwrap();
    store.on_progress(Box::new(|_| panic!("a mistake of the caller")));
    let record = Record { events: b"x", bodies: Vec::new(), sync: true };
    store.append(store.reserve(record.len_bytes(), Purpose::Grow).unwrap(), record);
    assert_eq!(store.close(), Err(CloseError::Poisoned));
    assert_eq!(store.reserve(1, Purpose::Shrink).err(), Some(ReserveError::Poisoned));
}
