//! The app's routes, asked without a socket.

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use super::World;

/// The host that requests name, if they name none.
const HOST_NAME: &str = "localhost";

/// What the app answered.
///
/// ```
/// use longshore::axum::{Router, routing::get};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let app = longshore::App::new("greeter")
///     .routes(|_| Router::new().route("/hello", get(async || r#"{"hello":["Ada","Max"]}"#)));
/// let world = longshore_testkit::start(app).await;
///
/// let answer = world.get("/hello").await;
/// assert_eq!(answer.status, 200);
/// assert_eq!(answer.json()["hello"][1], "Max");
/// assert_eq!(world.get("/bye").await.status, 404);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status, which can be compared with a number.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as text.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// It is none: the panic shows the answer.
    pub fn json(&self) -> Value {
        self.read()
    }

    /// The body as a value.
    ///
    /// # Panics
    ///
    /// It cannot be read as one: the panic shows the answer.
    pub fn read<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|fault| panic!("answered {} with {}: {fault}", self.status, self.body))
    }
}

impl World {
    /// `GET`s a path of the app, or a URL, such as a callback URL, of which the path counts.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(request("GET", path, Body::empty())).await
    }

    /// `POST`s a value as JSON.
    ///
    /// # Panics
    ///
    /// The value cannot be written as JSON.
    pub async fn post_json<T: Serialize + ?Sized>(&self, path: &str, value: &T) -> Answer {
        let json = serde_json::to_vec(value).expect("the value can be written as JSON");
        let mut request = request("POST", path, Body::from(json));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.request(request).await
    }

    /// Asks whatever is not asked by the other two.
    pub async fn request(&self, mut request: Request<Body>) -> Answer {
        request.headers_mut().entry(HOST).or_insert(HeaderValue::from_static(HOST_NAME));
        let Ok(answer) = self.router.clone().oneshot(request).await;
        let (head, body) = answer.into_parts();
        let body = to_bytes(body, usize::MAX).await.expect("a body in memory can be read");
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status: head.status, headers: head.headers, body }
    }
}

fn request(method: &str, url: &str, body: Body) -> Request<Body> {
    let request = Request::builder().method(method).uri(path_of(url)).body(body);
    request.unwrap_or_else(|fault| panic!("`{url}` is not a path that can be asked for: {fault}"))
}

/// The path and query of a URL; a path is one already.
fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else { return url };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}
