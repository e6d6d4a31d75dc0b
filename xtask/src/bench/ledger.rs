//! Every message is accounted for: what was acknowledged must have come once, and nothing else may have come.

use std::collections::HashMap;
use std::fmt;

/// How the messages of one queue, or the tasks of one system, add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// What was counted.
    name: String,
    /// Sends that were acknowledged.
    sent: usize,
    /// Acknowledged and never received.
    lost: usize,
    /// Received more than once: how often beyond the first.
    repeated: usize,
    /// Received and never acknowledged.
    unknown: usize,
}

impl Account {
    /// Compares the numbers that were acknowledged with those that came.
    pub(super) fn settle(name: impl Into<String>, sent: &[u64], received: &[u64]) -> Self {
        let mut times: HashMap<u64, usize> = sent.iter().map(|&number| (number, 0)).collect();
        let mut unknown = 0;
        for number in received {
            match times.get_mut(number) {
                Some(times) => *times += 1,
                None => unknown += 1,
            }
        }
        let lost = times.values().filter(|&&times| times == 0).count();
        let repeated = times.values().map(|times| times.saturating_sub(1)).sum();
        Self { name: name.into(), sent: sent.len(), lost, repeated, unknown }
    }

    /// Whether everything came once.
    pub(super) fn is_right(&self) -> bool {
        self.lost == 0 && self.repeated == 0 && self.unknown == 0
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, sent, lost, repeated, unknown } = self;
        write!(
            formatter,
            "{name}: {sent} acknowledged, {lost} lost, {repeated} repeated, {unknown} unknown"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_came_once_adds_up() {
        assert!(Account::settle("queue", &[1, 2, 3], &[3, 1, 2]).is_right());
    }

    #[test]
    fn lost_repeated_and_unknown_messages_are_counted_apart() {
        let account = Account::settle("queue", &[1, 2, 3], &[1, 1, 1, 9, 3]);
        assert_eq!(account.to_string(), "queue: 3 acknowledged, 1 lost, 2 repeated, 1 unknown");
        assert!(!account.is_right());
    }
}
