//! How many syncs a record costs, and what is reported when.

use std::time::Duration;

use longshore_storage::{Lsn, Options, Progress, Record, SyncMode, disk::FaultyDisk};

use crate::kit::{Bench, FIRST_SEGMENT, small, verify};

/// A store whose first segment is in use, so that nobody but the writer syncs it.
fn started(options: Options) -> (FaultyDisk, Bench) {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, options).unwrap();
    let lsn = bench.append_events(b"first").unwrap();
    assert!(bench.wait_durable(lsn));
    (disk, bench)
}

fn unwaited(events: &[u8]) -> Record<'_> {
    Record { events, bodies: Vec::new(), sync: false }
}

/// Gives the processor away until the disk has come as far.
fn wait_until(reached: impl Fn() -> bool) {
    while !reached() {
        std::thread::yield_now();
    }
}

#[test]
fn a_lone_record_is_synced_before_it_is_called_durable() {
    let (disk, bench) = started(small());
    for _ in 0..10 {
        let before = disk.syncs_of(FIRST_SEGMENT);
        let lsn = bench.append_events(b"lone").unwrap();
        assert!(bench.wait_durable(lsn));
        assert_eq!(disk.syncs_of(FIRST_SEGMENT), before + 1);
    }
}

#[test]
fn records_that_arrive_during_a_sync_share_the_next_one() {
    let (disk, bench) = started(small());
    disk.hold_syncs(FIRST_SEGMENT);
    bench.append_events(b"under way").unwrap();
    disk.wait_for_held_sync();
    let before = disk.syncs_of(FIRST_SEGMENT);
    let last = (0..30).map(|_| bench.append_events(b"in the meantime").unwrap()).last().unwrap();
    assert!(bench.store.progress().durable < last);
    disk.release_syncs();
    assert!(bench.wait_durable(last));
    assert_eq!(disk.syncs_of(FIRST_SEGMENT), before + 2);
}

#[test]
fn a_record_that_nobody_waits_for_is_written_and_synced_with_the_next() {
    let (disk, bench) = started(small());
    let before = disk.syncs_of(FIRST_SEGMENT);
    let lsn = bench.append(unwaited(b"a receive")).unwrap();
    assert_eq!(bench.wait(|progress| progress.written >= lsn).durable, Lsn(1));
    assert_eq!(disk.syncs_of(FIRST_SEGMENT), before);

    let killed = Bench::open(&disk.copy(), small()).unwrap();
    assert_eq!(killed.recovered.last, lsn, "it survives a kill");

    let waited = bench.append_events(b"a delete").unwrap();
    assert!(bench.wait_durable(waited));
    assert_eq!(disk.syncs_of(FIRST_SEGMENT), before + 1);
}

#[test]
fn a_record_that_nobody_waits_for_is_synced_when_the_log_comes_to_rest() {
    let (_disk, bench) = started(Options { idle: Duration::from_millis(1), ..small() });
    let lsn = bench.append(unwaited(b"a receive")).unwrap();
    assert!(bench.wait_durable(lsn));
}

#[test]
fn a_log_at_rest_gets_one_batch_that_vouches_for_the_last() {
    let (disk, bench) = started(Options { idle: Duration::from_millis(1), ..small() });
    wait_until(|| verified_batches(&disk) == 2);
    bench.store.close().unwrap();
    assert_eq!(verified_batches(&disk), 2, "the close has nothing to add");
}

fn verified_batches(disk: &FaultyDisk) -> u64 {
    verify(&disk.copy()).unwrap().batches
}

#[test]
fn an_orderly_close_vouches_for_the_last_batch() {
    let (disk, bench) = started(small());
    bench.wait_durable(Lsn(1));
    assert_eq!(verified_batches(&disk), 1);
    bench.store.close().unwrap();
    assert_eq!(verified_batches(&disk), 2);
}

#[test]
fn in_interval_mode_what_is_written_is_called_durable_and_synced_in_time() {
    let hour = SyncMode::Interval(Duration::from_secs(3600));
    let (disk, bench) = started(Options { sync: hour, ..small() });
    let before = disk.syncs_of(FIRST_SEGMENT);
    let lsn = bench.append_events(b"relaxed").unwrap();
    assert!(bench.wait_durable(lsn));
    assert_eq!(disk.syncs_of(FIRST_SEGMENT), before);

    let soon = SyncMode::Interval(Duration::from_millis(1));
    let (disk, bench) = started(Options { sync: soon, ..small() });
    let before = disk.syncs_of(FIRST_SEGMENT);
    bench.append_events(b"relaxed").unwrap();
    wait_until(|| disk.syncs_of(FIRST_SEGMENT) > before);
}

#[test]
fn c17_in_interval_mode_the_first_record_of_a_start_is_synced_before_it_is_called_durable() {
    let hour = SyncMode::Interval(Duration::from_secs(3600));
    let (disk, bench) = started(Options { sync: hour, ..small() });
    bench.store.close().unwrap();
    drop(bench);
    let again = Bench::open(&disk, Options { sync: hour, ..small() }).unwrap();
    let opened = disk.syncs_of(FIRST_SEGMENT);
    let lsn = again.append_events(b"started").unwrap();
    assert!(again.wait_durable(lsn));
    assert!(disk.syncs_of(FIRST_SEGMENT) > opened);
    let reports = again.reports();
    assert!(reports.iter().any(|report| report.written == lsn && report.durable < lsn));
}

#[test]
fn reports_only_ever_move_forward_and_durable_never_leads() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let last = (0..100).map(|_| bench.append_events(&[1; 200]).unwrap()).last().unwrap();
    assert!(bench.wait_durable(last));
    let reports = bench.reports();
    let forward = |pair: &[Progress]| {
        pair[0].written <= pair[1].written && pair[0].durable <= pair[1].durable
    };
    assert!(reports.windows(2).all(forward), "{reports:?}");
    assert!(reports.iter().all(|report| report.durable <= report.written));
}

#[tokio::test]
async fn who_waits_for_room_is_woken_when_what_is_pending_is_written() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, Options { pending_bytes_max: 1000, ..small() }).unwrap();
    assert!(bench.wait_durable(bench.append_events(b"first").unwrap()));
    disk.hold_syncs(FIRST_SEGMENT);
    bench.append_events(&[0; 100]).unwrap();
    disk.wait_for_held_sync();
    bench.append_events(&[0; 500]).unwrap();
    let (room, ()) = tokio::join!(bench.store.room(500), async { disk.release_syncs() });
    assert_eq!(room, Ok(()));
}
