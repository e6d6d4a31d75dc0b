//! The machine that the broker runs on: it starts, is killed, loses its power, and its disk does what it can, step by
//! step.

use std::sync::{Arc, Weak};
use std::time::Duration;

use longshore_broker::simulated::disk::{FaultyDisk, PowerCut};
use longshore_broker::simulated::{Replayed, Store, Told};
use longshore_broker::{Broker, BrokerOptions, OpenError, StoreOptions, SyncMode};
use longshore_types::RandomSource as _;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::clients::act_meanwhile;
use crate::clock::{Millis, millis};
use crate::disk::{Around, Part, SimulatedDisk};
use crate::invariant::Invariant;
use crate::mutant::Mutant;
use crate::plan::Mode;
use crate::stage::Stage;

/// Starts that may end in a crash, one after the other.
const STARTS_MAX: u64 = 60;
/// How long the log rests before it is vouched for, and how long a record is unsynced that nobody waits for.
const IDLE: Millis = 1000;
/// Longer than any schedule takes: what a store does after a while, is done when it is told to.
const NEVER: Duration = Duration::from_secs(86_400);

/// How a machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// The process ends; what it wrote stays.
    Kill,
    /// The power is cut; so much stays of what was not synced.
    PowerCut(PowerCut),
}

/// The machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) stage: Arc<Stage>,
    pub(crate) disk: FaultyDisk,
    around: Around,
    store: Option<Arc<Store>>,
    hands: Vec<JoinHandle<()>>,
}

impl Machine {
    pub(crate) fn new(stage: Arc<Stage>) -> Self {
        let around = Around::new(stage.mutant);
        let disk = FaultyDisk::new(stage.draw.next());
        Self { stage, disk, around, store: None, hands: Vec::new() }
    }

    pub(crate) fn options(&self) -> BrokerOptions {
        let plan = &self.stage.plan;
        let sync = match plan.mode {
            Mode::Durable => SyncMode::Always,
            Mode::Relaxed(_) => SyncMode::Interval(NEVER),
        };
        let store = StoreOptions {
            segment_bytes: plan.segment_bytes,
            cache_bytes: plan.cache_bytes,
            pending_bytes_max: plan.pending_bytes_max,
            sync,
            idle: NEVER,
            ..StoreOptions::default()
        };
        BrokerOptions {
            store,
            clock: Arc::new(self.stage.clocks.clone()),
            random: Arc::new(self.stage.draw.clone()),
            ..BrokerOptions::default()
        }
    }

    /// Starts the broker, however often it takes. Whether it runs then is answered.
    pub(crate) async fn start(&mut self) -> bool {
        for _ in 0..STARTS_MAX {
            if self.stage.book().is_broken() {
                return false;
            }
            if self.try_start().await {
                return true;
            }
        }
        self.stage.book().find(Invariant::Opening, "the broker does not come to its start");
        false
    }

    async fn try_start(&mut self) -> bool {
        let stage = Arc::clone(&self.stage);
        stage.book().started(stage.now());
        stage.book().seen.starts += 1;
        stage.weather().is_failing = false;
        let in_storm = !stage.weather().is_calm;
        if in_storm && stage.draw.chance(stage.plan.faults.in_opening) {
            self.disk.power_off_at(stage.draw.within(1..150));
            stage.weather().is_failing = true;
        }
        match self.open().await {
            Ok(broker) => {
                self.act_meanwhile();
                stage.open_door(broker);
                true
            }
            Err(failure) => {
                self.fail_to_start(&failure);
                false
            }
        }
    }

    async fn open(&mut self) -> Result<Broker, OpenError> {
        let disk = SimulatedDisk::new(self.disk.clone(), self.around.clone());
        let replayed = Replayed::open(Arc::new(disk), self.options())?;
        let store = replayed.store();
        self.hands = vec![
            tokio::spawn(write(Arc::downgrade(&store), Arc::clone(&self.stage))),
            tokio::spawn(allocate(Arc::downgrade(&store), Arc::clone(&self.stage))),
        ];
        self.store = Some(store);
        replayed.start().await
    }

    /// A start came to nothing: the power went off, or the store cannot be opened as it must.
    fn fail_to_start(&mut self, failure: &OpenError) {
        let stage = Arc::clone(&self.stage);
        if self.disk.is_off() {
            stage.book().seen.in_opening += 1;
            return self.crash_at_a_call();
        }
        if let OpenError::Full { .. } = failure {
            self.disk.set_full(false);
            return self.crash(Crash::Kill);
        }
        stage.book().find(Invariant::Opening, failure.to_string());
    }

    /// Has things happen within calls of the disk.
    fn act_meanwhile(&self) {
        let (stage, store) = (Arc::clone(&self.stage), self.store.as_ref().map(Arc::downgrade));
        let meanwhile = move || {
            let weather = *stage.weather();
            if !weather.is_stormy || weather.is_calm || !stage.draw.chance(stage.plan.meanwhile) {
                return;
            }
            let store = store.as_ref().and_then(Weak::upgrade);
            match (stage.draw.within(0..4), store) {
                (0, Some(store)) => store.step_writer(),
                _ => act_meanwhile(&stage),
            }
        };
        self.around.set_meanwhile(Some(Box::new(meanwhile)));
    }

    /// The power went off at a call, or the process ended there.
    pub(crate) fn crash_at_a_call(&mut self) {
        self.count_part();
        let crash = self.drawn_crash();
        self.crash(crash);
    }

    fn count_part(&self) {
        let seen = &mut self.stage.book().seen;
        seen.at_a_call += 1;
        match self.around.last() {
            Some(Part::Checkpoint) => seen.at_checkpoints += 1,
            Some(Part::Manifest) => seen.at_manifests += 1,
            Some(Part::Directory) => seen.at_directories += 1,
            Some(Part::Segment | Part::Other) | None => {}
        }
    }

    /// A crash, drawn.
    pub(crate) fn drawn_crash(&self) -> Crash {
        let draw = &self.stage.draw;
        if draw.chance(40) { Crash::Kill } else { Crash::PowerCut(drawn_cut(&self.stage)) }
    }

    /// Stops the machine at this moment.
    pub(crate) fn crash(&mut self, crash: Crash) {
        let stage = Arc::clone(&self.stage);
        let (now, seed) = (stage.now(), stage.draw.next());
        self.note_checkpoints();
        self.around.set_meanwhile(None);
        self.disk = match crash {
            Crash::Kill => {
                stage.book().note(now, "the process is killed");
                stage.book().seen.kills += 1;
                self.disk.kill(seed)
            }
            Crash::PowerCut(cut) => {
                stage.book().power_cut(now);
                stage.book().seen.power_cuts += 1;
                self.disk.power_cut(cut, seed)
            }
        };
        self.leave();
    }

    /// Lets go of a broker that is over.
    fn leave(&mut self) {
        drop(self.stage.shut_door());
        self.hands.drain(..).for_each(|hand| hand.abort());
        self.store = None;
        let now = self.stage.now();
        let mut weather = self.stage.weather();
        weather.full_until = weather.full_until.min(now);
    }

    fn note_checkpoints(&self) {
        let checkpoints = self.store.as_ref().map_or(0, |store| store.activity().checkpoints);
        let mut book = self.stage.book();
        book.seen.checkpoints += checkpoints;
        if checkpoints > 0 {
            self.stage.wrong.checkpointed(book.boot);
        }
    }

    /// Whether the broker has failed, or is not there.
    pub(crate) fn has_failed(&self) -> bool {
        self.stage.door().is_none_or(|door| door.broker.has_failed())
    }

    /// Stops the broker as it should be, and says what it held. `None` if it failed on the way.
    pub(crate) async fn stop(&mut self) -> Option<Told> {
        let stage = Arc::clone(&self.stage);
        let door = stage.door()?;
        stage.weather().is_failing = true;
        let told = door.broker.close_and_tell().await;
        stage.book().note(stage.now(), "an orderly stop");
        self.note_checkpoints();
        self.around.set_meanwhile(None);
        let has_failed = door.broker.has_failed() || self.disk.is_off();
        drop(door);
        self.leave();
        if self.disk.is_off() {
            self.crash_at_a_call();
            return None;
        }
        self.disk = self.disk.kill(stage.draw.next());
        told.filter(|_| !has_failed)
    }

    /// What a replay makes of a disk.
    pub(crate) fn replay(&self, disk: &FaultyDisk) -> Result<Told, OpenError> {
        let disk = SimulatedDisk::new(disk.clone(), Around::new(Mutant::None));
        Replayed::open(Arc::new(disk), self.options()).map(Replayed::tell)
    }
}

/// What a power cut leaves of what was not synced, drawn.
fn drawn_cut(stage: &Stage) -> PowerCut {
    let all = [
        PowerCut::Nothing,
        PowerCut::Everything,
        PowerCut::SomeWrites,
        PowerCut::TornWrites,
        PowerCut::TornWrites,
    ];
    stage.draw.of(&all)
}

/// What a step of the disk takes.
async fn take_time(stage: &Stage) {
    let (draw, plan) = (&stage.draw, &stage.plan);
    let step = draw.within(1..plan.disk_max + 1);
    let in_storm = !stage.weather().is_calm;
    let factor = if in_storm && draw.chance(plan.stalls) { 100 } else { 1 };
    sleep(Duration::from_millis(step * factor)).await;
}

/// The writer of a store, in virtual time.
async fn write(store: Weak<Store>, stage: Arc<Stage>) {
    let unsynced_max = match stage.plan.mode {
        Mode::Durable => IDLE,
        Mode::Relaxed(interval) => millis(interval),
    };
    let (mut unsynced_since, mut rests_since) = (None, Some(stage.now()));
    let mut last = store.upgrade().map(|store| store.progress().written);
    loop {
        take_time(&stage).await;
        let Some(store) = store.upgrade() else { return };
        write_all(&store);
        let progress = store.progress();
        // Some may have been written meanwhile, within a call of the disk.
        let wrote = last.replace(progress.written) != Some(progress.written);
        if progress.poisoned {
            return;
        }
        let now = stage.now();
        if wrote {
            rests_since = Some(now);
            unsynced_since = unsynced_since.or(Some(now));
        }
        if stage.plan.mode == Mode::Durable && progress.durable == progress.written {
            unsynced_since = None;
        }
        if is_over(unsynced_since, unsynced_max, now) {
            store.step_sync();
            unsynced_since = None;
        } else if is_over(rests_since, IDLE, now) {
            store.step_vouch();
            rests_since = None;
        }
    }
}

fn is_over(since: Option<Millis>, time: Millis, now: Millis) -> bool {
    since.is_some_and(|since| now >= since + time)
}

/// Writes until nothing is pending.
fn write_all(store: &Store) {
    let mut last = None;
    while last != Some(store.progress().written) {
        last = Some(store.progress().written);
        store.step_writer();
    }
}

/// The allocator of a store, in virtual time.
async fn allocate(store: Weak<Store>, stage: Arc<Stage>) {
    loop {
        take_time(&stage).await;
        let Some(store) = store.upgrade() else { return };
        if !store.step_allocator() || store.activity().full {
            drop(store);
            sleep(Duration::from_millis(20)).await;
        }
    }
}
