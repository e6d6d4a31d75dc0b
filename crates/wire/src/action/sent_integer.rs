//! Integers as they were sent.

use std::fmt;

/// An integer as it was sent. One that is beyond all ranges of SQS may be beyond those of this
/// machine too; it keeps its text, in which the refusal names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SentInteger {
    /// An integer of 64 bits.
    Small(i64),
    /// A larger one, as it was written.
    Beyond(Box<str>),
}

impl SentInteger {
    /// Reads a number of JSON; `None` if it is not whole. `10.0` is: some languages write every
    /// number so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(value) = text.parse() {
            return Some(Self::Small(value));
        }
        let value: f64 = text.parse().ok()?;
        if value.is_finite() && value.fract() != 0.0 {
            return None;
        }
        Some(in_64_bits(value).map_or_else(|| Self::Beyond(text.into()), Self::Small))
    }

    /// The integer, unless it is beyond all ranges.
    pub const fn get(&self) -> Option<i64> {
        match self {
            Self::Small(value) => Some(*value),
            Self::Beyond(_) => None,
        }
    }

    /// The integer, or the end of the 64 bits beyond which it is.
    pub(crate) fn saturated(&self) -> i64 {
        match self {
            Self::Small(value) => *value,
            Self::Beyond(text) if text.starts_with('-') => i64::MIN,
            Self::Beyond(_) => i64::MAX,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole, and within the range")]
fn in_64_bits(value: f64) -> Option<i64> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    (value.abs() < END).then_some(value as i64)
}

impl From<i64> for SentInteger {
    fn from(value: i64) -> Self {
        Self::Small(value)
    }
}

impl fmt::Display for SentInteger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Small(value) => value.fmt(f),
            Self::Beyond(text) => f.write_str(text),
        }
    }
}
