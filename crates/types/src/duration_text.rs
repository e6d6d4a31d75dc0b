//! Durations as people write them: `500ms`, `30s`, `15m`, `12h`, `4d`, or a number of seconds.

use std::time::Duration;

use thiserror::Error;

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a duration: write 500ms, 30s, 15m, 12h, 4d, or a number of seconds")]
pub struct DurationTextError(String);

/// Parses a duration.
pub fn parse_duration(text: &str) -> Result<Duration, DurationTextError> {
    let fault = || DurationTextError(text.to_owned());
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| fault())?;
    let unit_millis = unit_millis(unit).ok_or_else(fault)?;
    number.checked_mul(unit_millis).map(Duration::from_millis).ok_or_else(fault)
}

fn unit_millis(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "" | "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

/// Writes a duration the shortest way that [`parse_duration`] reads back.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let (unit, name) = units
        .into_iter()
        .find(|(unit, _)| millis.is_multiple_of(*unit))
        .expect("one millisecond divides every duration");
    format!("{}{name}", millis / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_unit_or_counts_seconds() {
        let cases =
            [("30s", 30), ("2m", 120), ("12h", 43_200), ("4d", 345_600), ("7", 7), ("0", 0)];
        for (text, seconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "s", "-1s", "1.5s", "1 s", "1w", "99999999999999999999d"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        for millis in [0, 1, 1500, 30_000, 43_200_000, 345_600_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }
}
