//! Says when the wall clock is not to be believed, or was set: somebody should look.
//!
//! The watch looks at the start and then every ten seconds, which is also how a clock gets confirmed
//! that nobody asks for anything. It says what has changed, and of steps at most one a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::core::ClockState;
use crate::driver::Driver;

/// How often the watch looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How often it speaks of steps.
const SAY_STEPS_EVERY: Duration = Duration::from_secs(60);
/// Less is what a restart makes of a clock that goes well.
const OFFSET_SAID_MIN: f64 = 1.0;

/// Looks until the driver is closed.
pub(crate) async fn watch(driver: Arc<Driver>) {
    let mut said = Said::default();
    while let Some(state) = driver.look_now(|core| core.ledger().times().state()) {
        said.tell(state);
        if !driver.is_open_after(LOOK_EVERY).await {
            return;
        }
    }
}

/// What was said, so that it is not said again.
#[derive(Debug, Default)]
struct Said {
    offset: bool,
    unconfirmed: bool,
    steps: u64,
    steps_at: Option<Instant>,
}

impl Said {
    fn tell(&mut self, state: ClockState) {
        self.tell_unconfirmed(state.unconfirmed());
        self.tell_steps(state);
        let is_off = state.offset_seconds().abs() >= OFFSET_SAID_MIN;
        if is_off && !std::mem::replace(&mut self.offset, is_off) {
            tracing::warn!(
                seconds = state.offset_seconds(),
                "the wall clock was set, or was wrong at an earlier start: timestamps follow it, and delays, leases and retention are counted by a time of their own that is off by this"
            );
        }
    }

    fn tell_unconfirmed(&mut self, unconfirmed: Duration) {
        let is_unconfirmed = unconfirmed > Duration::ZERO;
        let was = std::mem::replace(&mut self.unconfirmed, is_unconfirmed);
        let seconds = unconfirmed.as_secs();
        if is_unconfirmed && !was {
            tracing::warn!(
                seconds,
                "the clock is so far ahead of the log's last record that it may be wrong: no message expires by that, and no delay or lease ends, until the clock has gone steadily for a while (--clock-confirmed-after); check it"
            );
        } else if was && !is_unconfirmed {
            tracing::info!(
                "the clock is confirmed, or was set right: delays, leases and retention are counted by it again"
            );
        }
    }

    fn tell_steps(&mut self, state: ClockState) {
        let is_quiet = self.steps_at.is_some_and(|at| at.elapsed() < SAY_STEPS_EVERY);
        if state.steps == self.steps || is_quiet {
            return;
        }
        let steps = state.steps - self.steps;
        (self.steps, self.steps_at) = (state.steps, Some(Instant::now()));
        tracing::warn!(
            steps,
            offset = state.offset_seconds(),
            "the wall clock was set while the broker ran: timestamps follow it, and nothing else does"
        );
    }
}
