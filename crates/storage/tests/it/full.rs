//! A full disk: what makes the store larger waits, everything else goes on.

use longshore_storage::{Lsn, Purpose, Record, ReserveError, disk::FaultyDisk};

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
    assert_eq!(bench.store.room(100).await, Err(ReserveError::Full));

    for _ in 0..20 {
        let lsn = bench.append_for(record(), Purpose::Shrink).unwrap();
        assert!(bench.wait_durable(lsn));
    }
    assert!(!bench.store.progress().poisoned);

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

#[test]
fn whatever_was_reserved_fits_in_any_order_and_with_any_waste() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_full(true);
    let sizes = [900, 10, 500, 976, 1, 300, 700];
    let mut reserved = Vec::new();
    for bytes in sizes.into_iter().cycle() {
        match bench.store.reserve(bytes, Purpose::Shrink) {
            Ok(reservation) => reserved.push(reservation),
            Err(_) => break,
        }
    }
    reserved.sort_by_key(|reservation| reservation.bytes() % 7);
    let mut last = Lsn::ZERO;
    for reservation in reserved {
        let overhead = usize::try_from(Record::bytes(0, [])).unwrap();
        let Ok(len) = usize::try_from(reservation.bytes()) else { continue };
        let events = vec![3; len.saturating_sub(overhead)];
        if len >= overhead {
            let record = Record { events: &events, bodies: Vec::new(), sync: true };
            last = bench.store.append(reservation, record);
        }
    }
    assert!(last > Lsn(5));
    assert!(bench.wait_durable(last));
    assert!(!bench.store.progress().poisoned);
}
