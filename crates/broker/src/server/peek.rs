//! `GET /_aws/sqs/messages`: the messages of a queue, which nobody receives by it.
//!
//! ```text
//! GET /_aws/sqs/messages?QueueUrl=<url>
//! GET /_aws/sqs/messages/<region>/<account>/<queue>
//! ```
//!
//! `ShowInvisible=true` adds what is in flight, `ShowDelayed=true` what is delayed. It is `LocalStack`'s
//! way to look into a queue, which suites of tests use. The answer is a receive's in the Query
//! protocol.

use std::net::IpAddr;

use hyper::Method;
use hyper::header::ACCEPT;
use hyper::http::request::Parts;
use longshore_types::{QueueName, Region};
use longshore_wire::query::{Format, Parameters};
use longshore_wire::{Named, Reply, SqsError};

use super::header::text;
use super::protocol::Protocol;
use super::refused::Refused;
use super::{Service, answered, gate};
use crate::bounds::Share;
use crate::caller::{Caller, Rights};
use crate::operation::{PeekMessages, Peeked};

const PATH: &str = "/_aws/sqs/messages";

/// Whose reply the answer is.
pub(super) const ANSWERS: &str = "ReceiveMessage";

/// Whether somebody wants to look at messages, by the path of the request.
pub(super) fn is_at(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The protocol in which they are answered.
pub(super) fn protocol(head: &Parts) -> Protocol {
    Protocol::Query(Format::accepted(text(&head.headers, &ACCEPT)))
}

/// What whoever wants to look at messages sees, and at which queue, if somebody wants to know that.
pub(super) async fn peek(
    service: &Service,
    peer: IpAddr,
    head: &Parts,
    share: &mut Share,
) -> (Option<QueueName>, Result<Reply, Refused>) {
    match admit(service, peer, head) {
        Err(refused) => (None, Err(refused)),
        Ok((caller, asked)) => {
            let queue = answered::queue(Named::Url(&asked.queue_url));
            (queue, look(service, &caller, asked, share).await.map_err(Refused::Sqs))
        }
    }
}

fn admit(service: &Service, peer: IpAddr, head: &Parts) -> Result<(Caller, PeekMessages), Refused> {
    // A receive that was sent here would take messages from those who only mean to look.
    if head.method != Method::GET {
        return Err(Refused::ONLY_GET);
    }
    gate::check_head(service, peer, head, Some(0))?;
    let mut caller = gate::admit(service, peer, head, &[])?;
    let asked = asked(head, &mut caller).map_err(Refused::Sqs)?;
    Ok((caller, asked))
}

async fn look(
    service: &Service,
    caller: &Caller,
    asked: PeekMessages,
    share: &mut Share,
) -> Result<Reply, SqsError> {
    let Peeked { reply, is_cut } = service.broker.peek(caller, asked, share).await?;
    if is_cut {
        service.broker.traffic().pressure().count_cut_peek();
    }
    Ok(reply.into())
}

/// What is asked for. A region in the path is the caller's, unless a signature has proven another.
fn asked(head: &Parts, caller: &mut Caller) -> Result<PeekMessages, SqsError> {
    let parameters = Parameters::parse(head.uri.query().unwrap_or_default(), &[])?;
    let is_set = |name| parameters.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let (in_flight, delayed) = (is_set("ShowInvisible"), is_set("ShowDelayed"));
    let path = head.uri.path()[PATH.len()..].trim_matches('/');
    if let Some((region, _)) = path.split_once('/')
        && let (Ok(region), Rights::Owner) = (Region::parse(region), &caller.rights)
    {
        caller.place.region = region;
    }
    let queue = parameters.text("QueueUrl").or(Some(path)).filter(|url| !url.is_empty());
    let queue_url = queue.ok_or_else(|| SqsError::MissingParameter("QueueUrl".to_owned()))?;
    Ok(PeekMessages { queue_url: queue_url.to_owned(), in_flight, delayed })
}
