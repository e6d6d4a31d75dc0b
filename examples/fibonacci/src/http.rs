//! The HTTP of the reference system: what is asked, and what is answered.

use axum::extract::{RawQuery, State};
use axum::http::header::{ALLOW, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use longshore::gateway::{ErrorView, Gateway, Problem, ReplyView};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::query::parameter;
use crate::task::Fibonacci;

/// Where requests for numbers go; their status is below it.
const PATH: &str = "/fibonacci";

const GREETING: &str = "\
Ask for a Fibonacci number: GET /fibonacci?value=8
The answer names a callback URL; the number is there once a worker has computed it.
";

/// The routes of the reference system.
pub(crate) fn routes(gateway: Gateway) -> Router {
    let status = gateway.status_route_with(PATH, shown, ErrorView::Text);
    // Asking changes something, so HEAD, which must not, is no way to ask.
    let asking = get(ask).head(only_get);
    Router::new().route("/", get(GREETING)).route(PATH, asking).with_state(gateway).merge(status)
}

/// The answer to a request that was accepted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    value: Box<RawValue>,
    callback_url: String,
}

/// What is read of a reply: a foreign worker may leave out the rest, or add to it.
#[derive(Debug, Deserialize)]
struct Value {
    value: Box<RawValue>,
}

async fn only_get() -> impl IntoResponse {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET")])
}

async fn ask(
    State(gateway): State<Gateway>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let argument = parameter(query.as_deref().unwrap_or_default(), "value")?;
    let value = echo(&argument);
    let accepted = gateway.accept(Fibonacci { argument }, PATH, &headers).await?;
    // Each request is a task of its own: none may be given the answer to another.
    let answer = Json(Asked { value, callback_url: accepted.callback_url });
    Ok(([(CACHE_CONTROL, "no-store")], answer))
}

/// The text as the JSON number that it is, digit for digit, or else as a JSON string.
fn echo(text: &str) -> Box<RawValue> {
    let number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit());
    match RawValue::from_string(text.to_owned()) {
        Ok(json) if number => json,
        _ => to_raw_value(text).expect("a text can be written as JSON"),
    }
}

/// What a COMPLETED answer shows: the number, as the JSON that the worker sent.
fn shown(body: &str) -> Option<ReplyView> {
    let reply: Value = serde_json::from_str(body).ok()?;
    Some(ReplyView { name: "value", json: reply.value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_echoed_as_the_number_that_it_is_and_else_as_a_string() {
        for (text, json) in [
            ("8", "8"),
            ("-1", "-1"),
            ("1.50", "1.50"),
            ("1e400", "1e400"),
            ("99999999999999999999999999", "99999999999999999999999999"),
            ("abc", r#""abc""#),
            ("007", r#""007""#),
            ("+5", r#""+5""#),
            (" 8", r#"" 8""#),
            ("8\n", r#""8\n""#),
            ("null", r#""null""#),
            ("[8]", r#""[8]""#),
            ("\"8\"", r#""\"8\"""#),
            ("-", r#""-""#),
        ] {
            assert_eq!(echo(text).get(), json, "{text}");
        }
    }

    #[test]
    fn a_result_is_shown_as_the_json_that_the_worker_sent() {
        for json in ["13", "2.6863810024485354e+208", "null"] {
            let shown = shown(&format!(r#"{{"arg":8,"value":{json}}}"#)).unwrap();
            assert_eq!((shown.name, shown.json.get()), ("value", json));
        }
    }

    #[test]
    fn a_reply_without_a_value_shows_none() {
        for body in ["", "13", "{}", "[]", "{\"value\":NaN}"] {
            assert!(shown(body).is_none(), "{body}");
        }
    }
}
