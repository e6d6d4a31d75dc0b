//! Tries what may be in vain, the more seldom the more often it was.

/// Chances that are let pass between two tries, at most.
const SKIPPED_MAX: u32 = 1024;
/// Tries in vain, one after the other, that mean nothing.
const FORGIVEN: u32 = 2;

/// Says when to try again what may be in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Trials {
    in_vain: u32,
    skipped: u32,
}

impl Trials {
    /// Whether this chance is to be taken.
    pub(crate) fn is_due(&mut self) -> bool {
        let is_due = self.skipped == 0;
        self.skipped = self.skipped.saturating_sub(1);
        is_due
    }

    /// Learns what a try came to. After one that was worth it every chance is taken; from the third in vain
    /// on some are let pass, and twice as many after each further one.
    pub(crate) fn note(&mut self, was_worth_it: bool) {
        self.in_vain = if was_worth_it { 0 } else { self.in_vain + 1 };
        let seldom = self.in_vain.saturating_sub(FORGIVEN).min(SKIPPED_MAX.ilog2());
        self.skipped = (1 << seldom) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_vain_is_tried_more_and_more_seldom_until_it_is_worth_it() {
        let mut trials = Trials::default();
        let mut tried = Vec::new();
        for chance in 0..4000 {
            if trials.is_due() {
                tried.push(chance);
                trials.note(false);
            }
        }
        assert_eq!(tried, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3072]);
        trials.note(true);
        assert!(trials.is_due() && trials.is_due());
    }
}
