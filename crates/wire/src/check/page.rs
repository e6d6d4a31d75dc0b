//! The size of a page of queues.

use crate::SqsError;

/// Queues of a page.
const PAGE_MAX: usize = 1000;

/// Checks the size of a page of `ListQueues`: 1 to 1000, or `None` for no paging at all.
pub fn max_results(sent: Option<i64>) -> Result<Option<usize>, SqsError> {
    let Some(sent) = sent else { return Ok(None) };
    match usize::try_from(sent) {
        Ok(count) if (1..=PAGE_MAX).contains(&count) => Ok(Some(count)),
        _ => Err(SqsError::InvalidParameterValue(
            "Value for parameter MaxResults is invalid. \
             Reason: MaxResults must be an integer between 1 and 1000."
                .to_owned(),
        )),
    }
}
