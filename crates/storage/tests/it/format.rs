//! Stores of every format so far still open: `fixtures/format-N` is a directory that the version
//! with that format wrote, byte for byte.
//!
//! A fixture is never changed. A new format gets one of its own, written by
//! `cargo test -p longshore-storage -- --ignored write_the_fixture`.

use std::{fs, path::PathBuf, sync::Arc};

use bytes::Bytes;
use longshore_storage::{
    BodyKey, Lsn, OpenError, Record,
    disk::{FaultyDisk, PowerCut, RealDisk},
};
use tempfile::TempDir;

use crate::kit::{Bench, FIRST_SEGMENT, small};

/// What belongs to the format: the lock is an empty file, and the spares hold zeros.
const FILES: [&str; 5] =
    ["identity", "manifest", FIRST_SEGMENT, "segment-00000002.log", "segment-00000003.log"];
/// There was no manifest in format 1.
const FILES_1: [&str; 4] = [FILES[0], FILES[2], FILES[3], FILES[4]];

/// One record of the fixture: its events, its bodies, and whether somebody waits for it.
struct Written {
    events: Vec<u8>,
    bodies: Vec<(BodyKey, Bytes)>,
    sync: bool,
}

/// The records of the fixture: with and without events, bodies, empty bodies and waiting callers.
fn written() -> Vec<Written> {
    (1..=28u64)
        .map(|i| Written {
            events: if i % 5 == 0 { Vec::new() } else { format!("events {i}").into_bytes() },
            bodies: (0..i % 4).map(|j| (BodyKey(10 * i + j), body(10 * i + j))).collect(),
            sync: i % 7 != 3,
        })
        .collect()
}

fn body(key: u64) -> Bytes {
    let len = usize::try_from(key * 37 % 320).unwrap();
    if key.is_multiple_of(9) {
        Bytes::new()
    } else {
        vec![u8::try_from(key % 256).unwrap(); len].into()
    }
}

/// The store of the fixture, as the code of today writes it: batches of one record and of many,
/// three segments, an orderly close. The same bytes every time.
fn write() -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let append = |written: &Written| {
        let Written { events, bodies, sync } = written;
        bench.append(Record { events, bodies: bodies.clone(), sync: *sync }).unwrap()
    };
    let records = written();
    for record in &records[..4] {
        let lsn = append(record);
        bench.wait(|progress| progress.written >= lsn);
        assert!(!record.sync || bench.wait_durable(lsn));
    }
    disk.hold_syncs(FIRST_SEGMENT);
    append(&records[4]);
    disk.wait_for_held_sync();
    for record in &records[5..10] {
        append(record);
    }
    disk.release_syncs();
    assert!(bench.wait_durable(Lsn(9)));
    for record in &records[10..] {
        let lsn = append(record);
        bench.wait(|progress| progress.written >= lsn);
        assert!(!record.sync || bench.wait_durable(lsn));
    }
    bench.store.close().unwrap();
    disk
}

fn fixture(format: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "fixtures", format].iter().collect()
}

/// A copy of a fixture: opening a store writes to it.
fn copy(format: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixture(format)).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    copy
}

fn open(directory: &TempDir) -> Result<Bench, OpenError> {
    Bench::open_any(Arc::new(RealDisk::open_existing(directory.path()).unwrap()), small())
}

#[test]
fn a_store_of_format_1_opens_with_every_record_and_body_and_goes_on() {
    opens_and_goes_on("format-1");
}

#[test]
fn a_store_of_format_2_opens_with_every_record_and_body_and_goes_on() {
    opens_and_goes_on("format-2");
}

fn opens_and_goes_on(format: &str) {
    let directory = copy(format);
    let bench = open(&directory).unwrap();
    let expected: Vec<_> =
        (1..).zip(written()).map(|(lsn, written)| (Lsn(lsn), written.events)).collect();
    assert_eq!(bench.replayed, expected);
    assert_eq!(bench.recovered.torn, []);
    for (key, body) in written().into_iter().flat_map(|written| written.bodies) {
        assert_eq!(bench.store.read(key).unwrap(), Some(body), "body {key}");
    }
    let lsn = bench.append_events(b"of today").unwrap();
    assert!(bench.wait_durable(lsn));
    bench.store.close().unwrap();
    assert_eq!(open(&directory).unwrap().recovered.last, lsn);
    let identity = fs::read(directory.path().join("identity")).unwrap();
    assert_eq!(identity[8], 2, "it is of today's format now");
}

/// The fixture of format 1 on a disk whose power can be cut.
fn format_1_disk() -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    for name in FILES_1 {
        disk.set_contents(name, fs::read(fixture("format-1").join(name)).unwrap());
    }
    disk
}

#[test]
fn a_store_of_format_1_becomes_one_of_today_whenever_the_power_is_cut() {
    for at in 1..40 {
        for cut in [PowerCut::Nothing, PowerCut::SomeWrites, PowerCut::TornWrites] {
            let disk = format_1_disk();
            disk.power_off_at(at);
            drop(Bench::open(&disk, small()));
            let left = disk.power_cut(cut, at);
            let bench = Bench::open(&left, small()).unwrap_or_else(|error| panic!("{at}: {error}"));
            assert_eq!(bench.recovered.last, Lsn(28), "{at} {cut:?}");
            let lsn = bench.append_events(b"of today").unwrap();
            assert!(bench.wait_durable(lsn));
        }
    }
}

#[test]
fn a_damaged_store_of_format_1_is_refused_with_file_and_offset() {
    let directory = copy("format-1");
    let file = directory.path().join(FIRST_SEGMENT);
    let mut bytes = fs::read(&file).unwrap();
    bytes[64 + 45] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let error = open(&directory).err().unwrap();
    let OpenError::Damaged { file: named, offset, .. } = &error else { panic!("{error}") };
    assert_eq!((named.as_str(), *offset), (file.to_str().unwrap(), 64), "the first batch");
    assert_eq!(fs::read(&file).unwrap(), bytes, "nothing was changed");
}

#[test]
fn what_is_written_today_is_format_2_byte_for_byte() {
    let disk = write();
    for name in FILES {
        let fixture = fs::read(fixture("format-2").join(name)).unwrap();
        assert!(disk.contents(name) == fixture, "{name} is another format: raise the number");
    }
}

#[test]
#[ignore = "it writes the fixture of a new format, once"]
fn write_the_fixture() {
    let disk = write();
    let fixture = fixture("format-2");
    fs::create_dir(&fixture).unwrap();
    for name in FILES {
        fs::write(fixture.join(name), disk.contents(name)).unwrap();
    }
}
