//! What every request must be before anything of it is answered: one for a host that is meant, by a
//! program.
//!
//! # Invariants
//!
//! - Nothing of a request is read or answered before it has passed here, the health page neither.
//! - What is remembered of a connection is a `Host` that was let in on it: which hosts are served
//!   does not change while it lasts.

use std::sync::OnceLock;

use hyper::header::{HOST, HeaderValue};
use hyper::{Request, StatusCode};

use super::header::text;
use super::hosts::Hosts;
use super::{refused, target, web_page};

/// The `Host` that a connection's first request was let in with. Nearly always all others have the same.
#[derive(Debug, Default)]
pub(super) struct KnownHost(OnceLock<HeaderValue>);

impl KnownHost {
    /// Whether the request names this host and no other.
    fn is_named_by<B>(&self, request: &Request<B>) -> bool {
        let mut named = request.headers().get_all(HOST).iter();
        let first = named.next();
        first.is_some()
            && first == self.0.get()
            && named.next().is_none()
            && request.uri().authority().is_none()
    }

    fn remember<B>(&self, request: &Request<B>) {
        // What stands in a whole URL was checked less than a header is.
        if request.uri().authority().is_some() {
            return;
        }
        if let (Some(host), None) = (request.headers().get(HOST), self.0.get()) {
            self.0.get_or_init(|| host.clone());
        }
    }
}

/// Settles the host that a request is for, and lets it in. `hosts` are those that are served;
/// `None` are all, because every request proves who asks.
///
/// # Errors
///
/// The status and the sentence with which it is refused.
pub(super) fn enter<B>(
    request: &mut Request<B>,
    hosts: Option<&Hosts>,
    known: &KnownHost,
) -> Result<(), (StatusCode, &'static str)> {
    let is_known = known.is_named_by(request);
    if !is_known {
        target::settle(request).map_err(|sentence| (StatusCode::BAD_REQUEST, sentence))?;
    }
    if web_page::made(request.headers()) {
        return Err((StatusCode::FORBIDDEN, refused::NO_WEB_PAGES));
    }
    if is_known {
        return Ok(());
    }
    if hosts.is_some_and(|hosts| !hosts.serve(text(request.headers(), &HOST))) {
        return Err((StatusCode::FORBIDDEN, refused::UNKNOWN_HOST));
    }
    known.remember(request);
    Ok(())
}
