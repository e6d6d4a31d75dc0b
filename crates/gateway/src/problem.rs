//! What an HTTP answer says when a request could not be done: `application/problem+json`.
//!
//! Source: RFC 9457, "Problem Details for HTTP APIs". The `type` member is left out, which that
//! document reads as `about:blank`: the status says what sort of problem it is, and `title` is
//! the status's own phrase. `detail` is for a person: what happened, to what, what to do.

use std::time::Duration;

use axum::Json;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A request that could not be done.
///
/// ```
/// use longshore_gateway::{JsonBody, Problem};
///
/// #[derive(serde::Deserialize)]
/// struct Resize {
///     width: u32,
/// }
///
/// async fn resize(JsonBody(ask): JsonBody<Resize>) -> Result<String, Problem> {
///     if ask.width == 0 {
///         return Err(Problem::bad_request("the width is 0: send 1 or more").with("width", 0));
///     }
///     Ok(format!("{} px", ask.width))
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::post(resize));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    retry_after: Option<Duration>,
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of that status; `detail` is a sentence for the person who reads it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after: None, members: Map::new() }
    }

    /// 400: the caller has to send something else.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404: there is nothing by that name.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 503: the caller can try again after `retry_after`, which `Retry-After` says in seconds.
    pub fn unavailable(detail: impl Into<String>, retry_after: Duration) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        Self { retry_after: Some(retry_after), ..problem }
    }

    /// Adds a member of the application's own, such as `callbackUrl`.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// A member of the application's own.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    fn body(&self) -> Value {
        let mut body = self.members.clone();
        let title = self.status.canonical_reason().unwrap_or("Problem");
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), self.status.as_u16().into());
        body.insert("detail".to_owned(), self.detail.clone().into());
        Value::Object(body)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        // What could not be done now may be later: a task that is not known yet, above all.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            // A fraction of a second is rounded up: earlier than asked helps nobody.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_its_status_in_the_head_and_in_the_body() {
        let problem = Problem::not_found("no task has that id");
        assert_eq!(
            problem.body(),
            serde_json::json!({"title": "Not Found", "status": 404, "detail": "no task has that id"})
        );
        let response = problem.into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    }

    #[test]
    fn retry_after_is_in_whole_seconds_rounded_up() {
        let response = Problem::unavailable("busy", Duration::from_millis(1500)).into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert!(Problem::bad_request("no").into_response().headers().get(RETRY_AFTER).is_none());
    }

    #[test]
    fn members_of_the_application_stand_beside_those_of_the_rfc() {
        let problem = Problem::bad_request("no").with("callbackUrl", "http://a/b");
        assert_eq!(problem.body()["callbackUrl"], "http://a/b");
        assert_eq!(problem.body()["status"], 400);
    }
}
