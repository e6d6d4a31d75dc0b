//! The numbers of message move tasks.

use longshore_types::limits::{MOVE_RATE, MOVE_TASKS_LISTED_MAX};

use crate::SqsError;

/// Checks `MaxNumberOfMessagesPerSecond`: 1 to 500, or `None` for as many as the broker chooses.
pub fn move_rate(sent: Option<i64>) -> Result<Option<u32>, SqsError> {
    let Some(sent) = sent else { return Ok(None) };
    let rate = u32::try_from(sent).ok().filter(|rate| MOVE_RATE.contains(rate));
    let refuse =
        || out_of_range("MaxNumberOfMessagesPerSecond", *MOVE_RATE.start(), *MOVE_RATE.end());
    rate.map(Some).ok_or_else(refuse)
}

/// Checks how many move tasks a list is to show: 1 to 10, and 1 where that is not said.
pub fn move_tasks_shown(sent: Option<i64>) -> Result<usize, SqsError> {
    let count = usize::try_from(sent.unwrap_or(1)).ok();
    let in_range = count.filter(|count| (1..=MOVE_TASKS_LISTED_MAX).contains(count));
    in_range.ok_or_else(|| out_of_range("MaxResults", 1, MOVE_TASKS_LISTED_MAX))
}

fn out_of_range(
    parameter: &str,
    min: impl std::fmt::Display,
    max: impl std::fmt::Display,
) -> SqsError {
    SqsError::InvalidParameterValue(format!(
        "Value for parameter {parameter} is invalid. \
         Reason: You must enter a number that's between {min} and {max}."
    ))
}
