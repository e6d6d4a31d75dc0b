//! The clocks of the machine: one that nobody sets, and one on the wall, which is wrong at times.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use longshore_types::{Clock, Timestamp};
use tokio::time::Instant;

/// When every schedule begins: in November 2023.
const BEGINNING: u64 = 1_700_000_000_000;

/// Milliseconds.
pub(crate) type Millis = u64;

/// The machine's clocks. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    began: Instant,
    wall: Arc<Mutex<Wall>>,
    /// Leases and all else go by the wall clock, as they must not.
    by_the_wall: bool,
}

/// How the wall clock is wrong.
#[derive(Debug, Default)]
struct Wall {
    /// By how many milliseconds it is ahead.
    ahead: i64,
    /// What it shows, if it stands still.
    stuck_at: Option<u64>,
}

impl Clocks {
    pub(crate) fn start(by_the_wall: bool) -> Self {
        Self { began: Instant::now(), wall: Arc::default(), by_the_wall }
    }

    /// How long the schedule has lasted.
    pub(crate) fn elapsed(&self) -> Millis {
        millis(self.began.elapsed())
    }

    /// Sets the wall clock.
    pub(crate) fn jump(&self, by: i64) {
        self.wall().ahead += by;
    }

    /// By how much the wall clock is ahead.
    pub(crate) fn ahead(&self) -> i64 {
        self.wall().ahead
    }

    /// Has the wall clock stand still, or go on from where it should be.
    pub(crate) fn set_stuck(&self, is_stuck: bool) {
        let right = self.right();
        let mut wall = self.wall();
        wall.stuck_at = is_stuck.then(|| right.saturating_add_signed(wall.ahead));
    }

    fn right(&self) -> u64 {
        BEGINNING + self.elapsed()
    }

    fn wall(&self) -> MutexGuard<'_, Wall> {
        self.wall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Clocks {
    fn now(&self) -> Timestamp {
        if self.by_the_wall { self.wall_time() } else { Timestamp::from_millis(self.right()) }
    }

    fn wall(&self) -> Timestamp {
        self.wall_time()
    }
}

impl Clocks {
    fn wall_time(&self) -> Timestamp {
        let right = self.right();
        let wall = self.wall();
        let shown = wall.stuck_at.unwrap_or_else(|| right.saturating_add_signed(wall.ahead));
        Timestamp::from_millis(shown)
    }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> Millis {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
