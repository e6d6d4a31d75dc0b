//! A request's JSON body, and a problem for one that does not fit.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A request's JSON body as a value. One that does not fit is answered with `application/problem+json`
/// that says where it stops making sense; axum's own extractor would answer with plain text.
///
/// ```
/// use longshore_gateway::JsonBody;
///
/// #[derive(serde::Deserialize)]
/// struct Ask {
///     width: u32,
/// }
///
/// async fn ask(JsonBody(ask): JsonBody<Ask>) -> String {
///     ask.width.to_string()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::post(ask));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let read = axum::Json::<T>::from_request(request, state).await;
        read.map(|axum::Json(value)| Self(value)).map_err(|rejection| problem(&rejection))
    }
}

fn problem(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    // Too large, or cut off: no fault of what is in it.
    let status = if status.is_client_error() { status } else { StatusCode::BAD_REQUEST };
    Problem::new(status, rejection.body_text())
}
