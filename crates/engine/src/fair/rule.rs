//! When a message group is noisy: the two thresholds that Amazon SQS names.

/// A group with fewer messages in flight is never noisy.
const IN_FLIGHT_MIN: usize = 30;

/// A group is noisy with more than one in so many of the queue's messages in flight.
const SHARE: usize = 10;

/// Whether a group with so many messages in flight has enough of them to be noisy.
pub(super) const fn is_crowded(of_group: usize) -> bool {
    of_group >= IN_FLIGHT_MIN
}

/// Whether a group is noisy with so many of the queue's messages in flight.
pub(super) const fn is_noisy(of_group: usize, of_queue: usize) -> bool {
    is_crowded(of_group) && of_group.saturating_mul(SHARE) > of_queue
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_noisy_with_30_in_flight_and_more_than_a_tenth() {
        for (of_group, of_queue, expected) in [
            (29, 29, false),
            (30, 30, true),
            (30, 299, true),
            (30, 300, false),
            (31, 300, true),
            (120, 1200, false),
            (121, 1200, true),
        ] {
            assert_eq!(is_noisy(of_group, of_queue), expected, "{of_group} of {of_queue}");
        }
    }
}
