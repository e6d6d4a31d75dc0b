//! Which host a request is for, settled before anything of it is answered.
//!
//! A request names one host, in `Host` or as a whole URL in its first line, which wins (RFC 9112,
//! 3.2.2); it is in `Host` from then on. One that names two, or none, is refused: whoever stands
//! between may have understood another.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

/// Settles the host, or answers 400.
pub(crate) async fn settled(mut request: Request, next: Next) -> Response {
    match settle(&mut request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn settle<B>(request: &mut axum::http::Request<B>) -> Result<(), Problem> {
    let named = request.headers().get_all(HOST).iter().count();
    let may_be_absent = request.version() < Version::HTTP_11;
    if named > 1 || (named == 0 && !may_be_absent) {
        return Err(Problem::bad_request(format!(
            "the request has {named} Host headers: send it with exactly one"
        )));
    }
    let authority = request.uri().authority().map(Authority::as_str);
    let named = authority.and_then(|named| HeaderValue::from_str(named).ok());
    if let Some(named) = named {
        request.headers_mut().insert(HOST, named);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: Version, target: &str, hosts: &[&str], expect: Option<&str>) {
        let mut request = axum::http::Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let mut request = request.body(()).unwrap();
        let settled = settle(&mut request).ok();
        let host = settled.and_then(|()| request.headers().get(HOST)?.to_str().ok());
        assert_eq!(host, expect, "{target} {hosts:?}");
    }

    #[test]
    fn q9_a_request_names_one_host_and_a_whole_url_wins() {
        check(Version::HTTP_11, "/", &["a:1"], Some("a:1"));
        check(Version::HTTP_11, "http://b/x", &["a:1"], Some("b"));
        for bad in [&[][..], &["a", "a"], &["a", "b"]] {
            check(Version::HTTP_11, "/", bad, None);
            check(Version::HTTP_11, "http://b/x", bad, None);
        }
        check(Version::HTTP_10, "http://b/x", &[], Some("b"));
    }
}
