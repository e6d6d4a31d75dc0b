//! How a role is: the page that says it, and the command that asks for it.

pub(crate) mod ask;
#[cfg(feature = "application")]
pub(crate) mod metrics;
#[cfg(feature = "application")]
pub(crate) mod page;

pub(crate) use ask::ask;

use std::net::SocketAddr;

use crate::announce;
use crate::exit::Fault;
use crate::options::address::reachable;

/// Asks the page at `url`, else that of the role that listens at `address` of this host, and
/// prints it.
///
/// # Errors
///
/// The role is not well: it cannot be reached, does not answer in time, or says so itself. Also
/// where `url` is none that can be asked.
pub async fn print(url: Option<String>, address: SocketAddr) -> Result<(), Fault> {
    let url = url.unwrap_or_else(|| format!("http://{}/health", reachable(address)));
    announce::say(&ask(&url).await?);
    Ok(())
}
