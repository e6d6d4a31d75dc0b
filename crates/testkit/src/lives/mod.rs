//! The lives of tasks, by the thousand: random, seeded, and compared with a plain model.
//!
//! Each history is one task. Apps, two workers, a sweeper, an operator and a stranger do something
//! by turns, and each turn makes at most one call that changes the store. So between any two calls
//! anybody may crash, the clock may move, and everybody else may come first; what each knows is as
//! old as its last call. Faults make calls fail, and lose answers of calls that were carried out.
//!
//! ```text
//! turn ──▶ rules decide ──▶ Records ──▶ FaultyStore ──▶ the store
//!   └── what was written ──▶ model: could that be? ──▶ does the record say the same? ◀──┘
//! ```
//!
//! # Invariants that are asserted
//!
//! - One worker at most holds a task, and only its holder extends, retries, releases or ends it.
//! - COMPLETED never changes. FAILED is replaced by COMPLETED, or by a later generation's end.
//! - A task whose last message was dead-lettered is sent anew or ended, if it was claimed near that end.
//! - What has ended is sent, or has a time to wake: at the end nothing is owed and unsent.
//! - A task that is cancelled while nobody runs it has ended, and is not run any more.
//! - Attempts are counted: one for each claim, less those that were handed back, anew when redriven.
//! - A redriven dead task runs again; a message of an earlier generation runs nothing.
//! - Versions grow by one, `Written` means written, and a conflict means that nothing was.
//! - A record is there until its time is over, and not after.
//! - Where the store has no clock, a task is taken over only after its version stayed for a whole lease.

mod model;
mod rules;
mod settle;
mod turns;
mod world;

use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use longshore_tasks::Store;

use crate::faulty_store::Odds;
use crate::manual_clock::ManualClock;
use world::World;

pub use rules::{LongshoreRules, Rules};

/// How time passes in lives.
#[derive(Clone, Debug)]
pub enum Passage {
    /// The store is on this clock: it is moved, by milliseconds and by days.
    Moved(Arc<ManualClock>),
    /// The store has a clock of its own: leases and the time that results are kept for are tiny, and waited for.
    Real,
}

/// Lives over one store. It may hold other rows; none of them may be a task of the same seed.
///
/// ```
/// use std::sync::Arc;
///
/// use longshore_tasks::MemoryStore;
/// use longshore_testkit::lives::{Lives, Passage};
/// use longshore_testkit::{ManualClock, Odds};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), longshore_testkit::lives::Broken> {
/// let clock = Arc::new(ManualClock::new());
/// let store = Arc::new(MemoryStore::with_clock(Arc::clone(&clock) as Arc<_>));
/// let faults = Odds { before: 4, lost: 6, ..Odds::default() };
/// let lives = Lives::new(store, Passage::Moved(clock)).faults(faults);
/// // Twenty tasks of 150 turns each. What breaks an invariant is told with its seed.
/// let seen = lives.histories(0, 20, 150).await?;
/// assert!(seen.written > 100 && seen.failed > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Lives {
    store: Arc<dyn Store>,
    handles: Vec<Arc<dyn Store>>,
    /// Whether times are the store's own.
    keeps_time: bool,
    /// How wrong clocks are at most.
    skew: Duration,
    passage: Passage,
    rules: Arc<dyn Rules>,
    odds: Odds,
}

/// How often things came to pass: a test of lives says what it wants to have seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Calls that were decided and written.
    pub written: usize,
    /// Calls that met another version.
    pub conflicts: usize,
    /// Calls that failed, carried out or not.
    pub failed: usize,
    /// Claims that took a task over from a worker that had not ended it.
    pub overtaken: usize,
    /// Holders that were refused.
    pub refused: usize,
    /// Tasks that were redriven after they had died.
    pub redriven: usize,
    /// Replies that ended a task.
    pub taken_in: usize,
    /// Crashes.
    pub crashes: usize,
    /// Tasks that left a tombstone.
    pub expired: usize,
    /// Tasks that nobody came for: sent anew, or ended.
    pub stranded: usize,
}

/// An invariant did not hold. Its text has the seed and everything that happened.
#[derive(Clone, Debug)]
pub struct Broken {
    /// The seed of the history.
    pub seed: u64,
    /// What did not hold.
    pub why: String,
    /// What happened, turn by turn.
    pub history: Vec<String>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the life of seed {}: {}", self.seed, self.why)?;
        self.history.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}

impl std::error::Error for Broken {}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.conflicts += other.conflicts;
        self.failed += other.failed;
        self.overtaken += other.overtaken;
        self.refused += other.refused;
        self.redriven += other.redriven;
        self.taken_in += other.taken_in;
        self.crashes += other.crashes;
        self.expired += other.expired;
        self.stranded += other.stranded;
    }
}

impl Lives {
    /// Lives over `store` by Longshore's own rules, without faults.
    pub fn new(store: Arc<dyn Store>, passage: Passage) -> Self {
        let (keeps_time, handles) = (store.keeps_time(), vec![Arc::clone(&store)]);
        let (rules, odds) = (Arc::new(LongshoreRules), Odds::default());
        Self { store, handles, keeps_time, skew: Duration::ZERO, passage, rules, odds }
    }

    /// Through another handle on the same store too, as a second process has it: each call goes
    /// through one of the two.
    #[must_use]
    pub fn shared_with(mut self, other: Arc<dyn Store>) -> Self {
        self.handles.push(other);
        self
    }

    /// Through these handles on the same store alone, whose clocks are wrong by up to `skew`: to
    /// everybody the times of records are those of foreign clocks. The store that the lives were made
    /// with tells the true time, and is only looked at.
    #[must_use]
    pub fn by_foreign_clocks(mut self, handles: Vec<Arc<dyn Store>>, skew: Duration) -> Self {
        (self.handles, self.keeps_time, self.skew) = (handles, false, skew);
        self
    }

    /// By these rules.
    #[must_use]
    pub fn rules(mut self, rules: Arc<dyn Rules>) -> Self {
        self.rules = rules;
        self
    }

    /// With faults by chance, until the history is brought to its end.
    #[must_use]
    pub fn faults(mut self, odds: Odds) -> Self {
        self.odds = odds;
        self
    }

    /// One history of `turns` turns, which is then brought to its end. The same seed, store and
    /// passage make the same history; where time is real, nearly the same.
    ///
    /// # Errors
    ///
    /// An invariant did not hold.
    pub async fn live(&self, seed: u64, turns: usize) -> Result<Seen, Broken> {
        let mut world = World::new(self, seed);
        match Box::pin(world.run(turns)).await {
            Ok(()) => Ok(world.seen),
            Err(why) => Err(Broken { seed, why, history: world.history }),
        }
    }

    /// `count` histories, of the seeds from `first` on.
    ///
    /// # Errors
    ///
    /// The first that broke an invariant.
    pub async fn histories(&self, first: u64, count: u64, turns: usize) -> Result<Seen, Broken> {
        let mut all = Seen::default();
        for seed in first..first + count {
            all += self.live(seed, turns).await?;
        }
        Ok(all)
    }
}
