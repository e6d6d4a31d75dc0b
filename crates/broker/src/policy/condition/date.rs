//! Dates in policies: ISO 8601 with a time zone, a day, or seconds since the epoch.

use longshore_types::Timestamp;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

/// The point in time that a text means; seconds are whole.
pub(in crate::policy) fn parse(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let point = OffsetDateTime::parse(text, &Rfc3339).ok();
    Some(point.or_else(|| parse_day(text))?.unix_timestamp())
}

/// The beginning of a day, in UTC. The length is asked because the parser passes over a time.
fn parse_day(text: &str) -> Option<OffsetDateTime> {
    let day = (text.len() == 10).then(|| Date::parse(text, &Iso8601::DATE).ok())??;
    Some(day.midnight().assume_utc())
}

/// A point in time as `2026-01-31T23:59:59Z`; `None` beyond the year 9999.
pub(in crate::policy) fn format(at: Timestamp) -> Option<String> {
    let seconds = i64::try_from(at.as_secs()).ok()?;
    let point = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    point.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_point_a_day_or_seconds() {
        let second = Some(1_790_000_000);
        for text in ["2026-09-21T14:13:20Z", "2026-09-21T16:13:20+02:00", "1790000000"] {
            assert_eq!(parse(text), second, "{text}");
        }
        assert_eq!(parse("2026-09-21"), Some(1_789_948_800));
        for text in ["", "2026-09-21T14:13:20", "2026-13-01", "soon"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_formatted_is_the_second_of_the_time() {
        let at = Timestamp::from_millis(1_790_000_000_999);
        assert_eq!(format(at).as_deref(), Some("2026-09-21T14:13:20Z"));
    }
}
