//! `GET <path>/status/<id>`: how a task stands.
//!
//! | the task | answer |
//! |---|---|
//! | no reply yet | `{"status":"PENDING"}` |
//! | done | `{"status":"COMPLETED","reply":…}`, or what the application shows of the reply |
//! | given up | `{"status":"FAILED","error":{"message":"…"}}`: the reply's body as the JSON it is |
//! | not known, or kept for as long as it should be | 404 |
//!
//! An application that says itself what it shows ([`Gateway::status_route_with`]) may have the error as
//! a string that holds the reply's body.

use std::fmt;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use longshore_tasks::{Status, TaskId};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::gateway::Gateway;
use crate::problem::Problem;
use crate::refusal;

/// What a COMPLETED answer shows of a reply: a member's name, and its value as the JSON it is.
///
/// ```
/// use axum::Router;
/// use longshore_gateway::{ErrorView, Gateway, ReplyView};
/// use serde_json::value::RawValue;
///
/// /// `{"status":"COMPLETED","width":200}` in place of `…"reply":200}`.
/// fn width(body: &str) -> Option<ReplyView> {
///     Some(ReplyView { name: "width", json: RawValue::from_string(body.to_owned()).ok()? })
/// }
///
/// fn routes(gateway: &Gateway) -> Router {
///     gateway.status_route_with("/thumbnails", width, ErrorView::Json)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct ReplyView {
    /// The member's name.
    pub name: &'static str,
    /// The member's value; every digit of it is kept.
    pub json: Box<RawValue>,
}

/// Says what to show of a reply's body; `None` shows nothing but that the task is done.
pub type Render = fn(&str) -> Option<ReplyView>;

/// What a FAILED answer shows of a reply's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorView {
    /// The JSON that it is; a string, should it be none.
    #[default]
    Json,
    /// A string that holds it.
    Text,
}

impl Gateway {
    /// The route `GET <path>/status/<id>`: reply and error as the JSON that they are.
    pub fn status_route(&self, path: &str) -> Router {
        self.status_route_with(path, whole_reply, ErrorView::Json)
    }

    /// The route `GET <path>/status/<id>`; `render` says what a COMPLETED answer shows, `error` what a
    /// FAILED one does.
    pub fn status_route_with(&self, path: &str, render: Render, error: ErrorView) -> Router {
        Router::new().route(&format!("{path}/status/{{id}}"), get(status)).with_state(Route {
            gateway: self.clone(),
            render,
            error,
        })
    }
}

#[derive(Clone)]
struct Route {
    gateway: Gateway,
    render: Render,
    error: ErrorView,
}

fn whole_reply(body: &str) -> Option<ReplyView> {
    Some(ReplyView { name: "reply", json: RawValue::from_string(body.to_owned()).ok()? })
}

async fn status(State(route): State<Route>, Path(id): Path<String>) -> Result<Answer, Problem> {
    // What cannot be an id is no task's.
    let id = TaskId::parse(&in_small_letters(id)).map_err(|_| unknown())?;
    let status = route.gateway.client().status(&id).await;
    match status.map_err(|error| refusal::of_status(&error, route.gateway.retry_after()))? {
        None => Err(unknown()),
        Some(Status::Pending) => Ok(Answer::Pending),
        Some(Status::Completed { body }) => Ok(Answer::Completed((route.render)(&body))),
        Some(Status::Failed { body }) => Ok(Answer::Failed(body, route.error)),
    }
}

/// A UUID in capitals is the same one (RFC 9562, 4); ids are written in small letters. Another id
/// stays as it is.
fn in_small_letters(id: String) -> String {
    let hyphens = [8, 13, 18, 23];
    let in_its_place = |(at, byte): (usize, u8)| match byte {
        b'-' => hyphens.contains(&at),
        byte => byte.is_ascii_hexdigit() && !hyphens.contains(&at),
    };
    let is_uuid = id.len() == 36 && id.bytes().enumerate().all(in_its_place);
    if is_uuid { id.to_ascii_lowercase() } else { id }
}

fn unknown() -> Problem {
    Problem::not_found(
        "no task has this id: it was never accepted here, or its result was kept for as long as \
         results are",
    )
}

/// How a known task stands, as the caller is shown it.
enum Answer {
    Pending,
    Completed(Option<ReplyView>),
    Failed(String, ErrorView),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Pending => map.serialize_entry("status", "PENDING")?,
            Self::Completed(shown) => {
                map.serialize_entry("status", "COMPLETED")?;
                if let Some(ReplyView { name, json }) = shown {
                    map.serialize_entry(name, json)?;
                }
            }
            Self::Failed(body, view) => {
                map.serialize_entry("status", "FAILED")?;
                let json = || serde_json::from_str::<&RawValue>(body).ok();
                match Some(view).filter(|view| **view == ErrorView::Json).and_then(|_| json()) {
                    Some(json) => map.serialize_entry("error", json)?,
                    None => map.serialize_entry("error", body)?,
                }
            }
        }
        map.end()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).expect("texts and raw JSON can be written"))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        // A status that changes must be asked of us every time.
        let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
        (headers, self.to_string()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> ReplyView {
        ReplyView { name: "value", json: RawValue::from_string(json.to_owned()).unwrap() }
    }

    #[test]
    fn q14_a_uuid_in_capitals_is_the_same_one_and_another_id_is_not() {
        let uuid = "0198C1D2-7B3E-7F00-8000-0123456789AB";
        assert_eq!(in_small_letters(uuid.to_owned()), uuid.to_ascii_lowercase());
        for other in
            ["ORDER-7", "0198C1D2-7B3E-7F00-8000-0123456789AG", "0198C1D27B3E7F0080000123456789AB"]
        {
            assert_eq!(in_small_letters(other.to_owned()), other);
        }
    }

    #[test]
    fn a_value_is_passed_on_as_the_json_it_is() {
        for json in ["13", "2.6863810024485354e+208", "null", &"9".repeat(3000)] {
            let answer = Answer::Completed(Some(shown(json))).to_string();
            assert_eq!(answer, format!(r#"{{"status":"COMPLETED","value":{json}}}"#));
        }
    }

    #[test]
    fn a_failure_is_a_string_that_holds_the_replys_body() {
        let body = r#"{"message":"Invalid request in message.Body:-1"}"#.to_owned();
        let expected =
            r#"{"status":"FAILED","error":"{\"message\":\"Invalid request in message.Body:-1\"}"}"#;
        assert_eq!(Answer::Failed(body, ErrorView::Text).to_string(), expected);
    }

    #[test]
    fn a_failure_is_the_json_that_its_worker_sent_and_a_string_where_it_sent_none() {
        for (body, error) in [(r#"{"message":"no"}"#, r#"{"message":"no"}"#), ("no", r#""no""#)] {
            let answer = Answer::Failed(body.to_owned(), ErrorView::Json).to_string();
            assert_eq!(answer, format!(r#"{{"status":"FAILED","error":{error}}}"#));
        }
    }

    #[test]
    fn a_task_without_a_reply_is_pending_and_no_more() {
        assert_eq!(Answer::Pending.to_string(), r#"{"status":"PENDING"}"#);
    }
}
