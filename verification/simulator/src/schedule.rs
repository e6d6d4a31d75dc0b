//! One schedule: a storm, and then calm weather.
//!
//! ```text
//! plan ─▶ machine starts ─▶ queues are made ─▶ clients work │ faults come ─▶ calm: all is drained ─▶ accounts
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use crate::calm::calm;
use crate::clients::{make, work};
use crate::invariant::Invariant;
use crate::machine::Machine;
use crate::mutant::Mutant;
use crate::nemesis::storm;
use crate::plan::{Mode, Plan};
use crate::stage::Stage;

/// The order in which queues are made: one to which dead letters go comes first.
const ORDER: [usize; 5] = [2, 3, 0, 1, 4];

/// Plays a schedule to its end, or until an invariant does not hold.
pub(crate) async fn play(plan: Plan, mutant: Mutant, with_words: bool) -> Arc<Stage> {
    let stage = Stage::new(plan, mutant, with_words);
    let mut machine = Machine::new(Arc::clone(&stage));
    if found(&mut machine).await {
        let clients: Vec<_> =
            (0..stage.plan.clients).map(|_| tokio::spawn(work(Arc::clone(&stage)))).collect();
        stage.weather().is_stormy = true;
        storm(&mut machine).await;
        calm(&mut machine).await;
        clients.iter().for_each(tokio::task::JoinHandle::abort);
    }
    let now = stage.now();
    let mut book = stage.book();
    book.seen.millis = now;
    book.seen.schedules = 1;
    drop(book);
    stage
}

/// Starts that may end in a crash until the queues are there.
const FOUNDINGS_MAX: usize = 20;
/// More calls than a schedule has.
const NEVER: u64 = 1 << 40;

/// The first start: from here on the queues are there, and stay. It may be interrupted.
async fn found(machine: &mut Machine) -> bool {
    let stage = Arc::clone(&machine.stage);
    for _ in 0..FOUNDINGS_MAX {
        if !machine.start().await {
            return false;
        }
        if make_all(&stage).await && !machine.disk.is_off() {
            machine.disk.power_off_at(NEVER);
            stage.weather().is_failing = false;
            if let Mode::Relaxed(interval) = stage.plan.mode {
                let step = Duration::from_millis(stage.plan.disk_max * 200);
                sleep(2 * interval + step).await;
            }
            return true;
        }
        // A crash that was meant for the opening came later.
        machine.crash_at_a_call();
    }
    stage.book().find(Invariant::Liveness, "the queues cannot be made");
    false
}

async fn make_all(stage: &Arc<Stage>) -> bool {
    for queue in ORDER {
        let Some(door) = stage.door() else { return false };
        if !make(stage, &door, queue).await {
            return false;
        }
    }
    true
}
