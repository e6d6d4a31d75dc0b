//! What a caller is told when a task was not sent, or may not have been.
//!
//! | what happened | answer | the task |
//! |---|---|---|
//! | the queue cannot be reached, or refuses | 503, `Retry-After` | was not sent |
//! | the queue throttles, for longer than was waited | 503, `Retry-After` says for how long | was not sent |
//! | the store cannot be written | 503, `Retry-After` | was not sent |
//! | no answer came after the request was written | 503, `Retry-After`, `callbackUrl` | may run |
//! | the task cannot be sent as it is | 400 | was not sent |
//!
//! The cause is in the log: what a queue is called and where it is are no caller's business.

use std::time::Duration;

use longshore_tasks::{SendError, StoreError, TaskId};

use crate::problem::Problem;

/// The answer to a request whose task was not sent, or may not have been.
pub fn of_send(
    error: &SendError,
    retry_after: Duration,
    callback_url: impl Fn(&TaskId) -> String,
) -> Problem {
    tracing::warn!(%error, "a request was not accepted");
    match error {
        SendError::Invalid { reason } => {
            Problem::bad_request(format!("the task cannot be sent: {reason}"))
        }
        SendError::Unknown { id, .. } => {
            let detail = "the queue did not confirm the task, which may or may not run: ask the \
                          callback URL for its status before sending it again";
            Problem::unavailable(detail, retry_after).with("callbackUrl", callback_url(id))
        }
        SendError::Throttled { retry_after, .. } => {
            let detail = "the queue takes no tasks just now, so the task was not sent: try again";
            Problem::unavailable(detail, *retry_after)
        }
        SendError::Store(_) => {
            let detail = "the store cannot be written, so the task was not sent: try again";
            Problem::unavailable(detail, retry_after)
        }
        // And whatever else will be: the caller can only try again.
        SendError::NotSent { .. } | _ => {
            let detail = "the queue cannot be reached, so the task was not sent: try again";
            Problem::unavailable(detail, retry_after)
        }
    }
}

/// The answer to a question about a task when the store cannot say.
pub fn of_status(error: &StoreError, retry_after: Duration) -> Problem {
    tracing::warn!(%error, "a status cannot be told");
    Problem::unavailable("the store cannot be read: ask again", retry_after)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use axum::http::header::RETRY_AFTER;
    use axum::response::IntoResponse;

    use super::*;

    fn answer(error: &SendError) -> Problem {
        of_send(error, Duration::from_secs(5), |id| format!("http://h/status/{id}"))
    }

    #[test]
    fn a_task_that_was_not_sent_can_be_sent_again() {
        let problem = answer(&SendError::NotSent { reason: "connection refused".to_owned() });
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.member("callbackUrl"), None);
        assert_eq!(problem.into_response().headers()[RETRY_AFTER], "5");
    }

    #[test]
    fn a_caller_is_told_for_how_long_the_queue_throttles() {
        let (retry_after, reason) = (Duration::from_millis(11_200), "slow down".to_owned());
        let problem = answer(&SendError::Throttled { retry_after, reason });
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.into_response().headers()[RETRY_AFTER], "12");
    }

    #[test]
    fn a_task_in_doubt_has_a_callback_url() {
        let id = TaskId::parse("t-1").unwrap();
        let problem = answer(&SendError::Unknown { id, reason: "timed out".to_owned() });
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.member("callbackUrl").unwrap(), "http://h/status/t-1");
    }

    #[test]
    fn a_task_that_can_never_be_sent_is_the_callers_doing() {
        let problem = answer(&SendError::Invalid { reason: "2 MiB are too many".to_owned() });
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
    }
}
