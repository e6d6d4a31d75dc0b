//! When a request was signed, and for how long that holds.
//!
//! The date is in `x-amz-date`, in the basic format of ISO 8601, or else in `Date`, which may also
//! be in the format of HTTP. Clocks may differ by 15 minutes in either direction. A presigned
//! request holds for as long as it says, seven days at most.

use std::time::Duration;

use longshore_types::Timestamp;
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcDateTime, UtcOffset};

use super::SignatureRefusal;

/// How far a signer's clock may be from this one, and how long a signature in a header holds.
const SKEW_MAX: Duration = Duration::from_secs(15 * 60);
/// How long a presigned request may hold.
const EXPIRES_MAX_SECS: u64 = 7 * 24 * 60 * 60;
const BASIC: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// A date that a signature bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SigningTime(Timestamp);

impl SigningTime {
    /// Reads a date in either format.
    pub(super) fn parse(text: &str) -> Result<Self, SignatureRefusal> {
        let basic = PrimitiveDateTime::parse(text, BASIC).map(PrimitiveDateTime::assume_utc);
        let read = basic.or_else(|_| OffsetDateTime::parse(text, &Rfc2822));
        let seconds = read.ok().and_then(|at| u64::try_from(at.unix_timestamp()).ok());
        let seconds = seconds.ok_or(SignatureRefusal::MalformedDate)?;
        Ok(Self(Timestamp::ZERO + Duration::from_secs(seconds)))
    }

    /// The date as it is signed: `20261123T130440Z`.
    pub(super) fn basic(self) -> String {
        basic(self.0)
    }

    /// The day as it is in a scope: `20261123`.
    pub(super) fn day(self) -> String {
        self.basic().split('T').next().unwrap_or_default().to_owned()
    }
}

/// For how long a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    /// For as long as clocks may differ.
    Skew,
    /// For as long as a presigned request says.
    Expires(Duration),
}

impl Validity {
    /// Reads `X-Amz-Expires`, in seconds.
    pub(super) fn parse(text: &str) -> Result<Self, SignatureRefusal> {
        let seconds = text.parse().ok().filter(|seconds| (1..=EXPIRES_MAX_SECS).contains(seconds));
        let seconds = seconds.ok_or(SignatureRefusal::MalformedExpires)?;
        Ok(Self::Expires(Duration::from_secs(seconds)))
    }

    const fn duration(self) -> Duration {
        match self {
            Self::Skew => SKEW_MAX,
            Self::Expires(duration) => duration,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Skew => "15 min".to_owned(),
            Self::Expires(duration) => format!("{} s", duration.as_secs()),
        }
    }

    /// Refuses a signature that holds no longer, or not yet.
    pub(super) fn check(self, signed: SigningTime, now: Timestamp) -> Result<(), SignatureRefusal> {
        if now.since(signed.0) > self.duration() {
            return Err(SignatureRefusal::Expired {
                signed: signed.basic(),
                limit: basic(before(now, self.duration())),
                now: basic(now),
                validity: self.text(),
            });
        }
        if signed.0.since(now) > SKEW_MAX {
            let (signed, limit) = (signed.basic(), basic(now + SKEW_MAX));
            return Err(SignatureRefusal::NotYetCurrent { signed, limit, now: basic(now) });
        }
        Ok(())
    }
}

fn before(time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::ZERO + time.since(Timestamp::ZERO + duration)
}

/// A time in the basic format; one beyond the year 9999 is shown as the epoch.
fn basic(time: Timestamp) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or_default();
    let shown = UtcDateTime::from_unix_timestamp(seconds).unwrap_or(UtcDateTime::UNIX_EPOCH);
    let shown = shown.to_offset(UtcOffset::UTC);
    shown.format(BASIC).expect("a date in UTC has all parts of the format")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "20261123T130440Z";

    fn at(text: &str) -> SigningTime {
        SigningTime::parse(text).unwrap()
    }

    #[test]
    fn both_formats_name_the_same_time() {
        assert_eq!(at("Mon, 23 Nov 2026 13:04:40 GMT"), at(NOW));
        assert_eq!(at(NOW).basic(), NOW);
        assert_eq!(at(NOW).day(), "20261123");
        // Known from elsewhere: `date -u -d @1795439080`.
        assert_eq!(at(NOW).0, Timestamp::from_millis(1_795_439_080_000));
        for bad in ["", "20261123", "20261323T130440Z", "20261123T130440", "19691231T235959Z", "é"]
        {
            assert_eq!(SigningTime::parse(bad), Err(SignatureRefusal::MalformedDate), "{bad}");
        }
    }

    #[test]
    fn a_signature_holds_for_fifteen_minutes_in_both_directions() {
        let now = at(NOW).0;
        for fine in ["20261123T124940Z", NOW, "20261123T131940Z"] {
            assert_eq!(Validity::Skew.check(at(fine), now), Ok(()), "{fine}");
        }
        let late = Validity::Skew.check(at("20261123T124939Z"), now).unwrap_err();
        let text = "Signature expired: 20261123T124939Z is now earlier than 20261123T124940Z \
                    (20261123T130440Z - 15 min.)";
        assert_eq!(late.to_string(), text);
        let early = Validity::Skew.check(at("20261123T131941Z"), now).unwrap_err();
        let text = "Signature not yet current: 20261123T131941Z is still later than \
                    20261123T131940Z (20261123T130440Z + 15 min.)";
        assert_eq!(early.to_string(), text);
    }

    #[test]
    fn a_presigned_request_holds_for_as_long_as_it_says() {
        let now = at(NOW).0;
        let minute = Validity::parse("60").unwrap();
        assert_eq!(minute.check(at("20261123T130340Z"), now), Ok(()));
        let late = minute.check(at("20261123T130339Z"), now).unwrap_err().to_string();
        assert!(late.ends_with("earlier than 20261123T130340Z (20261123T130440Z - 60 s.)"));
        for bad in ["", "0", "-1", "604801", "1.5", "99999999999999999999"] {
            assert_eq!(Validity::parse(bad), Err(SignatureRefusal::MalformedExpires), "{bad}");
        }
    }
}
