//! A line in the log that comes once a minute at most, however often there is a reason for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(60);

/// When the line was last written, and what has happened since.
#[derive(Debug, Default)]
pub(crate) struct Notice(Mutex<Noticed>);

#[derive(Debug, Default)]
struct Noticed {
    last: Option<Instant>,
    since: u64,
}

impl Notice {
    /// Something happened. How often it did since the last line, if a line is due now.
    pub(crate) fn due(&self) -> Option<u64> {
        let mut noticed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noticed.since += 1;
        let now = Instant::now();
        if noticed.last.is_some_and(|last| now.duration_since(last) < EVERY) {
            return None;
        }
        noticed.last = Some(now);
        Some(std::mem::take(&mut noticed.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_line_a_minute_says_how_often_it_happened() {
        let notice = Notice::default();
        assert_eq!(notice.due(), Some(1));
        assert_eq!((notice.due(), notice.due()), (None, None));
        tokio::time::advance(EVERY).await;
        assert_eq!(notice.due(), Some(3));
        assert_eq!(notice.due(), None);
    }
}
