//! Append, wait, close, open again: what comes back.

use std::sync::{Arc, Barrier};

use bytes::Bytes;
use longshore_storage::{
    Activity, BodyKey, Disk, Lsn, OpenError, Options, Purpose, Record, ReserveError, Store, Usage,
    disk::{FaultyDisk, RealDisk},
};

use crate::kit::{Bench, FIRST_SEGMENT, WantsAll, small, verify};

#[test]
fn what_was_appended_comes_back_in_order_from_a_real_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let disk = Arc::new(RealDisk::open(directory.path().join("store")).unwrap());
        Bench::open_any(disk, Options { cache_bytes: 0, ..Options::default() }).unwrap()
    };
    let bench = open();
    assert_eq!(bench.append_body(7, b"a body").unwrap(), Lsn(1));
    assert_eq!(bench.append_events(b"second").unwrap(), Lsn(2));
    assert!(bench.wait_durable(Lsn(2)));
    assert_eq!(bench.store.read(BodyKey(7)).unwrap().unwrap(), "a body");
    bench.store.close().unwrap();

    let bench = open();
    let expected = vec![(Lsn(1), b"sent".to_vec()), (Lsn(2), b"second".to_vec())];
    assert_eq!(bench.replayed, expected);
    assert_eq!((bench.recovered.last, bench.recovered.torn_bytes), (Lsn(2), 0));
    assert_eq!(bench.store.cached(BodyKey(7)), None);
    assert_eq!(bench.store.read(BodyKey(7)).unwrap().unwrap(), "a body");
    assert_eq!(bench.append_events(b"third").unwrap(), Lsn(3));
}

#[test]
fn the_directory_and_its_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let above = directory.path().join("new");
    let path = above.join("store");
    let disk = Arc::new(RealDisk::open(&path).unwrap());
    let bench = Bench::open_any(disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_events(b"x").unwrap()));
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&above), mode(&path)), (0o700, 0o700));
    for entry in std::fs::read_dir(&path).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn many_records_run_through_many_segments_and_come_back() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let last = (0..200u8).map(|i| bench.append_events(&[i; 100]).unwrap()).last().unwrap();
    assert!(bench.wait_durable(last));
    bench.store.close().unwrap();

    let bench = Bench::open(&disk, small()).unwrap();
    assert_eq!(bench.replayed.len(), 200);
    assert!(bench.replayed.iter().zip(0..200u8).all(|((_, events), i)| *events == [i; 100]));
    assert!(bench.store.usage().segments > 5);
    bench.store.close().unwrap();
    let report = verify(&disk).unwrap();
    assert_eq!((report.records, report.last, report.torn_bytes), (200, Lsn(200), 0));
    assert!(report.damage.is_none());
}

#[test]
fn a_directory_is_open_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let disk = || Arc::new(RealDisk::open(directory.path()).unwrap());
    let first = Bench::open_any(disk(), small()).unwrap();
    let refused = Bench::open_any(disk(), small()).err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }));
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    let again: Arc<dyn Disk> = disk();
    let verified = longshore_storage::verify(&again, &mut WantsAll);
    assert!(matches!(verified, Err(OpenError::Locked { .. })));
    first.store.close().unwrap();
    Bench::open_any(disk(), small()).unwrap();
}

#[test]
fn a_released_body_is_gone_wherever_it_was() {
    let disk = FaultyDisk::new(1);
    for cache_bytes in [0, 1 << 20] {
        let bench = Bench::open(&disk, Options { cache_bytes, ..small() }).unwrap();
        let key = 1 + cache_bytes as u64;
        let lsn = bench.append_body(key, b"body").unwrap();
        assert!(bench.wait_durable(lsn));
        assert_eq!(bench.store.read(BodyKey(key)).unwrap().unwrap(), "body");
        bench.store.release(BodyKey(key));
        assert_eq!(bench.store.read(BodyKey(key)).unwrap(), None);
        assert_eq!(bench.store.cached(BodyKey(key)), None);
    }
}

#[test]
fn a_body_released_before_it_is_written_stays_gone() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_events(b"first").unwrap()));
    disk.hold_syncs(FIRST_SEGMENT);
    bench.append_events(b"keeps the writer in its sync").unwrap();
    disk.wait_for_held_sync();
    let lsn = bench.append_body(5, b"body").unwrap();
    assert_eq!(bench.store.cached(BodyKey(5)).unwrap(), "body");
    bench.store.release(BodyKey(5));
    disk.release_syncs();
    assert!(bench.wait_durable(lsn));
    assert_eq!(bench.store.read(BodyKey(5)).unwrap(), None);
    assert_eq!(bench.store.usage().bodies, 0);
}

#[test]
fn what_the_store_does_is_counted_from_its_opening_on() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, Options { cache_bytes: 1000, ..small() }).unwrap();
    // Once a record is durable, the sync that is held below is the writer's: the segment's allocation is over.
    assert!(bench.wait_durable(bench.append_events(b"first").unwrap()));
    let before = bench.store.activity();
    assert_eq!(before.waiting_bytes, 0);
    disk.hold_syncs(FIRST_SEGMENT);
    let lsn = bench.append_body(5, b"body").unwrap();
    disk.wait_for_held_sync();
    let room = bench.store.reserve(100, Purpose::Grow).unwrap();
    assert!(bench.store.activity().waiting_bytes > 100, "what is reserved waits too");
    drop(room);
    assert_eq!(bench.store.activity().waiting_bytes, 0, "what is written waits no more");
    assert_eq!(bench.store.activity().syncs.count(), before.syncs.count(), "it is not over yet");
    disk.release_syncs();
    assert!(bench.wait_durable(lsn));
    let after = bench.store.activity();
    assert_eq!(after.writes, before.writes + 1);
    assert!(after.written_bytes > before.written_bytes + 4);
    assert!(after.syncs.count() > before.syncs.count());
    assert_eq!(after.cached_bytes, 4 + 192);
    bench.store.release(BodyKey(5));
    assert_eq!(bench.store.activity().cached_bytes, 0);
    assert!(!after.full);
}

#[test]
fn a_replay_that_names_dead_bodies_keeps_no_index_of_them() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    bench.append_body(1, b"one").unwrap();
    bench.append_body(2, b"two").unwrap();
    bench.store.close().unwrap();
    let (store, recovered) = Store::open(Arc::new(disk), small(), &mut |lsn, _, released| {
        released.extend((lsn == Lsn(2)).then_some(BodyKey(1)));
        Ok(())
    })
    .unwrap();
    assert_eq!(recovered.bodies, 1);
    assert_eq!(store.read(BodyKey(1)).unwrap(), None);
    assert_eq!(store.read(BodyKey(2)).unwrap().unwrap(), "two");
}

#[test]
fn reads_and_writes_that_do_only_a_part_are_gone_on_with() {
    let disk = FaultyDisk::new(4);
    disk.set_short(true);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 0..20 {
        let lsn = bench.append_body(key, &[7; 300]).unwrap();
        assert!(bench.wait_durable(lsn));
        assert_eq!(bench.store.read(BodyKey(key)).unwrap().unwrap(), vec![7; 300]);
    }
    bench.store.close().unwrap();
    assert_eq!(Bench::open(&disk, small()).unwrap().replayed.len(), 20);
}

#[test]
fn a_record_beyond_a_quarter_of_a_segment_is_refused_with_the_limit() {
    let bench = Bench::open(&FaultyDisk::new(1), small()).unwrap();
    let refused = bench.store.reserve(4 << 10, Purpose::Grow).err();
    assert_eq!(refused, Some(ReserveError::TooLarge { bytes: 4096, bytes_max: 976 }));
}

#[test]
fn a_closed_store_takes_nothing_and_can_be_closed_again() {
    let bench = Bench::open(&FaultyDisk::new(1), small()).unwrap();
    bench.store.close().unwrap();
    bench.store.close().unwrap();
    assert_eq!(bench.store.reserve(10, Purpose::Shrink).err(), Some(ReserveError::Closed));
}

#[test]
fn a_store_in_memory_is_durable_at_once_and_touches_no_disk() {
    let store = Store::in_memory();
    let record = |key| Record {
        events: b"sent",
        bodies: vec![(BodyKey(key), Bytes::from_static(b"body"))],
        sync: true,
    };
    for (key, lsn) in [(1, Lsn(1)), (2, Lsn(2))] {
        let room = store.reserve(record(key).len_bytes(), Purpose::Grow).unwrap();
        assert_eq!(store.append(room, record(key)), lsn);
        assert_eq!((store.progress().written, store.progress().durable), (lsn, lsn));
    }
    assert_eq!(store.read(BodyKey(1)).unwrap().unwrap(), "body");
    store.release(BodyKey(1));
    assert_eq!((store.read(BodyKey(1)).unwrap(), store.cached(BodyKey(1))), (None, None));
    assert_eq!(store.usage(), Usage { bodies: 1, body_bytes: 4, ..Usage::default() });
    assert_eq!(store.activity(), Activity::default());
    store.close().unwrap();
    assert_eq!(store.reserve(1, Purpose::Grow).err(), Some(ReserveError::Closed));
}

#[test]
fn a_record_that_the_caller_cannot_replay_is_named() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    bench.append_events(b"strange").unwrap();
    bench.store.close().unwrap();
    let refused = Store::open(Arc::new(disk), small(), &mut |_, _, _| {
        Err(longshore_storage::ReplayError::new("event 99 is unknown"))
    });
    let message = refused.err().unwrap().to_string();
    assert_eq!(message, "record 1 of faulty:/segment-00000001.log cannot be replayed");
}

#[test]
fn a_store_that_is_dropped_by_its_own_callback_comes_to_an_orderly_end() {
    let disk = FaultyDisk::new(1);
    let (store, _) = Store::open(Arc::new(disk.clone()), small(), &mut |_, _, _| Ok(())).unwrap();
    let store = Arc::new(store);
    let (last, dropped) = (Arc::downgrade(&store), Arc::new(Barrier::new(2)));
    let met = Arc::clone(&dropped);
    store.on_progress(Box::new(move |_| {
        if let Some(_last) = last.upgrade() {
            met.wait();
            met.wait();
        }
    }));
    let record = Record { events: b"x", bodies: Vec::new(), sync: true };
    store.append(store.reserve(record.len_bytes(), Purpose::Grow).unwrap(), record);
    dropped.wait();
    drop(store);
    dropped.wait();

    let again = loop {
        match Bench::open(&disk, small()) {
            Err(OpenError::Locked { .. }) => std::thread::yield_now(),
            other => break other.unwrap(),
        }
    };
    assert_eq!(again.recovered.last, Lsn(1));
    again.store.close().unwrap();
    assert_eq!(verify(&disk).unwrap().batches, 2, "the record, and the one that vouches");
}

#[test]
fn the_directory_is_locked_until_the_end_of_the_log_is_noted() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    bench.append_events(b"last").unwrap();
    let before = disk.contents("manifest");
    bench.store.close().unwrap();
    assert!(disk.contents("manifest") != before, "the end is noted");
    assert_eq!(disk.unlocked_writes(), 0);
    Bench::open(&disk, small()).unwrap().store.close().unwrap();
}
