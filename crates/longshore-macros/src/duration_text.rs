//! Durations as people write them, by the rules of `longshore_types::duration_text`.
//!
//! The rules are here once more so that the macro builds without that crate and what it needs. A test holds the two
//! together.

use std::time::Duration;

/// Parses a duration, or says how one is written.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let fault = || {
        format!(
            "`{text}` is not a duration: write 500ms, 30s, 15m, 12h, 4d, or a number of seconds"
        )
    };
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

#[cfg(test)]
mod tests {
    use longshore_types::duration_text;

    use super::parse_duration;

    #[test]
    fn a_duration_is_read_as_everywhere_else() {
        let good = ["0", "7", "500ms", "30s", "15m", "12h", "4d"];
        let bad = ["", "s", "-1s", "1.5s", "1 s", "1w", "99999999999999999999d"];
        for text in good.into_iter().chain(bad) {
            let elsewhere = duration_text::parse_duration(text).map_err(|fault| fault.to_string());
            assert_eq!(parse_duration(text), elsewhere, "{text}");
        }
    }
}
