//! The gate: who asks, how that is known, and how they reach the broker.
//!
//! ```text
//! head ─► check_head ─► (the body is read) ─► admit ─► Caller ─► (the request is decoded)
//! ```
//!
//! Where signatures are required, a request without one of a known key is refused by its head, so
//! that a stranger's body takes no memory; the signature itself is of the body too, and is verified
//! before anything of it is decoded. Where they are not, a request is whose it says it is.
//!
//! # Invariants
//!
//! - Nothing of a request is looked at before its signature is verified, where that is required.
//! - A refusal costs no disk, no lock and no line in the log above debug: clients retry at once.

use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, USER_AGENT};
use hyper::http::request::Parts;
use longshore_wire::SqsError;
use longshore_wire::signature::{Claim, HttpRequest, SecretKey, SignatureRefusal};

use super::header::text;
use super::proxy::came_over_tls;
use super::refused::Refused;
use super::{Service, scope};
use crate::caller::{Caller, Place, Rights};
use crate::policy::RequestContext;

const TRACE: HeaderName = HeaderName::from_static("x-amzn-trace-id");
/// Bytes of an unsigned request's body that are read all the same, to tell its sender if it is
/// signed in an older way, whose parameters are in the body.
const UNSIGNED_BODY_BYTES: u64 = 16 << 10;

/// Refuses, where signatures are required, what cannot be signed by a known key, whatever its body
/// of at most `body_bytes`.
pub(super) fn check_head(
    service: &Service,
    peer: IpAddr,
    head: &Parts,
    body_bytes: Option<u64>,
) -> Result<(), Refused> {
    if !service.options.require_signatures {
        return Ok(());
    }
    match look(head, &[], |request| claim(service, request).map(drop)) {
        Err(SignatureRefusal::Missing)
            if body_bytes.is_some_and(|bytes| bytes <= UNSIGNED_BODY_BYTES) =>
        {
            Ok(())
        }
        claimed => claimed.map_err(|refusal| refused(service, peer, head, &refusal)),
    }
}

/// Who asks. A presigned request has its credential in the URL instead of the header.
pub(super) fn admit(
    service: &Service,
    peer: IpAddr,
    head: &Parts,
    body: &[u8],
) -> Result<Caller, Refused> {
    let mut caller = if service.options.require_signatures {
        let claim = look(head, body, |request| verified(service, request));
        let claim = claim.map_err(|refusal| refused(service, peer, head, &refusal))?;
        Caller {
            rights: Rights::Granted(context(service, peer, head)),
            ..proven(service, peer, head, &claim)
        }
    } else {
        claimed(service, peer, head)
    };
    caller.trace_header = text(&head.headers, &TRACE).map(ToOwned::to_owned);
    Ok(caller)
}

/// A caller as its request says, which nobody checks.
fn claimed(service: &Service, peer: IpAddr, head: &Parts) -> Caller {
    let signed = text(&head.headers, &AUTHORIZATION).or_else(|| head.uri.query());
    let (place, identity) = scope::hint(signed, &service.options.keys, service.broker.place());
    Caller { identity, ..Caller::new(base_url(service, peer, &head.headers), place) }
}

/// The caller whose signature was verified.
fn proven(service: &Service, peer: IpAddr, head: &Parts, claim: &Claim) -> Caller {
    let credential = claim.credential();
    let default = &service.broker.place().account;
    let identity = service.options.keys.identity(&credential.access_key, default);
    let account = identity.as_ref().map_or(default, |identity| &identity.account);
    let place = Place { region: credential.region.clone(), account: account.clone() };
    Caller { identity, ..Caller::new(base_url(service, peer, &head.headers), place) }
}

/// The circumstances that conditions of a policy can name.
fn context(service: &Service, peer: IpAddr, head: &Parts) -> RequestContext {
    RequestContext {
        now: service.broker.wall_clock(),
        source_ip: Some(peer),
        secure_transport: came_over_tls(&service.options.trusted_proxies, peer, &head.headers),
        user_agent: text(&head.headers, &USER_AGENT).map(ToOwned::to_owned),
    }
}

/// The public URL, else what the client itself called the broker.
fn base_url(service: &Service, peer: IpAddr, headers: &HeaderMap) -> String {
    if let Some(public_url) = &service.options.public_url {
        return public_url.clone();
    }
    let scheme = if came_over_tls(&service.options.trusted_proxies, peer, headers) {
        "https"
    } else {
        "http"
    };
    match (text(headers, &HOST), service.local) {
        (Some(host), _) => format!("{scheme}://{host}"),
        (None, Some(local)) => format!("{scheme}://{local}"),
        (None, None) => format!("{scheme}://localhost"),
    }
}

/// What a request says of its signer, and that one's secret.
fn claim<'a>(
    service: &'a Service,
    request: &HttpRequest<'_>,
) -> Result<(Claim, &'a SecretKey), SignatureRefusal> {
    let claim = Claim::of(request)?;
    let secret = service.options.keys.secret(&claim.credential().access_key);
    Ok((claim, secret.ok_or(SignatureRefusal::UnknownKey)?))
}

fn verified(service: &Service, request: &HttpRequest<'_>) -> Result<Claim, SignatureRefusal> {
    let (claim, secret) = claim(service, request)?;
    claim.verify(request, secret, service.broker.wall_clock())?;
    Ok(claim)
}

/// Looks at a request as its signature does.
fn look<T>(head: &Parts, body: &[u8], look: impl FnOnce(&HttpRequest<'_>) -> T) -> T {
    let headers = head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers: Vec<_> = headers.collect();
    look(&HttpRequest {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &headers,
        body,
    })
}

fn refused(service: &Service, peer: IpAddr, head: &Parts, refusal: &SignatureRefusal) -> Refused {
    let resource = format!("{}{}", base_url(service, peer, &head.headers), head.uri.path());
    Refused::Sqs(SqsError::of_signature(refusal, &resource))
}
