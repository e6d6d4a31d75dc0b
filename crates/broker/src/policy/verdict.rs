//! Whether something holds, when that cannot always be told.

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// It was said in words that this broker does not know.
    Unknown,
}

impl Verdict {
    /// Whether all hold; one that fails settles it.
    pub(super) fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Holds;
        for verdict in verdicts {
            match verdict {
                Self::Fails => return Self::Fails,
                Self::Unknown => all = Self::Unknown,
                Self::Holds => {}
            }
        }
        all
    }

    /// Whether any holds; one that does settles it.
    pub(super) fn any(verdicts: impl IntoIterator<Item = Self>) -> Self {
        !Self::all(verdicts.into_iter().map(|verdict| !verdict))
    }

    /// The opposite, if `negated`.
    pub(super) fn negated_if(self, negated: bool) -> Self {
        if negated { !self } else { self }
    }
}

impl std::ops::Not for Verdict {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Fails, Holds, Unknown};

    #[test]
    fn what_is_not_known_counts_only_where_nothing_else_settles_it() {
        assert_eq!(Verdict::all([Holds, Unknown, Holds]), Unknown);
        assert_eq!(Verdict::all([Unknown, Fails]), Fails);
        assert_eq!(Verdict::any([Fails, Unknown]), Unknown);
        assert_eq!(Verdict::any([Unknown, Holds]), Holds);
        assert_eq!((Verdict::all([]), Verdict::any([])), (Holds, Fails));
    }
}
