//! Who has things go wrong: one fault after the other, drawn by the rates of the plan.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use longshore_broker::simulated::Told;
use longshore_broker::simulated::disk::{FaultyDisk, Operation};
use tokio::time::sleep;

use crate::clock::Millis;
use crate::invariant::Invariant;
use crate::machine::{Crash, Machine};
use crate::mutant::Mutant;
use crate::plan::Faults;
use crate::stage::Stage;
use crate::wrong;

/// How long a fault is waited for that needs something to happen.
const PATIENCE: Millis = 4000;
const TEN_YEARS: i64 = 10 * 365 * 86_400_000;
/// Jumps of the wall clock that are believed at a start.
const SMALL_JUMPS: [i64; 6] = [-1_200_000, -5_000, 1_500, 20_000, 400_000, 3_000_000];

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    PowerCut,
    AtACall,
    Orderly,
    FailingCall,
    Full,
    Short,
    WallClock,
    Damage,
}

/// Plays the faults of a schedule.
pub(crate) async fn storm(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    for _ in 0..stage.plan.faults_count {
        watch(machine, stage.draw.within(0..stage.plan.calm_max)).await;
        if stage.book().is_broken() {
            return;
        }
        if machine.has_failed() || machine.disk.is_off() {
            machine.crash_at_a_call();
            restart(machine).await;
        }
        play(machine, drawn(&stage)).await;
    }
}

fn drawn(stage: &Stage) -> Fault {
    let Faults { kill, power_cut, at_a_call, orderly, failing_call, .. } = stage.plan.faults;
    let Faults { full, short, wall_clock, damage, .. } = stage.plan.faults;
    let rates = [
        (Fault::Kill, kill),
        (Fault::PowerCut, power_cut),
        (Fault::AtACall, at_a_call),
        (Fault::Orderly, orderly),
        (Fault::FailingCall, failing_call),
        (Fault::Full, full),
        (Fault::Short, short),
        (Fault::WallClock, wall_clock),
        (Fault::Damage, damage),
    ];
    let mut at = stage.draw.within(0..rates.iter().map(|(_, rate)| rate).sum());
    for (fault, rate) in rates {
        if at < rate {
            return fault;
        }
        at -= rate;
    }
    Fault::Kill
}

async fn play(machine: &mut Machine, fault: Fault) {
    let stage = Arc::clone(&machine.stage);
    stage.book().note(stage.now(), format!("fault: {fault:?}"));
    match fault {
        Fault::Kill => {
            machine.crash(Crash::Kill);
            restart(machine).await;
        }
        Fault::PowerCut => {
            let crash = loop {
                let crash = machine.drawn_crash();
                if crash != Crash::Kill {
                    break crash;
                }
            };
            machine.crash(crash);
            restart(machine).await;
        }
        Fault::AtACall => at_a_call(machine).await,
        Fault::Orderly => {
            orderly(machine, false).await;
            restart(machine).await;
        }
        Fault::FailingCall => failing_call(machine).await,
        Fault::Full => full(machine).await,
        Fault::Short => {
            stage.book().seen.short += 1;
            machine.disk.set_short(true);
            watch(machine, stage.draw.within(0..PATIENCE)).await;
            machine.disk.set_short(false);
        }
        Fault::WallClock => wall_clock(machine).await,
        Fault::Damage => {
            orderly(machine, true).await;
            restart(machine).await;
        }
    }
}

async fn pause(stage: &Stage, max: Millis) {
    sleep(Duration::from_millis(stage.draw.within(0..max))).await;
}

/// Lets time pass, until the broker fails: then it ends at once.
async fn watch(machine: &Machine, time: Millis) {
    let until = machine.stage.now() + time;
    while machine.stage.now() < until && !machine.has_failed() && !machine.disk.is_off() {
        sleep(Duration::from_millis(2)).await;
    }
}

/// Starts the broker after a while, in which the wall clock may be set.
async fn restart(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    pause(&stage, 2000).await;
    if stage.plan.faults.wall_clock > 0 && stage.draw.chance(20) {
        jump(&stage, stage.draw.of(&SMALL_JUMPS));
    }
    if machine.start().await {
        wrong::start(&stage).await;
    }
}

/// A crash at one exact call that changes something.
async fn at_a_call(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    stage.weather().is_failing = true;
    machine.disk.power_off_at(stage.draw.within(1..60));
    watch(machine, PATIENCE).await;
    if machine.disk.is_off() {
        machine.crash_at_a_call();
    } else {
        let crash = machine.drawn_crash();
        machine.crash(crash);
    }
    restart(machine).await;
}

/// A call that fails: the broker ends, and the machine perhaps with it.
async fn failing_call(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    let operation = stage.draw.of(&[
        Operation::Write,
        Operation::Sync,
        Operation::Sync,
        Operation::SyncDir,
        Operation::Allocate,
        Operation::Name,
    ]);
    machine.disk.fail(operation, stage.draw.within(1..8), ErrorKind::Other);
    watch(machine, PATIENCE).await;
    if machine.has_failed() {
        let seen = &mut stage.book().seen;
        seen.failed_writes += u64::from(operation == Operation::Write);
        seen.failed_syncs += u64::from(operation == Operation::Sync);
    }
    if machine.has_failed() || stage.draw.chance(50) {
        let crash = machine.drawn_crash();
        machine.crash(crash);
        restart(machine).await;
    }
}

async fn full(machine: &Machine) {
    let stage = &machine.stage;
    stage.book().seen.full += 1;
    stage.weather().full_until = Millis::MAX / 2;
    machine.disk.set_full(true);
    watch(machine, stage.draw.within(0..3 * PATIENCE)).await;
    machine.disk.set_full(false);
    stage.weather().full_until = stage.now();
}

fn jump(stage: &Stage, by: i64) {
    let now = stage.now();
    stage.clocks.jump(by);
    stage.book().jumped(now, by);
}

/// The wall clock is set, stands still, or is far off for a while.
async fn wall_clock(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    match stage.draw.within(0..4) {
        0 | 1 => jump(&stage, stage.draw.of(&SMALL_JUMPS)),
        2 => {
            let began = stage.now();
            stage.clocks.set_stuck(true);
            watch(machine, stage.draw.within(0..3 * PATIENCE)).await;
            stage.clocks.set_stuck(false);
            let now = stage.now();
            stage.book().jumped(now, i64::try_from(now - began).unwrap_or(0));
        }
        _ => {
            let far = stage.draw.of(&[TEN_YEARS, -TEN_YEARS]);
            jump(&stage, far);
            if stage.draw.chance(50) {
                let crash = machine.drawn_crash();
                machine.crash(crash);
                restart(machine).await;
            }
            watch(machine, stage.draw.within(0..8 * PATIENCE)).await;
            jump(&stage, -far);
        }
    }
}

/// Stops the broker as it should be: a replay of its log makes what it held, and a second one too.
pub(crate) async fn orderly(machine: &mut Machine, with_damage: bool) {
    let stage = Arc::clone(&machine.stage);
    stage.book().seen.orderly += 1;
    let Some(told) = machine.stop().await else {
        if stage.door().is_some() {
            machine.crash(Crash::Kill);
        }
        return;
    };
    let copy = machine.disk.copy();
    for replay in ["first", "second"] {
        compare(machine, &told, &machine.replay(&copy), replay);
    }
    if with_damage {
        damage(machine, &told);
    }
}

fn compare(
    machine: &Machine,
    told: &Told,
    again: &Result<Told, longshore_broker::OpenError>,
    which: &str,
) {
    let mut book = machine.stage.book();
    book.seen.replays += 1;
    match again {
        Ok(again) if again == told => {}
        Ok(_) => book.find(Invariant::Replay, format!("the {which} replay made another state")),
        Err(failure) => book.find(Invariant::Opening, failure.to_string()),
    }
}

/// A bit of the closed store rots: either nothing depends on it, or the store says which file is damaged.
fn damage(machine: &Machine, told: &Told) {
    let stage = &machine.stage;
    let names: Vec<_> = machine.disk.names().into_iter().filter(|name| name != "lock").collect();
    for _ in 0..4 {
        let rotten = machine.disk.copy();
        let name = &names[stage.draw.index(names.len())];
        // What is written stands at the beginning of files.
        let bytes = rotten.contents(name).iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
        rotten.flip_bit(name, stage.draw.index(bytes * 8));
        stage.book().seen.rotten += 1;
        let mut opened = machine.replay(&rotten);
        if opened.is_err() && stage.mutant == Mutant::CutsDamage && name.starts_with("segment-") {
            // Its log ends where the damage is: at the worst, at its beginning.
            opened = machine.replay(&FaultyDisk::new(0));
        }
        let mut book = stage.book();
        match opened {
            Ok(again) if again == *told => {}
            Ok(_) => book.find(Invariant::Opening, format!("damage in {name} changed the state")),
            Err(failure) if failure.to_string().contains("faulty:/") => book.seen.named += 1,
            Err(failure) => book.find(Invariant::Opening, format!("damage in {name}: {failure}")),
        }
    }
}
