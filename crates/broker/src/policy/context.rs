//! The circumstances of a request, and the condition keys that tell them.

use std::net::IpAddr;

use longshore_types::Timestamp;

use super::Principal;
use super::condition::date;
use super::decide::Access;

/// From where, when and how somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestContext {
    /// When: `aws:CurrentTime` and `aws:EpochTime`.
    pub now: Timestamp,
    /// From which address: `aws:SourceIp`. `None` within the process.
    pub source_ip: Option<IpAddr>,
    /// Whether over TLS: `aws:SecureTransport`.
    pub secure_transport: bool,
    /// With which program, as it says itself: `aws:UserAgent`.
    pub user_agent: Option<String>,
}

/// Keys of AWS that no request to this broker has: there are no VPCs, organizations, sessions or
/// calling services here.
const NEVER_THERE: [&str; 20] = [
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:referer",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:vpceaccount",
    "aws:vpcsourceip",
];

/// What a request has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// This.
    Value(String),
    /// Nothing.
    Absent,
    /// The broker does not know the key.
    Unknown,
}

/// The condition keys of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'a>(&'a Access<'a>);

impl<'a> Keys<'a> {
    pub(super) const fn new(access: &'a Access<'a>) -> Self {
        Self(access)
    }

    /// What the request has under a key, which is in lower case.
    pub(super) fn find(self, key: &str) -> Found {
        let Access { principal, queue, context, .. } = *self.0;
        let value = match key {
            "aws:currenttime" => date::format(context.now),
            "aws:epochtime" => Some(context.now.as_secs().to_string()),
            "aws:sourceip" => context.source_ip.map(|ip| ip.to_canonical().to_string()),
            "aws:securetransport" => Some(context.secure_transport.to_string()),
            "aws:useragent" => context.user_agent.clone(),
            "aws:principalarn" => principal.arn().map(ToOwned::to_owned),
            "aws:principalaccount" => principal.account().map(ToString::to_string),
            "aws:principaltype" => Some(kind_of(principal).to_owned()),
            "aws:username" => user_name(principal).map(ToOwned::to_owned),
            "aws:principalisawsservice" | "aws:viaawsservice" => Some(false.to_string()),
            "aws:requestedregion" => Some(queue.region.to_string()),
            "aws:resourceaccount" => Some(queue.account.to_string()),
            _ if NEVER_THERE.contains(&key) => None,
            _ => return Found::Unknown,
        };
        value.map_or(Found::Absent, Found::Value)
    }
}

/// What the principal is: `Anonymous`, `Account` or `User`.
fn kind_of(principal: &Principal) -> &'static str {
    match (principal.arn(), user_name(principal)) {
        (None, _) => "Anonymous",
        (Some(_), None) => "Account",
        (Some(_), Some(_)) => "User",
    }
}

/// The name of a user, without the path before it.
fn user_name(principal: &Principal) -> Option<&str> {
    let (_, path) = principal.arn()?.split_once(":user/")?;
    path.rsplit('/').next()
}
