//! A full disk: what makes the store larger waits, everything else goes on.

use longshore_storage::{Lsn, Purpose, Record, Reservation, ReserveError, disk::FaultyDisk};

use crate::kit::{Bench, small};

fn record() -> Record<'static> {
    Record { events: &[1; 200], bodies: Vec::new(), sync: true }
}

/// Appends what makes the store larger until it is refused, and says how.
fn fill(bench: &Bench) -> (ReserveError, Lsn) {
    loop {
        match bench.append(record()) {
            Ok(lsn) => assert!(bench.wait_durable(lsn)),
            Err(error) => return (error, bench.store.progress().written),
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_grows_serves_what_shrinks_and_recovers() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_full(true);
    assert_eq!(fill(&bench).0, ReserveError::Full);
    assert_eq!(bench.store.room(record().len_bytes()).await, Err(ReserveError::Full));

    for _ in 0..20 {
        let lsn = bench.append_for(record(), Purpose::Shrink).unwrap();
        assert!(bench.wait_durable(lsn));
        let grown = bench.append(record());
        assert_eq!(grown, Err(ReserveError::Full), "the headroom is not for what grows");
    }

    disk.set_full(false);
    while bench.store.room(300).await.is_err() {
        tokio::task::yield_now().await;
    }
    let last = bench.append(record()).unwrap();
    assert!(bench.wait_durable(last));
    bench.store.close().unwrap();
    assert_eq!(Bench::open(&disk, small()).unwrap().recovered.last, last);
}

#[test]
fn even_the_headroom_ends_without_loss() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_full(true);
    fill(&bench);
    let refused = loop {
        match bench.append_for(record(), Purpose::Shrink) {
            Ok(lsn) => assert!(bench.wait_durable(lsn)),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, ReserveError::Full);
    let last = bench.store.progress().durable;
    bench.store.close().unwrap();
    assert_eq!(Bench::open(&disk, small()).unwrap().recovered.last, last);
}

/// Appends small records until there is no room for more.
fn exhaust(bench: &Bench, purpose: Purpose) {
    let small = || Record { events: &[1; 20], bodies: Vec::new(), sync: true };
    loop {
        match bench.append_for(small(), purpose) {
            Ok(lsn) => assert!(bench.wait_durable(lsn)),
            Err(error) => return assert_eq!(error, ReserveError::Full),
        }
    }
}

#[test]
fn c5_receives_leave_room_to_deletes_and_both_to_a_start() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_full(true);
    fill(&bench);
    exhaust(&bench, Purpose::Keep);
    for _ in 0..10 {
        let lsn = bench.append_for(record(), Purpose::Shrink).unwrap();
        assert!(bench.wait_durable(lsn));
    }
    exhaust(&bench, Purpose::Shrink);
    assert!(bench.store.reserve(0, Purpose::Look).is_ok(), "what writes nothing needs no room");
    bench.store.close().unwrap();
    drop(bench);
    let again = Bench::open(&disk, small()).unwrap();
    assert!(again.store.activity().full, "it is known from the start");
    let started = Record { events: &[1; 20], bodies: Vec::new(), sync: true };
    let lsn = again.append_for(started, Purpose::Start).unwrap();
    assert!(again.wait_durable(lsn));
}

#[test]
fn a_store_opens_on_a_full_disk_and_deletes_nothing() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_full(true);
    let (_, last) = fill(&bench);
    bench.store.close().unwrap();
    drop(bench);
    let again = Bench::open(&disk, small()).unwrap();
    assert_eq!(again.recovered.last, last);
    assert!(again.append_for(record(), Purpose::Shrink).is_ok());
}

#[test]
fn a_reservation_that_is_dropped_gives_its_room_back() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for _ in 0..1000 {
        drop(bench.store.reserve(900, Purpose::Grow).unwrap());
    }
}

/// Reserves records of these sizes, in turn, until it is refused.
fn reserve_all(bench: &Bench, sizes: &[u64]) -> Vec<Reservation> {
    let mut reserved = Vec::new();
    for bytes in sizes.iter().cycle() {
        match bench.store.reserve(*bytes, Purpose::Shrink) {
            Ok(reservation) => reserved.push(reservation),
            Err(refused) => {
                assert_eq!(refused, ReserveError::Full);
                return reserved;
            }
        }
    }
    reserved
}

#[test]
fn whatever_was_reserved_fits_in_any_order_and_with_any_waste() {
    let overhead = Record::bytes(0, []);
    for sizes in [&[976][..], &[976, 30], &[900, 28, 500, 976, 300, 700], &[28]] {
        let disk = FaultyDisk::new(1);
        let bench = Bench::open(&disk, small()).unwrap();
        disk.set_full(true);
        fill(&bench);
        let mut reserved = reserve_all(&bench, sizes);
        assert!(reserved.len() >= 4);
        reserved.sort_by_key(|reservation| reservation.bytes() % 7);
        for reservation in reserved {
            let events = vec![3; usize::try_from(reservation.bytes() - overhead).unwrap()];
            let record = Record { events: &events, bodies: Vec::new(), sync: true };
            let lsn = bench.store.append(reservation, record);
            assert!(bench.wait_durable(lsn));
        }
        assert_eq!(bench.store.close(), Ok(()));
    }
}
