//! Checkpoints and what they give back: whatever happens on the way, all that was durable is there.

mod backup;
mod book;
mod rot;
mod salvage;

use std::{
    collections::BTreeSet,
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use longshore_storage::{
    BodyKey, CheckpointError, Lsn, Options, SyncMode,
    disk::{FaultyDisk, Operation, PowerCut},
};

use crate::kit::small;
use book::{Keeper, Op, body, verify};

/// Keys that stay for ever.
const LONG_LIVED: [u64; 2] = [3, 17];

/// Sends `key`, and deletes one that was sent a while before.
fn step(keeper: &mut Keeper, key: u64) -> bool {
    let Ok(lsn) = keeper.append(Op::Sent(key)) else { return false };
    let old = key.saturating_sub(7);
    if keeper.live.contains(&old) && !LONG_LIVED.contains(&old) {
        keeper.append(Op::Deleted(old)).ok();
    }
    keeper.wait(lsn)
}

/// Sends and deletes, with checkpoints in between during which it goes on doing so.
fn work(keeper: &mut Keeper, first: u64) {
    let mut key = first;
    for _ in 0..3 {
        for _ in 0..7 {
            key += 1;
            if !step(keeper, key) {
                return;
            }
        }
        let meanwhile = |keeper: &mut Keeper| {
            key += 1;
            step(keeper, key);
        };
        if keeper.checkpoint(meanwhile).is_err() {
            return;
        }
    }
}

/// What is live after the records up to `last`.
fn live_at(keeper: &Keeper, last: Lsn) -> BTreeSet<u64> {
    let mut live = BTreeSet::new();
    for (_, op) in keeper.said.range(..=last) {
        match op {
            Op::Sent(key) => live.insert(*key),
            Op::Deleted(key) => live.remove(key),
            Op::Noted => true,
        };
    }
    live
}

/// Opens what is left of a disk, and compares it with what the caller had said before.
fn check(left: &FaultyDisk, before: &Keeper, durable: Lsn) -> Result<Keeper, String> {
    let keeper = Keeper::open(left, small()).map_err(|error| error.to_string())?;
    let last = keeper.recovered.last;
    if last < durable {
        return Err(format!("{durable} was durable, and the log ends at {last}"));
    }
    if keeper.live != live_at(before, last) {
        return Err(format!("what is live at {last} is not what was said"));
    }
    keeper.check_bodies()?;
    Ok(keeper)
}

/// A recovered store goes on, and can be checkpointed and opened again.
fn goes_on(left: &FaultyDisk, mut keeper: Keeper) -> Result<(), String> {
    work(&mut keeper, 1000);
    keeper.check_bodies()?;
    let live = keeper.live.clone();
    keeper.store.close().map_err(|error| error.to_string())?;
    drop(keeper);
    if let Some(damage) = verify(left).map_err(|error| error.to_string())?.damage {
        return Err(damage.to_string());
    }
    let again = Keeper::open(left, small()).map_err(|error| error.to_string())?;
    again.check_bodies()?;
    if again.live == live { Ok(()) } else { Err("it did not go on".to_owned()) }
}

#[test]
fn what_is_appended_just_before_a_checkpoint_is_in_it_with_its_body() {
    for round in 0..20 {
        let disk = FaultyDisk::new(round);
        let mut keeper = Keeper::open(&disk, small()).unwrap();
        let mut last = Lsn::ZERO;
        for key in 1..=30 {
            last = keeper.append(Op::Sent(key)).unwrap();
        }
        let mut checkpoint = keeper.store.begin_checkpoint().unwrap();
        let live: Vec<u8> = keeper.live.iter().flat_map(|key| key.to_le_bytes()).collect();
        checkpoint.write(&live).unwrap();
        assert!(keeper.wait(last));
        checkpoint.write_bodies().unwrap();
        keeper.end(&mut checkpoint);
        checkpoint.publish().unwrap();
        let left = disk.power_cut(PowerCut::Nothing, round);
        check(&left, &keeper, last).unwrap();
    }
}

#[test]
fn whatever_the_power_cut_leaves_of_a_checkpoint_every_durable_record_is_there() {
    for at in 1.. {
        let disk = FaultyDisk::new(at);
        let mut keeper = Keeper::open(&disk, small()).unwrap();
        disk.power_off_at(disk.changes() + at);
        work(&mut keeper, 0);
        let durable = keeper.store.progress().durable;
        let finished = !disk.is_off();
        let cuts = [PowerCut::Nothing, PowerCut::Everything, PowerCut::SomeWrites];
        let other = cuts[usize::try_from(at).unwrap() % 3];
        for (cut, seed) in [(PowerCut::TornWrites, at), (other, at + 1)] {
            let left = disk.power_cut(cut, seed);
            let went = check(&left, &keeper, durable)
                .and_then(|again| if seed % 8 == 0 { goes_on(&left, again) } else { Ok(()) });
            went.unwrap_or_else(|wrong| panic!("call {at}, {cut:?}, seed {seed}: {wrong}"));
        }
        if finished {
            assert!(at > 150, "{at}");
            return;
        }
    }
}

#[test]
fn an_opening_from_a_checkpoint_that_is_cut_short_can_be_begun_again() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 0);
    let durable = keeper.store.progress().durable;
    for seed in 0..8 {
        for at in 1..25 {
            let left = disk.power_cut(PowerCut::TornWrites, seed);
            left.power_off_at(at);
            drop(Keeper::open(&left, small()));
            let twice = left.power_cut(PowerCut::SomeWrites, seed + at);
            check(&twice, &keeper, durable)
                .unwrap_or_else(|wrong| panic!("seed {seed}, call {at}: {wrong}"));
        }
    }
}

#[test]
fn a_write_or_sync_that_fails_in_a_checkpoint_poisons_and_loses_nothing() {
    let operations = [
        Operation::Write,
        Operation::Sync,
        Operation::SyncDir,
        Operation::Name,
        Operation::Allocate,
    ];
    for operation in operations {
        for nth in (1..).step_by(2) {
            let disk = FaultyDisk::new(nth);
            let mut keeper = Keeper::open(&disk, small()).unwrap();
            disk.fail(operation, nth, ErrorKind::Other);
            work(&mut keeper, 0);
            let durable = keeper.store.progress().durable;
            let poisoned = keeper.store.progress().poisoned;
            let left = disk.power_cut(PowerCut::SomeWrites, nth);
            check(&left, &keeper, durable)
                .unwrap_or_else(|wrong| panic!("{operation:?} {nth}: {wrong}"));
            if !poisoned {
                break;
            }
        }
    }
}

#[test]
fn in_relaxed_mode_a_checkpoint_waits_for_the_log_and_a_power_cut_leaves_a_store_that_opens() {
    let relaxed =
        |millis| Options { sync: SyncMode::Interval(Duration::from_millis(millis)), ..small() };
    for seed in 0..20 {
        let disk = FaultyDisk::new(seed);
        let mut keeper = Keeper::open(&disk, relaxed(1)).unwrap();
        work(&mut keeper, 0);
        let left = disk.power_cut(PowerCut::Nothing, seed);
        check(&left, &keeper, Lsn::ZERO).unwrap();
    }
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, relaxed(3_600_000)).unwrap();
    assert!(step(&mut keeper, 1));
    let mut checkpoint = keeper.store.begin_checkpoint().unwrap();
    checkpoint.write(&1u64.to_le_bytes()).unwrap();
    checkpoint.write_bodies().unwrap();
    keeper.end(&mut checkpoint);
    thread::scope(|scope| {
        let publishing = scope.spawn(|| checkpoint.publish());
        (0..1000).for_each(|_| thread::yield_now());
        assert!(!publishing.is_finished(), "nothing has been synced");
        keeper.store.close().unwrap();
        publishing.join().unwrap().unwrap();
    });
}

#[test]
fn replaying_begins_at_the_checkpoint() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 0);
    let live = keeper.live.clone();
    keeper.store.close().unwrap();
    let said = keeper.said.len() as u64;
    drop(keeper);
    let again = Keeper::open(&disk, small()).unwrap();
    assert_eq!(again.live, live);
    assert_eq!(again.replayed, again.recovered.records);
    assert!(again.replayed < said / 3, "{} of {said}", again.replayed);
}

/// Segment files in the directory.
fn segments(disk: &FaultyDisk) -> usize {
    disk.names().iter().filter(|name| name.starts_with("segment-")).count()
}

#[test]
fn c11_what_passes_through_leaves_no_segments_behind() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    let mut most = 0;
    for key in 1..=1000 {
        assert!(step(&mut keeper, key));
        if keeper.store.is_checkpoint_due() {
            keeper.checkpoint(|_| ()).unwrap();
        }
        most = most.max(segments(&disk)).max(keeper.store.usage().segments);
    }
    assert!(most < 20, "{most} segments for a queue of seven messages");
    keeper.check_bodies().unwrap();
}

/// Sends 200, and deletes all but each fortieth; then moves and checkpoints as long as it pays.
fn drain_but_a_few(keeper: &mut Keeper) {
    for key in 1..=200 {
        let Ok(lsn) = keeper.append(Op::Sent(key)) else { return };
        if !keeper.wait(lsn) {
            return;
        }
    }
    for key in (1..=200).filter(|key| key % 40 > 0) {
        keeper.append(Op::Deleted(key)).ok();
    }
    while keeper.store.is_checkpoint_due() && keeper.checkpoint(|_| ()).is_ok() {
        while keeper.move_bodies() > 0 {}
    }
}

#[test]
fn a_few_bodies_that_stay_are_moved_on_and_keep_no_segments() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    drain_but_a_few(&mut keeper);
    keeper.check_bodies().unwrap();
    assert!(keeper.store.usage().segments < 14, "{}", keeper.store.usage().segments);
    keeper.store.close().unwrap();
    let again = check(&disk, &keeper, keeper.store.progress().durable).unwrap();
    assert_eq!(again.live.len(), 5);
}

#[test]
fn whatever_the_power_cut_leaves_while_bodies_are_moved_they_are_there() {
    let whole = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&whole, small()).unwrap();
    let before = whole.changes();
    drain_but_a_few(&mut keeper);
    let calls = whole.changes() - before;
    for at in (calls - 160..calls).step_by(2) {
        let disk = FaultyDisk::new(at);
        let mut keeper = Keeper::open(&disk, small()).unwrap();
        disk.power_off_at(disk.changes() + at);
        drain_but_a_few(&mut keeper);
        let durable = keeper.store.progress().durable;
        for cut in [PowerCut::Nothing, PowerCut::TornWrites] {
            check(&disk.power_cut(cut, at), &keeper, durable)
                .unwrap_or_else(|wrong| panic!("call {at}, {cut:?}: {wrong}"));
        }
    }
}

#[test]
fn after_a_burst_is_drained_the_segments_are_given_back() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    for key in 1..=300 {
        let lsn = keeper.append(Op::Sent(key)).unwrap();
        assert!(keeper.wait(lsn));
    }
    assert!(segments(&disk) > 40);
    for key in 1..=300 {
        keeper.append(Op::Deleted(key)).unwrap();
    }
    while keeper.store.is_checkpoint_due() {
        keeper.checkpoint(|_| ()).unwrap();
    }
    let left = || segments(&disk);
    while left() > 8 {
        thread::yield_now();
    }
    assert!(!keeper.store.is_checkpoint_due(), "nothing more is to be had");
}

#[test]
fn deleting_on_a_full_disk_brings_space_back_and_sends_go_on() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    disk.set_full(true);
    let mut key = 0;
    while keeper.append(Op::Sent(key + 1)).is_ok() {
        key += 1;
        let said = *keeper.said.last_key_value().unwrap().0;
        assert!(keeper.wait(said));
    }
    for _ in 0..5 {
        for old in keeper.live.clone() {
            keeper.append(Op::Deleted(old)).unwrap();
        }
        assert!(keeper.store.is_checkpoint_due(), "a full disk is reason enough");
        keeper.checkpoint(|_| ()).unwrap();
        let mut sent = 0;
        loop {
            match keeper.append(Op::Sent(key + 1)) {
                Ok(lsn) => {
                    (key, sent) = (key + 1, sent + 1);
                    assert!(keeper.wait(lsn));
                }
                Err(_) if sent > 0 => break,
                Err(_) => thread::yield_now(),
            }
        }
    }
    keeper.check_bodies().unwrap();
}

#[test]
fn a_disk_that_is_too_full_for_a_checkpoint_keeps_the_one_before() {
    let options = || Options { segment_bytes: 64 << 10, ..small() };
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, options()).unwrap();
    work(&mut keeper, 0);
    disk.set_full(true);
    let mut checkpoint = keeper.store.begin_checkpoint().unwrap();
    let piece = vec![0; 32 << 10];
    let refused = (0..100).find_map(|_| checkpoint.write(&piece).err());
    assert!(matches!(refused, Some(CheckpointError::Full)), "{refused:?}");
    drop(checkpoint);
    assert!(!keeper.store.progress().poisoned);
    let live = keeper.live.clone();
    keeper.store.close().unwrap();
    drop(keeper);
    assert_eq!(Keeper::open(&disk, options()).unwrap().live, live);
}

#[test]
fn a_checkpoint_counts_only_when_the_log_is_durable_as_far_as_it_goes() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    assert!(step(&mut keeper, 1));
    let mut checkpoint = keeper.store.begin_checkpoint().unwrap();
    checkpoint.write(&1u64.to_le_bytes()).unwrap();
    checkpoint.write_bodies().unwrap();
    disk.hold_syncs("segment-00000001.log");
    let lsn = keeper.append(Op::Noted).unwrap();
    checkpoint.end(lsn);
    assert!(matches!(checkpoint.publish(), Err(CheckpointError::TooEarly)));
    disk.release_syncs();
}

#[test]
fn the_places_of_bodies_are_told_only_when_all_of_them_are_written() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    disk.hold_syncs("segment-00000001.log");
    keeper.append(Op::Sent(1)).unwrap();
    disk.wait_for_held_sync();
    let waits = keeper.append(Op::Sent(2)).unwrap();
    let mut checkpoint = keeper.store.begin_checkpoint().unwrap();
    assert_eq!(checkpoint.lsn(), waits);
    assert!(matches!(checkpoint.write_bodies(), Err(CheckpointError::TooEarly)));
    disk.release_syncs();
    assert!(keeper.wait(waits));
    checkpoint.write_bodies().unwrap();
}

#[test]
fn a_flipped_bit_anywhere_gives_correct_data_or_an_error_that_names_the_file() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 0);
    keeper.store.close().unwrap();
    let said = keeper;
    let mut errors = 0;
    for name in disk.names().iter().filter(|name| *name != "lock") {
        let bytes = disk.contents(name);
        for byte in (0..bytes.len()).filter(|byte| *byte < 600 || bytes[*byte] != 0).step_by(7) {
            let copy = disk.copy();
            copy.flip_bit(name, byte * 8 + byte % 8);
            match check(&copy, &said, said.store.progress().durable) {
                Ok(_) => {}
                Err(wrong) => {
                    assert!(wrong.starts_with("faulty:/"), "{name} byte {byte}: {wrong}");
                    errors += 1;
                }
            }
        }
    }
    assert!(errors > 400, "{errors}");
}

#[test]
fn a_checkpoint_that_is_gone_is_named() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    work(&mut keeper, 0);
    keeper.store.close().unwrap();
    for (file, counts) in [("checkpoint-a", true), ("checkpoint-b", false)] {
        let left = FaultyDisk::new(2);
        for name in disk.names().iter().filter(|name| *name != file) {
            left.set_contents(name, disk.contents(name));
        }
        let said = Keeper::open(&left, small()).err().map(|error| error.to_string());
        assert_eq!(said.is_some(), counts, "{said:?}");
        assert!(said.is_none_or(|said| said.contains(file)), "{file}");
    }
}

#[test]
fn a_read_that_races_a_recycle_sees_a_release() {
    let disk = FaultyDisk::new(1);
    let mut keeper = Keeper::open(&disk, small()).unwrap();
    let store = Arc::clone(&keeper.store);
    let (stop, newest) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut reads = 0;
            while !stop.load(Ordering::SeqCst) {
                let newest = newest.load(Ordering::SeqCst);
                for key in newest.saturating_sub(9)..=newest {
                    let found = store.read(BodyKey(key)).expect("nothing is damaged");
                    assert!(found.is_none_or(|found| found == body(key)), "another's body");
                    reads += 1;
                }
            }
            reads
        });
        for key in 1..=600 {
            assert!(step(&mut keeper, key));
            newest.store(key, Ordering::SeqCst);
            if keeper.store.is_checkpoint_due() {
                keeper.checkpoint(|_| ()).unwrap();
            }
        }
        stop.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 100);
    });
}

#[test]
fn after_a_restart_recycled_segments_are_read_as_they_are_now() {
    for round in 0..8 {
        let disk = FaultyDisk::new(round);
        let open = || Keeper::open(&disk, Options { cache_bytes: 0, ..small() }).unwrap();
        let mut keeper = open();
        work(&mut keeper, 0);
        let mut key = 100;
        for _ in 0..round {
            key += 1;
            assert!(step(&mut keeper, key));
        }
        keeper.store.close().unwrap();
        drop(keeper);
        let mut keeper = open();
        for key in 1000..1100 {
            let lsn = keeper.append(Op::Sent(key)).unwrap();
            assert!(keeper.wait(lsn));
        }
        keeper.check_bodies().unwrap();
    }
}
