//! Random stores, driven through crashes and reopenings, against a list of what was appended.

use std::{io::ErrorKind, time::Duration};

use bytes::Bytes;
use longshore_storage::{
    BodyKey, Lsn, Options, Record,
    disk::{FaultyDisk, Operation, PowerCut},
};

use crate::kit::{Bench, small};

/// How many stores a test run tries.
const SEEDS: u64 = 150;

/// Xorshift: seeded, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// What must be in the log: the body's key and contents of each record, by its place.
#[derive(Default)]
struct Model {
    appended: Vec<(u64, Vec<u8>)>,
    next_key: u64,
}

impl Model {
    /// What was recovered is a beginning of what was appended, and holds all that was durable.
    fn check(&mut self, disk: &FaultyDisk, bench: &Bench, durable: Lsn, seed: u64) {
        let last = bench.recovered.last;
        assert!(last >= durable, "SEED={seed}: {durable} was durable, the log ends at {last}");
        let last = usize::try_from(last.0).unwrap();
        assert!(last <= self.appended.len(), "SEED={seed}: records from nowhere");
        self.appended.truncate(last);
        for ((key, body), (_, events)) in self.appended.iter().zip(&bench.replayed) {
            assert_eq!(events, &key.to_le_bytes(), "SEED={seed}");
            let found = match bench.store.read(BodyKey(*key)) {
                Ok(found) => found,
                Err(error) if disk.is_off() => return drop(error),
                Err(error) => panic!("SEED={seed}: {error}"),
            };
            assert_eq!(found.as_deref(), Some(&body[..]), "SEED={seed} key {key}");
        }
    }

    /// Appends one record. False if the store takes no more.
    fn append(&mut self, bench: &Bench, random: &mut Random) -> bool {
        let key = self.next_key;
        let len = usize::try_from(random.below(800)).unwrap();
        let body = vec![u8::try_from(random.below(256)).unwrap(); len];
        let bodies = vec![(BodyKey(key), Bytes::from(body.clone()))];
        let record = Record { events: &key.to_le_bytes(), bodies, sync: !random.one_in(3) };
        let waited = record.sync;
        let Ok(lsn) = bench.append(record) else { return false };
        self.next_key += 1;
        self.appended.push((key, body));
        !waited || random.one_in(2) || bench.wait_durable(lsn)
    }
}

fn options(random: &mut Random) -> Options {
    Options {
        segment_bytes: 4096 << random.below(4),
        cache_bytes: usize::try_from(random.below(4000)).unwrap(),
        idle: Duration::from_micros(1 << random.below(20)),
        ..small()
    }
}

fn disturb(disk: &FaultyDisk, random: &mut Random) {
    match random.below(5) {
        0 => disk.fail(Operation::Sync, 1 + random.below(40), ErrorKind::Other),
        1 => disk.fail(Operation::Write, 1 + random.below(40), ErrorKind::Other),
        2 | 3 => disk.power_off_at(1 + random.below(150)),
        _ => {}
    }
    disk.set_short(random.one_in(4));
}

fn end(disk: &FaultyDisk, random: &mut Random) -> FaultyDisk {
    let seed = random.below(1 << 40);
    match random.below(5) {
        0 => disk.power_cut(PowerCut::Nothing, seed),
        1 => disk.power_cut(PowerCut::SomeWrites, seed),
        2 => disk.kill(seed),
        _ => disk.power_cut(PowerCut::TornWrites, seed),
    }
}

fn run(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut disk = FaultyDisk::new(seed);
    let mut model = Model::default();
    let mut durable = Lsn::ZERO;
    for _ in 0..=random.below(6) {
        disturb(&disk, &mut random);
        if let Ok(bench) = Bench::open(&disk, options(&mut random)) {
            model.check(&disk, &bench, durable, seed);
            for _ in 0..random.below(60) {
                if !model.append(&bench, &mut random) {
                    break;
                }
            }
            if random.one_in(3) {
                bench.store.close().ok();
            }
            durable = bench.store.progress().durable;
            disk = end(&disk, &mut random);
        } else {
            disk = end(&disk, &mut random);
        }
    }
    let bench = Bench::open(&disk, options(&mut random))
        .unwrap_or_else(|error| panic!("SEED={seed}: {error}"));
    model.check(&disk, &bench, durable, seed);
}

#[test]
fn random_stores_keep_every_durable_record_over_crashes_and_reopenings() {
    (1..=SEEDS).for_each(run);
}
