//! What is whole of a store that does not open is read, and what is missing is said.

use std::sync::Arc;

use longshore_storage::{
    BodyKey, Disk, Lsn, OpenError, Rebuild, ReplayError, Salvaged, disk::FaultyDisk, salvage,
};

use crate::kit::{Bench, FIRST_SEGMENT, small};

const RECORDS: u64 = 9;

fn body(key: u64) -> Vec<u8> {
    vec![u8::try_from(key).unwrap(); 600]
}

/// A closed store of nine records, each a batch of its own, in two segments.
fn closed() -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=RECORDS {
        assert!(bench.wait_durable(bench.append_body(key, &body(key)).unwrap()));
    }
    bench.store.close().unwrap();
    disk
}

/// The numbers of the records that were handed over.
#[derive(Default)]
struct Numbers(Vec<u64>);

impl Rebuild for Numbers {
    fn restore(&mut self, _piece: &[u8]) -> Result<(), ReplayError> {
        Err(ReplayError::new("a checkpoint"))
    }

    fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        _released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        assert_eq!(events, b"sent");
        self.0.push(lsn.0);
        Ok(())
    }
}

/// Salvages, and answers the records and which of their bodies are there; nothing is changed.
fn salvaged(disk: &FaultyDisk) -> Result<(Vec<u64>, Vec<u64>, Salvaged), OpenError> {
    let contents = || -> Vec<_> {
        let names = disk.names().into_iter().filter(|name| name != "lock");
        names.map(|name| disk.contents(&name)).collect()
    };
    let before = contents();
    let mut numbers = Numbers::default();
    let mut steps = 0;
    let left: Arc<dyn Disk> = Arc::new(disk.clone());
    let found = salvage(&left, &mut numbers, &mut |_, _| steps += 1)?;
    assert!(before == contents(), "something was changed");
    assert!(steps > 1);
    let mut bodies = numbers.0.clone();
    bodies.retain(|key| match found.read(BodyKey(*key)) {
        Ok(found) => {
            assert_eq!(found, body(*key));
            true
        }
        Err(_) => false,
    });
    Ok((numbers.0, bodies, found))
}

fn all_but(missing: &[u64]) -> Vec<u64> {
    (1..=RECORDS).filter(|key| !missing.contains(key)).collect()
}

#[test]
fn of_a_whole_store_everything_is_salvaged_and_nothing_is_missing() {
    let (records, bodies, found) = salvaged(&closed()).unwrap();
    assert_eq!((records, bodies), (all_but(&[]), all_but(&[])));
    assert_eq!((found.records, found.last, found.loss_count), (RECORDS, Lsn(RECORDS), 0));
}

#[test]
fn a_flipped_bit_anywhere_costs_one_record_at_most_and_is_said() {
    let disk = closed();
    for name in disk.names().iter().filter(|name| *name != "lock") {
        let bytes = disk.contents(name);
        for byte in (0..bytes.len()).filter(|byte| *byte < 600 || bytes[*byte] != 0).step_by(5) {
            let copy = disk.copy();
            copy.flip_bit(name, byte * 8 + byte % 8);
            let (records, bodies, found) = salvaged(&copy).unwrap();
            assert!(records.len() as u64 >= RECORDS - 1, "{name} byte {byte}: {records:?}");
            assert!(bodies.len() as u64 >= RECORDS - 1, "{name} byte {byte}: {bodies:?}");
            let is_said = found.loss_count > 0 || bodies.len() < records.len();
            assert!(records.len() as u64 == RECORDS || is_said, "{name} byte {byte}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_named_by_the_numbers_of_its_records() {
    let disk = closed();
    let events = disk.contents(FIRST_SEGMENT);
    let events = events.windows(4).enumerate().filter(|(_, bytes)| bytes == b"sent");
    let at: Vec<_> = events.map(|(at, _)| at).collect();
    for record in [2, 3] {
        disk.flip_bit(FIRST_SEGMENT, at[record] * 8);
    }
    let (records, bodies, found) = salvaged(&disk).unwrap();
    assert_eq!((records, bodies), (all_but(&[3, 4]), all_but(&[3, 4])));
    assert_eq!(found.losses, ["records 3 to 4 cannot be read"]);
}

#[test]
fn without_its_identity_its_manifest_or_a_segment_the_rest_is_there() {
    let disk = closed();
    let without = |gone: &[&str]| {
        let left = FaultyDisk::new(2);
        for name in disk.names().iter().filter(|name| !gone.contains(&name.as_str())) {
            left.set_contents(name, disk.contents(name));
        }
        salvaged(&left).unwrap()
    };
    let (records, _, found) = without(&["identity", "manifest"]);
    assert_eq!((records, found.loss_count), (all_but(&[]), 2));
    let (records, bodies, found) = without(&[FIRST_SEGMENT]);
    assert!(!records.is_empty() && bodies == records, "{records:?}");
    assert_eq!(found.losses, [format!("records 1 to {} cannot be read", records[0] - 1)]);
    let (records, _, found) = without(&["segment-00000002.log"]);
    let last = records.last().unwrap() + 1;
    assert!(last < RECORDS);
    assert_eq!(found.losses, [format!("records {last} to {RECORDS} cannot be read")]);
}

#[test]
fn where_there_is_no_store_there_is_nothing_to_salvage() {
    let refused = salvaged(&FaultyDisk::new(1)).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Missing { .. }), "{refused}");
}
