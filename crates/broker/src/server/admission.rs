//! What every request must be before anything of it is answered: one for a host that is meant, by a
//! program.
//!
//! # Invariants
//!
//! - Nothing of a request is read or answered before it has passed here, the health page neither.

use hyper::header::HOST;
use hyper::{Request, StatusCode};

use super::header::text;
use super::hosts::Hosts;
use super::{refused, target, web_page};

/// Settles the host that a request is for, and lets it in. `hosts` are those that are served;
/// `None` are all, because every request proves who asks.
///
/// # Errors
///
/// The status and the sentence with which it is refused.
pub(super) fn enter<B>(
    request: &mut Request<B>,
    hosts: Option<&Hosts>,
) -> Result<(), (StatusCode, &'static str)> {
    target::settle(request).map_err(|sentence| (StatusCode::BAD_REQUEST, sentence))?;
    if web_page::made(request.headers()) {
        return Err((StatusCode::FORBIDDEN, refused::NO_WEB_PAGES));
    }
    if hosts.is_some_and(|hosts| !hosts.serve(text(request.headers(), &HOST))) {
        return Err((StatusCode::FORBIDDEN, refused::UNKNOWN_HOST));
    }
    Ok(())
}
