//! How far the endpoint's clock is from this host's. A signature bears a time, and AWS takes none that is a quarter of an hour off:
//! a host whose clock is wrong signs by the endpoint's, once an answer has told it.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::HeaderMap;
use ::http::header::{AGE, DATE};
use longshore_types::Timestamp;

/// What is less is no reason to distrust the host's own clock.
const NOTABLE: Duration = Duration::from_secs(4 * 60);

/// The milliseconds that the endpoint is ahead.
#[derive(Debug, Default)]
pub(super) struct Skew(AtomicI64);

impl Skew {
    /// The time to sign with, at `now` by this host's clock.
    pub(super) fn corrected(&self, now: Timestamp) -> SystemTime {
        let now = now.as_millis().saturating_add_signed(self.0.load(Ordering::Relaxed));
        UNIX_EPOCH + Duration::from_millis(now)
    }

    /// Learns from the head of an answer that came between two times. One that a cache gives is old, and tells nothing.
    pub(super) fn learn(&self, head: &HeaderMap, asked_at: Timestamp, now: Timestamp) {
        if let Some(ahead) = ahead(head, asked_at, now) {
            let is_notable = ahead.unsigned_abs() >= NOTABLE.as_secs() * 1000;
            self.0.store(if is_notable { ahead } else { 0 }, Ordering::Relaxed);
        }
    }
}

fn ahead(head: &HeaderMap, asked_at: Timestamp, now: Timestamp) -> Option<i64> {
    if head.contains_key(AGE) {
        return None;
    }
    let date = httpdate::parse_http_date(head.get(DATE)?.to_str().ok()?).ok()?;
    let date = i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
    let half_way = asked_at.as_millis().midpoint(now.as_millis());
    date.checked_sub_unsigned(half_way)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 784,111,777 s after the epoch.
    const SOME_DAY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const MILLIS: u64 = 784_111_777_000;

    fn learned(head: &[(&'static str, &'static str)], asked_at: u64, now: u64) -> SystemTime {
        let head = head.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let skew = Skew::default();
        let now = Timestamp::from_millis(now);
        skew.learn(&head.collect(), Timestamp::from_millis(asked_at), now);
        skew.corrected(now)
    }

    fn millis(time: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(time)
    }

    #[test]
    fn a_host_that_is_hours_off_signs_by_the_endpoints_clock() {
        for own in [MILLIS - 3_600_000, MILLIS + 3_600_000] {
            let signed = learned(&[("date", SOME_DAY)], own - 500, own + 500);
            assert_eq!(signed, millis(MILLIS + 500));
        }
    }

    #[test]
    fn a_host_whose_clock_will_do_signs_by_it() {
        let own = MILLIS + 239_000;
        assert_eq!(learned(&[("date", SOME_DAY)], own, own), millis(own));
    }

    #[test]
    fn what_does_not_tell_the_time_tells_nothing() {
        let own = MILLIS + 3_600_000;
        for head in [vec![], vec![("date", "yesterday")], vec![("date", SOME_DAY), ("age", "3600")]]
        {
            assert_eq!(learned(&head, own, own), millis(own), "{head:?}");
        }
    }
}
