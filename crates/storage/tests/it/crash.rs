//! Power cuts and kills at every call that changes the disk: what was durable is there.

use longshore_storage::{
    BodyKey, Lsn, OpenError, Record, ReserveError,
    disk::{FaultyDisk, PowerCut},
};

use crate::kit::{Bench, small};

const CUTS: [PowerCut; 4] =
    [PowerCut::Nothing, PowerCut::Everything, PowerCut::SomeWrites, PowerCut::TornWrites];
/// The record that is appended after a recovery.
const AFTERWARDS: u64 = 1_000_000;

fn body(key: u64) -> Vec<u8> {
    let len = usize::try_from(key * 131 % 700).unwrap();
    vec![u8::try_from(key % 251).unwrap(); len]
}

/// Appends 24 records, in threes, and waits for each three. Stops at the first refusal.
fn workload(bench: &Bench) -> Result<(), ReserveError> {
    for group in 0..8u64 {
        let mut last = Lsn::ZERO;
        for key in 1..=3 {
            last = bench.append_body(3 * group + key, &body(3 * group + key))?;
        }
        if !bench.wait_durable(last) {
            return Err(ReserveError::Poisoned);
        }
    }
    Ok(())
}

/// Runs the workload, and says what was reported durable.
fn run(disk: &FaultyDisk) -> Lsn {
    let Ok(bench) = Bench::open(disk, small()) else { return Lsn::ZERO };
    workload(&bench).ok();
    bench.store.progress().durable
}

/// Opens the disk, and says what is wrong with what it holds, if anything.
fn check(disk: &FaultyDisk, durable: Lsn) -> Result<Bench, String> {
    let bench = Bench::open(disk, small()).map_err(|error: OpenError| error.to_string())?;
    let last = bench.recovered.last;
    if last < durable {
        return Err(format!("{durable} was durable, and the log ends at {last}"));
    }
    for (key, (lsn, _)) in (1..).zip(&bench.replayed) {
        let found = bench.store.read(BodyKey(key)).map_err(|error| error.to_string())?;
        if *lsn != Lsn(key) || found.as_deref() != Some(&body(key)[..]) {
            return Err(format!("record {lsn} is not what was appended"));
        }
    }
    Ok(bench)
}

/// A recovered store goes on: what is appended now comes back, and nothing that was cut does.
fn goes_on(disk: &FaultyDisk, bench: Bench, seed: u64) {
    let lsn = bench.append_body(AFTERWARDS, b"afterwards").unwrap();
    assert!(bench.wait_durable(lsn));
    drop(bench);
    let again = Bench::open(&disk.power_cut(PowerCut::Nothing, seed), small()).unwrap();
    assert_eq!(again.recovered.last, lsn);
    assert_eq!(again.store.read(BodyKey(AFTERWARDS)).unwrap().unwrap(), "afterwards");
}

#[test]
fn whatever_the_power_cut_leaves_every_durable_record_is_there_in_order() {
    for at in 1.. {
        let disk = FaultyDisk::new(at);
        disk.power_off_at(at);
        let durable = run(&disk);
        let finished = !disk.is_off();
        for (cut, seed) in
            CUTS.into_iter().zip(at..).chain((0..4).map(|s| (PowerCut::TornWrites, s)))
        {
            let left = disk.power_cut(cut, seed);
            let bench = check(&left, durable)
                .unwrap_or_else(|wrong| panic!("call {at}, {cut:?}, seed {seed}: {wrong}"));
            goes_on(&left, bench, seed);
        }
        if finished {
            assert_eq!(durable, Lsn(24), "the workload was not run to its end");
            return;
        }
    }
}

#[test]
fn a_recovery_that_is_cut_short_can_be_begun_again() {
    let disk = FaultyDisk::new(1);
    disk.power_off_at(60);
    let durable = run(&disk);
    for seed in 0..40 {
        for at in 1..20 {
            let left = disk.power_cut(PowerCut::TornWrites, seed);
            left.power_off_at(at);
            drop(Bench::open(&left, small()));
            let twice = left.power_cut(PowerCut::TornWrites, seed + at);
            check(&twice, durable)
                .unwrap_or_else(|wrong| panic!("seed {seed}, call {at}: {wrong}"));
        }
    }
}

#[test]
fn opening_twice_finds_the_same() {
    let disk = FaultyDisk::new(1);
    disk.power_off_at(55);
    let durable = run(&disk);
    for seed in 0..40 {
        let left = disk.power_cut(PowerCut::TornWrites, seed);
        let first = check(&left, durable).unwrap().recovered.last;
        let second = check(&left.kill(seed), durable).unwrap();
        assert_eq!((second.recovered.last, second.recovered.torn_bytes), (first, 0));
    }
}

#[test]
fn what_was_replayed_after_a_kill_survives_a_power_cut_too() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let record = Record { events: b"a receive", bodies: Vec::new(), sync: false };
    let lsn = bench.append(record).unwrap();
    bench.wait(|progress| progress.written >= lsn);
    let killed = disk.kill(1);
    assert_eq!(Bench::open(&killed, small()).unwrap().recovered.last, lsn);
    let cut = killed.power_cut(PowerCut::Nothing, 1);
    assert_eq!(Bench::open(&cut, small()).unwrap().recovered.last, lsn);
}

#[test]
fn a_disk_that_lies_about_syncs_is_found_out_by_these_tests() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    disk.set_lying(true);
    workload(&bench).unwrap();
    let durable = bench.store.progress().durable;
    drop(bench);
    let lost = check(&disk.power_cut(PowerCut::Nothing, 1), durable);
    assert!(lost.is_err(), "the check would not notice a sync left out");
}

#[test]
fn a_torn_tail_is_cut_and_reported_with_its_place() {
    let disk = FaultyDisk::new(1);
    let bench = Bench::open(&disk, small()).unwrap();
    let lsn = bench.append_body(1, &body(1)).unwrap();
    assert!(bench.wait_durable(lsn));
    drop(bench);
    let name = "segment-00000001.log";
    let mut bytes = disk.contents(name);
    let end = 1 + bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end + 100] = 7;
    let torn = FaultyDisk::new(2);
    for file in ["identity", "manifest"] {
        torn.set_contents(file, disk.contents(file));
    }
    torn.set_contents(name, bytes);

    let bench = Bench::open(&torn, small()).unwrap();
    assert_eq!(bench.recovered.last, lsn);
    assert_eq!(bench.recovered.torn.len(), 1);
    assert_eq!(bench.recovered.torn[0].file, format!("faulty:/{name}"));
    assert!((90..=101).contains(&bench.recovered.torn_bytes), "{:?}", bench.recovered);
    assert_eq!(torn.contents(name), disk.contents(name), "the rest is zeros again");
}

#[test]
fn an_opening_that_is_killed_and_then_loses_power_can_be_begun_again() {
    for killed_at in 1..30 {
        let disk = FaultyDisk::new(1);
        disk.power_off_at(killed_at);
        drop(Bench::open(&disk, small()));
        for cut_at in (1 + killed_at % 2..30).step_by(2) {
            for seed in 0..4 {
                let again = disk.kill(seed);
                again.power_off_at(cut_at);
                drop(Bench::open(&again, small()));
                let left = again.power_cut(PowerCut::SomeWrites, seed);
                check(&left, Lsn::ZERO).unwrap_or_else(|wrong| {
                    panic!("killed at {killed_at}, cut at {cut_at}, seed {seed}: {wrong}")
                });
            }
        }
    }
}
