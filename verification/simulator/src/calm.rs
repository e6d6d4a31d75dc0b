//! Calm weather, in which all must come to its end: everything is served, every queue comes to be empty, every message is
//! accounted for, and the disk gives its space back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::checks;
use crate::clients::{count, delete_all, make};
use crate::clock::Millis;
use crate::history::Held;
use crate::invariant::{Finding, Invariant};
use crate::machine::{Crash, Machine};
use crate::nemesis::orderly;
use crate::plan::{BRIEF, STANDARD};
use crate::receiving::{Wanted, receive};
use crate::sending::send_one;
use crate::stage::{Door, Stage};

/// How long it may take until all is received and deleted: leases and delays are a minute at the most.
const DRAIN_MAX: Millis = 300_000;
/// How long a message may be there before one who waits for it has it.
const WAKE_MAX: Millis = 5_000;
/// Seconds that one waits for it.
const WAIT: u64 = 15;
/// When the disk has given back what it can.
const SETTLED: Duration = Duration::from_secs(40);
/// The segments of a store in which nothing lives: those to replay, the spares, and those that will be spares.
const SEGMENTS_MAX: usize = 14;

/// Ends a schedule.
pub(crate) async fn calm(machine: &mut Machine) {
    let stage = Arc::clone(&machine.stage);
    stage.weather().is_calm = true;
    let ahead = stage.clocks.ahead();
    if ahead != 0 {
        stage.clocks.jump(-ahead);
        stage.book().jumped(stage.now(), -ahead);
    }
    machine.crash(Crash::Kill);
    // Clients come to the end of what they had begun.
    sleep(Duration::from_secs(2)).await;
    if stage.book().is_broken() || !machine.start().await {
        return;
    }
    let Some(door) = stage.door() else { return };
    if !serve(&stage, &door).await {
        return;
    }
    let there = counted(&stage, &door).await;
    drain(&stage, &door, there).await;
    wake(&stage, &door).await;
    drop(door);
    account(&stage);
    sleep(SETTLED).await;
    measure(machine);
    orderly(machine, false).await;
}

/// I33: every queue takes messages.
async fn serve(stage: &Arc<Stage>, door: &Door) -> bool {
    make(stage, door, BRIEF).await;
    for queue in 0..stage.plan.queues.len() {
        let is_source = stage.plan.queues[queue].name.starts_with("dead");
        if !is_source && !send_one(stage, door, queue).await {
            let seen = format!("queue {queue} takes no message in calm weather");
            stage.book().find(Invariant::Liveness, seen);
            return false;
        }
    }
    true
}

/// How many messages all queues have. A task that moves some moves on.
async fn counted(stage: &Arc<Stage>, door: &Door) -> u64 {
    let mut all = 0;
    for queue in 0..stage.plan.queues.len() {
        all += count(stage, door, queue).await.unwrap_or(0);
    }
    all
}

/// I33 and I36: all that the queues say they have is received and deleted, and then they are empty.
async fn drain(stage: &Arc<Stage>, door: &Door, there: u64) {
    let until = stage.now() + DRAIN_MAX;
    let mut deleted = BTreeSet::new();
    let wanted = Wanted { messages: 10, wait: 0, visibility: Some(120) };
    stage.held().clear();
    while counted(stage, door).await > 0 {
        for queue in 0..stage.plan.queues.len() {
            receive(stage, door, queue, wanted).await;
            let held = std::mem::take(&mut *stage.held());
            for group in held.chunks(10).filter(|group| !group.is_empty()) {
                deleted.extend(delete(stage, door, group.to_vec()).await);
            }
        }
        if stage.now() > until || stage.book().is_broken() {
            let left = counted(stage, door).await;
            let seen = format!("{left} messages are left after {} s", DRAIN_MAX / 1000);
            return stage.book().find(Invariant::Liveness, seen);
        }
        sleep(Duration::from_millis(300)).await;
    }
    let counted = deleted.len() as u64;
    if counted != there && !stage.plan.moves {
        let seen = format!("the queues said {there} messages, and had {counted}");
        stage.book().find(Invariant::QueueCounts, seen);
    }
}

async fn delete(stage: &Arc<Stage>, door: &Door, held: Vec<Held>) -> Vec<usize> {
    let numbers = held.iter().map(|held| held.sent).collect();
    delete_all(stage, door, held).await;
    numbers
}

/// I31: who waits for a message has it soon.
async fn wake(stage: &Arc<Stage>, door: &Door) {
    let began = stage.now();
    let (waiting, asked) = (Arc::clone(stage), door.clone());
    let waits = tokio::spawn(async move {
        let wanted = Wanted { messages: 1, wait: WAIT, visibility: Some(120) };
        receive(&waiting, &asked, STANDARD, wanted).await;
    });
    sleep(Duration::from_secs(1)).await;
    send_one(stage, door, STANDARD).await;
    let delay = stage.book().sent.last().map_or(0, |sent| sent.delay);
    drop(waits.await);
    let took = stage.now() - began - 1000;
    let held = std::mem::take(&mut *stage.held());
    if held.is_empty() && delay < WAIT * 1000 - 1000 || took > delay + WAKE_MAX {
        let seen = format!("who waits had {} messages after {took} ms", held.len());
        stage.book().find(Invariant::Waking, seen);
    }
    if !held.is_empty() {
        delete_all(stage, door, held).await;
    }
}

/// I1: what was acknowledged was received, or went otherwise.
fn account(stage: &Stage) {
    let found = checks::at_the_end(&stage.book());
    if let Some(Finding { invariant, seen }) = found {
        stage.book().find(invariant, seen);
    }
}

/// I38: where nothing lives, the disk holds little.
fn measure(machine: &Machine) {
    let names = machine.disk.names();
    let segments = names.iter().filter(|name| name.starts_with("segment-")).count();
    if segments > SEGMENTS_MAX {
        let seen = format!("{segments} segments are kept, and no message lives");
        machine.stage.book().find(Invariant::Bounds, seen);
    }
}
