//! Bytes that are not as they were written: correct data, or an error that names the place.

use longshore_storage::{BodyKey, Lsn, OpenError, Options, ReadError, disk::FaultyDisk};

use crate::kit::{Bench, FIRST_SEGMENT, small, verify};

const SECOND_SEGMENT: &str = "segment-00000002.log";
const RECORDS: u64 = 9;

fn body(key: u64) -> Vec<u8> {
    vec![u8::try_from(key).unwrap(); 600]
}

/// A closed store of nine records in two segments.
fn closed() -> FaultyDisk {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    for key in 1..=RECORDS {
        bench.append_body(key, &body(key)).unwrap();
    }
    bench.store.close().unwrap();
    drop(bench);
    disk
}

/// Where in a segment the events of the record after so many others are.
fn events_before(disk: &FaultyDisk, name: &str, others: usize) -> usize {
    let bytes = disk.contents(name);
    let events = bytes.windows(4).enumerate().filter(|(_, bytes)| bytes == b"sent");
    events.map(|(at, _)| at).nth(others).unwrap()
}

/// Correct data, or an error; the error is returned.
fn open_and_compare(disk: &FaultyDisk) -> Option<OpenError> {
    open_and_count_rotten(disk).err()
}

/// Correct data but for the bodies in quarantine, which are counted.
fn open_and_count_rotten(disk: &FaultyDisk) -> Result<u64, OpenError> {
    let bench = Bench::open(disk, small())?;
    assert_eq!(bench.recovered.last, Lsn(RECORDS));
    let rotten: Vec<_> = bench.recovered.quarantined.iter().map(|body| body.key.0).collect();
    for key in 1..=RECORDS {
        let read = bench.store.read(BodyKey(key));
        if rotten.contains(&key) {
            let refused = read.unwrap_err();
            assert!(matches!(refused, ReadError::Damaged { is_new: false, .. }), "{refused}");
        } else {
            assert_eq!(read.unwrap().unwrap(), body(key));
        }
    }
    assert_eq!(bench.store.usage().quarantined, rotten.len() as u64);
    Ok(rotten.len() as u64)
}

#[test]
fn a_flipped_bit_anywhere_costs_one_body_or_is_an_error_that_names_the_file() {
    let disk = closed();
    let (mut errors, mut rotten) = (0, 0);
    for name in ["identity", "manifest", FIRST_SEGMENT, SECOND_SEGMENT] {
        for byte in 0..disk.contents(name).len() {
            if name == "manifest" && byte % (64 << 10) > 200 {
                continue; // nothing is there, and nobody reads it
            }
            let copy = disk.copy();
            copy.flip_bit(name, byte * 8 + byte % 8);
            match open_and_count_rotten(&copy) {
                Ok(count) => rotten += count,
                Err(error) => {
                    let said = error.to_string();
                    assert!(said.starts_with("faulty:/"), "{name} byte {byte}: {error}");
                    errors += 1;
                }
            }
        }
    }
    assert_eq!(rotten, RECORDS * 600, "a byte of a body costs that body");
    assert!(errors > RECORDS * 50, "every other byte of a record counts: {errors}");
}

#[test]
fn verify_finds_what_opening_finds_and_changes_nothing() {
    let disk = closed();
    for byte in (0..disk.contents(SECOND_SEGMENT).len()).step_by(7) {
        let copy = disk.copy();
        copy.flip_bit(SECOND_SEGMENT, byte * 8);
        let before = copy.contents(SECOND_SEGMENT);
        let report = verify(&copy).unwrap();
        assert_eq!(copy.contents(SECOND_SEGMENT), before);
        let rotten = report.quarantined.len() as u64;
        assert_eq!(report.rotten, rotten, "all of them are wanted");
        let said = report.damage.map_or(Ok(rotten), |error| Err(error.to_string()));
        let opened = open_and_count_rotten(&copy).map_err(|error| error.to_string());
        assert_eq!(said, opened, "byte {byte}");
    }
}

#[test]
fn damage_is_refused_and_nothing_is_changed() {
    let disk = closed();
    disk.flip_bit(FIRST_SEGMENT, events_before(&disk, FIRST_SEGMENT, 1) * 8);
    let before = (disk.contents(FIRST_SEGMENT), disk.contents(SECOND_SEGMENT));
    let error = open_and_compare(&disk).unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let words = error.to_string();
    assert!(words.contains("segment-00000001.log is damaged at byte"), "{words}");
    assert!(words.contains("restore it from a backup; nothing was changed"), "{words}");
    assert_eq!((disk.contents(FIRST_SEGMENT), disk.contents(SECOND_SEGMENT)), before);
}

#[test]
fn the_last_record_before_an_orderly_close_is_not_taken_for_a_torn_tail() {
    let disk = closed();
    let bytes = disk.contents(SECOND_SEGMENT);
    let last = bytes.windows(4).rposition(|bytes| bytes == b"sent").unwrap();
    disk.flip_bit(SECOND_SEGMENT, last * 8);
    let error = open_and_compare(&disk).unwrap();
    assert!(error.to_string().contains("a later batch says it was durable"), "{error}");
}

#[test]
fn a_body_that_rots_while_the_store_is_open_is_never_handed_out() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_body(9, &body(9)).unwrap()));
    let at = disk.contents(FIRST_SEGMENT).iter().rposition(|byte| *byte == 9).unwrap();
    disk.flip_bit(FIRST_SEGMENT, at * 8);
    let error = bench.store.read(BodyKey(9)).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { .. }));
    assert!(error.to_string().contains("segment-00000001.log is damaged at byte"), "{error}");
}

#[test]
fn missing_and_shortened_files_are_named() {
    let keep = |names: &[&str], disk: &FaultyDisk| {
        let copy = FaultyDisk::new(2);
        for name in names.iter().chain(&["manifest"]) {
            copy.set_contents(name, disk.contents(name));
        }
        open_and_compare(&copy).unwrap().to_string()
    };
    let disk = closed();
    let said = keep(&["identity", SECOND_SEGMENT], &disk);
    assert!(said.starts_with("faulty:/segment-00000001.log is missing"), "{said}");
    let said = keep(&[FIRST_SEGMENT, SECOND_SEGMENT], &disk);
    assert!(said.starts_with("faulty:/identity is missing"), "{said}");

    let mut short = disk.contents(SECOND_SEGMENT);
    short.truncate(700);
    disk.set_contents(SECOND_SEGMENT, short);
    let said = open_and_compare(&disk).unwrap().to_string();
    assert!(said.contains("segment-00000002.log is damaged at byte 700"), "{said}");
}

/// What opening says of a directory, which verify must say too; nothing is changed.
fn refusal(disk: &FaultyDisk) -> String {
    let files = disk.names();
    let before: Vec<_> = files.iter().map(|name| disk.contents(name)).collect();
    let said = open_and_compare(disk).expect("acknowledged records are gone").to_string();
    let after: Vec<_> = files.iter().map(|name| disk.contents(name)).collect();
    assert!(before == after, "something was changed");
    assert_eq!(verify(disk).unwrap().damage.unwrap().to_string(), said);
    said
}

#[test]
fn c3_a_newest_segment_that_was_zeroed_is_named_and_refused() {
    for closed_well in [true, false] {
        let disk = FaultyDisk::new(1);
        let bench = Bench::open(&disk, small()).unwrap();
        for key in 1..=RECORDS {
            assert!(bench.wait_durable(bench.append_body(key, &body(key)).unwrap()));
        }
        let disk = if closed_well {
            bench.store.close().unwrap();
            disk.copy()
        } else {
            disk.kill(1)
        };
        let used = |name: &&String| {
            name.starts_with("segment-") && disk.contents(name).iter().any(|byte| *byte != 0)
        };
        let newest = disk.names().iter().filter(used).max().unwrap().clone();
        disk.set_contents(&newest, vec![0; disk.contents(&newest).len()]);
        let said = refusal(&disk);
        assert!(said.contains(&newest), "closed well: {closed_well}: {said}");
    }
}

#[test]
fn c3_a_newest_segment_that_was_removed_with_the_spares_is_named_and_refused() {
    for keep in 0..3 {
        let disk = closed().copy();
        let segments: Vec<_> =
            disk.names().into_iter().filter(|name| name.starts_with("segment-")).collect();
        let kept = FaultyDisk::new(3);
        for name in ["identity".to_owned(), "manifest".to_owned()].iter().chain(&segments[..keep]) {
            kept.set_contents(name, disk.contents(name));
        }
        if keep == 2 {
            assert_eq!(open_and_compare(&kept).map(|error| error.to_string()), None);
            continue;
        }
        let said = refusal(&kept);
        assert!(said.contains(&format!("{} is missing", segments[keep])), "{keep}: {said}");
    }
}

#[test]
fn a_spare_that_is_gone_is_no_loss() {
    let disk = closed().copy();
    let kept = FaultyDisk::new(3);
    for name in disk.names().iter().filter(|name| *name != "segment-00000003.log") {
        kept.set_contents(name, disk.contents(name));
    }
    assert_eq!(open_and_compare(&kept).map(|error| error.to_string()), None);
}

#[test]
fn what_a_closed_log_loses_at_its_end_is_missed() {
    let disk = closed();
    let mut bytes = disk.contents(SECOND_SEGMENT);
    let at = bytes.windows(100).position(|bytes| bytes == [9; 100]).unwrap() - 120;
    bytes[at..].fill(0);
    disk.set_contents(SECOND_SEGMENT, bytes);
    let said = refusal(&disk);
    assert!(said.contains("the manifest says it was durable"), "{said}");
}

#[test]
fn a_manifest_that_is_gone_or_damaged_is_named() {
    let disk = closed();
    let without = FaultyDisk::new(3);
    for name in disk.names().iter().filter(|name| *name != "manifest") {
        without.set_contents(name, disk.contents(name));
    }
    assert!(refusal(&without).starts_with("faulty:/manifest is missing"));
    for half in [0, 64 << 10] {
        disk.flip_bit("manifest", (half + 30) * 8);
    }
    let said = refusal(&disk);
    assert!(said.starts_with("faulty:/manifest is damaged"), "{said}");
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let disk = closed();
    let mut identity = disk.contents("identity");
    identity[8] = 3;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&identity[..12]), &identity[16..]);
    identity[12..16].copy_from_slice(&crc.to_le_bytes());
    disk.set_contents("identity", identity);
    let error = open_and_compare(&disk).unwrap();
    assert!(matches!(error, OpenError::NewerFormat { found: 3, known: 2, .. }), "{error}");
}

#[test]
fn the_former_records_of_a_recycled_file_are_never_taken_for_new_ones() {
    let disk = FaultyDisk::new(1);
    let options = || Options { segment_bytes: 8 << 10, ..small() };
    let bench = Bench::open(&disk, options()).unwrap();
    for key in 1..=RECORDS {
        bench.append_body(key, &body(key)).unwrap();
    }
    bench.store.close().unwrap();
    // The next two segments hold what the first one holds, as if its file had been used again.
    for spare in [SECOND_SEGMENT, "segment-00000003.log"] {
        disk.set_contents(spare, disk.contents(FIRST_SEGMENT));
    }
    let bench = Bench::open(&disk, options()).unwrap();
    assert_eq!(bench.recovered.last, Lsn(RECORDS));
    for key in 101..=130 {
        assert!(bench.wait_durable(bench.append_body(key, &body(key)).unwrap()));
    }
    drop(bench);
    let bench = Bench::open(&disk, options()).unwrap();
    assert_eq!(bench.recovered.last, Lsn(RECORDS + 30));
    assert_eq!(bench.store.read(BodyKey(130)).unwrap().unwrap(), body(130));
}

#[test]
fn a_body_that_imitates_a_batch_does_not_pass_for_one() {
    let donor = closed();
    let imitation = donor.contents(FIRST_SEGMENT)[64..900].to_vec();
    let disk = FaultyDisk::new(99);
    let bench = Bench::open(&disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_body(1, &imitation).unwrap()));
    drop(bench);
    let torn = disk.copy();
    torn.flip_bit(FIRST_SEGMENT, 70 * 8);
    let bench = Bench::open(&torn, small());
    assert!(bench.is_err(), "the close has vouched for it, so this is damage");
    assert_eq!(Bench::open(&disk, small()).unwrap().recovered.last, Lsn(1));
}

#[test]
fn an_orderly_close_vouches_for_what_was_found_after_a_kill_too() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    assert!(bench.wait_durable(bench.append_body(9, &body(9)).unwrap()));
    let killed = disk.kill(1);
    drop(Bench::open(&killed, small()).unwrap());
    let at = events_before(&killed, FIRST_SEGMENT, 0);
    killed.flip_bit(FIRST_SEGMENT, at * 8);
    let error = Bench::open(&killed, small()).err().expect("a durable record is gone");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}
