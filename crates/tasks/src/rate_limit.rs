//! How many tasks of one type may begin in a time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// The longest time that tasks are counted in.
const PER_MAX: Duration = Duration::from_secs(86_400);
/// The word before the number of a burst.
const BURST: &str = "burst";

/// How many tasks of one type each worker process begins in a time: so many, evenly spread, after a burst.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::{RateLimit, TaskOptions};
///
/// // 100 at once, and one more every 600 ms.
/// let options = TaskOptions::new().rate_limit(RateLimit::per_minute(100));
/// // Five at once, and one more every 50 ms.
/// assert_eq!("20/s burst 5".parse(), Ok(RateLimit::per_second(20).burst(5)));
/// assert_eq!(RateLimit::per_second(20).spacing(), Some(Duration::from_millis(50)));
/// // Nothing would ever run: a worker does not start with it.
/// assert!(RateLimit::per_second(0).check().is_err());
/// # assert!(options.rate_limit.is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RateLimit {
    count: u32,
    per: Duration,
    burst: u32,
}

/// Why a rate is none.
///
/// ```
/// use longshore_tasks::{RateLimit, RateLimitError};
///
/// assert_eq!(RateLimit::per_hour(0).check(), Err(RateLimitError::NoRate));
/// assert_eq!(RateLimit::per_hour(8).burst(0).check(), Err(RateLimitError::NoBurst));
/// assert!("fast".parse::<RateLimit>().unwrap_err().to_string().contains("20/s"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RateLimitError {
    /// It is written otherwise.
    #[error("`{0}` is not a rate: write 20/s, 100/m or 1000/h, and 20/s burst 5 for fewer at once")]
    Text(String),
    /// No task in any time.
    #[error("a rate of 0 lets no task run: leave the rate out, or pause the queue")]
    NoRate,
    /// No task at once.
    #[error("a burst of 0 lets no task run: write 1 for one at a time")]
    NoBurst,
    /// A day passes before the next task, or more.
    #[error(
        "a rate in more than a day holds tasks back longer than queues keep them: say how many in a day or less"
    )]
    TooSlow,
    /// Less than a nanosecond is between two tasks.
    #[error("more than 1,000,000,000 tasks a second are as good as no limit: leave the rate out")]
    TooFast,
}

impl RateLimit {
    /// So many in that time, and as many at once.
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per, burst: count }
    }

    /// So many a second, and as many at once.
    pub const fn per_second(count: u32) -> Self {
        Self::new(count, Duration::from_secs(1))
    }

    /// So many a minute, and as many at once.
    pub const fn per_minute(count: u32) -> Self {
        Self::new(count, Duration::from_secs(60))
    }

    /// So many an hour, and as many at once.
    pub const fn per_hour(count: u32) -> Self {
        Self::new(count, Duration::from_secs(3600))
    }

    /// How many may begin at once after a pause; by default as many as in the whole time.
    #[must_use]
    pub const fn burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// How many may begin at once.
    pub const fn burst_count(&self) -> u32 {
        self.burst
    }

    /// How far apart tasks begin once the burst is used up; `None` for a rate of zero.
    pub fn spacing(&self) -> Option<Duration> {
        self.per.checked_div(self.count)
    }

    /// Whether a worker can keep to it.
    ///
    /// # Errors
    ///
    /// No task would ever run, or the rate is no limit.
    pub fn check(&self) -> Result<(), RateLimitError> {
        let spacing = self.spacing().ok_or(RateLimitError::NoRate)?;
        if self.per > PER_MAX {
            return Err(RateLimitError::TooSlow);
        }
        match (self.burst, spacing) {
            (0, _) => Err(RateLimitError::NoBurst),
            (_, Duration::ZERO) => Err(RateLimitError::TooFast),
            _ => Ok(()),
        }
    }
}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    /// Reads `20/s`, `100/m`, `1000/h`, each with or without a burst as in `20/s burst 5`.
    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let fault = || RateLimitError::Text(text.to_owned());
        let number = |text: &str| text.parse().map_err(|_| fault());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (rate, burst) = match words[..] {
            [rate] => (rate, None),
            [rate, BURST, burst] => (rate, Some(number(burst)?)),
            _ => return Err(fault()),
        };
        let (count, unit) = rate.split_once('/').ok_or_else(fault)?;
        let count = number(count)?;
        let limit = match unit {
            "s" => Self::per_second(count),
            "m" => Self::per_minute(count),
            "h" => Self::per_hour(count),
            _ => return Err(fault()),
        };
        let limit = burst.map_or(limit, |burst| limit.burst(burst));
        limit.check().map(|()| limit)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, per, burst } = self;
        match per.as_secs() {
            1 => write!(f, "{count}/s")?,
            60 => write!(f, "{count}/m")?,
            3600 => write!(f, "{count}/h")?,
            _ => write!(f, "{count} in {per:?}")?,
        }
        if burst == count { Ok(()) } else { write!(f, " {BURST} {burst}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_in_a_time_and_its_burst_the_same_number_unless_said() {
        for (text, limit) in [
            ("20/s", RateLimit::per_second(20)),
            ("100/m", RateLimit::per_minute(100)),
            ("1000/h", RateLimit::per_hour(1000)),
            ("20/s burst 5", RateLimit::per_second(20).burst(5)),
        ] {
            assert_eq!(text.parse(), Ok(limit));
            assert_eq!(limit.to_string(), text);
        }
        assert_eq!(RateLimit::per_hour(1000).spacing(), Some(Duration::from_millis(3600)));
    }

    #[test]
    fn what_lets_no_task_run_or_is_written_otherwise_is_refused_in_a_sentence() {
        for (text, told) in [
            ("", "is not a rate"),
            ("20", "is not a rate"),
            ("20/d", "is not a rate"),
            ("-1/s", "is not a rate"),
            ("20/s burst", "is not a rate"),
            ("20/s 5", "is not a rate"),
            ("0/s", "a rate of 0"),
            ("20/s burst 0", "a burst of 0"),
            ("2000000000/s", "as good as no limit"),
        ] {
            let fault = text.parse::<RateLimit>().unwrap_err().to_string();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
