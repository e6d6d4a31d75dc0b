//! The clock of a world: tokio's, as wall-clock time.

use std::time::Duration;

use longshore_types::{Clock, Timestamp};
use tokio::time::Instant;

/// Where a world's clock stands at first: in November 2023.
const BEGINNING: u64 = 1_700_000_000_000;

/// How long a clock that is not paused needs to move.
const A_MOMENT: Duration = Duration::from_millis(1);

/// Tells the time by tokio's clock, which a test holds still and moves. So a timer and a timestamp can
/// never disagree.
#[derive(Debug)]
pub(super) struct PausedClock {
    started: Instant,
}

impl PausedClock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(BEGINNING) + self.started.elapsed()
    }
}

/// Pauses tokio's clock, if the test did not: then days would take days.
#[expect(clippy::disallowed_methods, reason = "nothing else tells whether tokio's clock is paused")]
pub(super) fn pause() {
    let before = Instant::now();
    std::thread::sleep(A_MOMENT);
    if Instant::now() > before {
        tokio::time::pause();
    }
}
