//! Numbers and their ranges: delays, visibility timeouts, and the limits of a receive.

use std::time::Duration;

use longshore_types::limits::{
    DELAY_MAX, RECEIVE_COUNT_MAX, RECEIVE_WAIT_MAX, VISIBILITY_TIMEOUT_MAX,
};

use super::id::chosen_id;
use crate::SqsError;
use crate::action::{ReceiveMessage, SentInteger};

/// What a receive asks for, within SQS's limits. What is `None` is left to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveLimits {
    /// The most messages to answer: 1 to 10.
    pub count: usize,
    /// How long the messages are in flight. Zero answers them and leaves them available.
    pub visibility: Option<Duration>,
    /// How long to wait for a message. Zero does not wait.
    pub wait: Option<Duration>,
}

/// Checks the numbers of a receive, and its attempt id.
pub fn receive(request: &ReceiveMessage) -> Result<ReceiveLimits, SqsError> {
    let count = receive_count(request.max_number_of_messages.as_ref())?;
    let wait =
        receive_seconds("WaitTimeSeconds", request.wait_time_seconds.as_ref(), RECEIVE_WAIT_MAX)?;
    let visibility = receive_seconds(
        "VisibilityTimeout",
        request.visibility_timeout.as_ref(),
        VISIBILITY_TIMEOUT_MAX,
    )?;
    chosen_id("ReceiveRequestAttemptId", request.receive_request_attempt_id.as_deref())?;
    Ok(ReceiveLimits { count, visibility, wait })
}

fn receive_count(sent: Option<&SentInteger>) -> Result<usize, SqsError> {
    let Some(sent) = sent else { return Ok(1) };
    let count = sent.get().and_then(|count| usize::try_from(count).ok());
    count.filter(|count| (1..=RECEIVE_COUNT_MAX).contains(count)).ok_or_else(|| {
        let reason = "Must be between 1 and 10, if provided.";
        SqsError::invalid_value(sent, "MaxNumberOfMessages", reason)
    })
}

fn receive_seconds(
    parameter: &str,
    sent: Option<&SentInteger>,
    max: Duration,
) -> Result<Option<Duration>, SqsError> {
    let Some(sent) = sent else { return Ok(None) };
    let fault = || {
        let reason = format!("Must be >= 0 and <= {}, if provided.", max.as_secs());
        SqsError::invalid_value(sent, parameter, &reason)
    };
    seconds(sent, max).map(Some).ok_or_else(fault)
}

/// Checks the timeout of a `ChangeMessageVisibility`: 0 to 43200 seconds from now.
pub fn visibility(sent: &SentInteger) -> Result<Duration, SqsError> {
    seconds(sent, VISIBILITY_TIMEOUT_MAX).ok_or_else(|| {
        SqsError::invalid_value(sent, "VisibilityTimeout", "Must be between 0 and 43200.")
    })
}

/// Checks the timeout of an entry of a `ChangeMessageVisibilityBatch`: the range of a single
/// change in a text of its own.
pub fn entry_visibility(sent: Option<&SentInteger>) -> Result<Duration, SqsError> {
    let parameter = "VisibilityTimeout";
    let sent = sent.ok_or_else(|| SqsError::MissingParameter(parameter.to_owned()))?;
    seconds(sent, VISIBILITY_TIMEOUT_MAX).ok_or_else(|| {
        let reason = "VisibilityTimeout must be an integer between 0 and 43200.";
        SqsError::invalid_value(sent, parameter, reason)
    })
}

/// Checks a message's own delay. On a standard queue it overrides the queue's; on a FIFO queue
/// only 0 is allowed, and the queue's delay applies all the same.
pub fn delay(sent: Option<&SentInteger>, standard: bool) -> Result<Option<Duration>, SqsError> {
    let Some(sent) = sent else { return Ok(None) };
    if !standard && sent.saturated() > 0 {
        let reason = "The request include parameter that is not valid for this queue type.";
        return Err(SqsError::invalid_value(sent, "DelaySeconds", reason));
    }
    let delay = seconds(sent, DELAY_MAX).ok_or_else(|| {
        let reason = "DelaySeconds must be >= 0 and <= 900.";
        SqsError::invalid_value(sent, "DelaySeconds", reason)
    })?;
    Ok(standard.then_some(delay))
}

fn seconds(sent: &SentInteger, max: Duration) -> Option<Duration> {
    let duration = Duration::from_secs(u64::try_from(sent.get()?).ok()?);
    (duration <= max).then_some(duration)
}
