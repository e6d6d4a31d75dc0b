//! Takes ports, before anything else is done.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::exit::Fault;
#[cfg(feature = "application")]
use crate::options::application::HEALTH_LISTEN;

/// Takes the address that `flag` names.
pub(crate) async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener, Fault> {
    longshore_broker::bind(address).await.map_err(|fault| refused(address, flag, &fault))
}

/// Takes the address that `flag` names, if it names one.
pub(crate) async fn bind_named(
    address: Option<SocketAddr>,
    flag: &str,
) -> Result<Option<TcpListener>, Fault> {
    match address {
        Some(address) => bind(address, flag).await.map(Some),
        None => Ok(None),
    }
}

/// Takes the address of a health page: the one that was named, else the usual one, else any port.
#[cfg(feature = "application")]
pub(crate) async fn bind_health(named: Option<SocketAddr>) -> Result<TcpListener, Fault> {
    if let Some(address) = named {
        return bind(address, "--health-listen").await;
    }
    match longshore_broker::bind(HEALTH_LISTEN).await {
        Err(fault) if fault.kind() == io::ErrorKind::AddrInUse => {
            bind(SocketAddr::new(HEALTH_LISTEN.ip(), 0), "--health-listen").await
        }
        bound => bound.map_err(|fault| refused(HEALTH_LISTEN, "--health-listen", &fault)),
    }
}

/// The address that was taken.
pub(crate) fn address_of(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}

fn refused(address: SocketAddr, flag: &str, fault: &io::Error) -> Fault {
    let text = if fault.kind() == io::ErrorKind::AddrInUse {
        format!(
            "{address} is in use: end the program that listens there, or name another address \
             with {flag}"
        )
    } else {
        format!("{address} cannot be listened on ({fault}): name another address with {flag}")
    };
    Fault::cannot_start(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[tokio::test]
    async fn an_address_that_is_taken_is_named_with_its_flag() {
        let taken = bind("127.0.0.1:0".parse().unwrap(), "--listen").await.unwrap();
        let fault = bind(address_of(&taken), "--listen").await.unwrap_err();
        assert_eq!(fault.exit(), Exit::CannotStart);
        let text = fault.to_string();
        assert!(text.contains("is in use") && text.contains("--listen"), "{text}");
    }

    #[tokio::test]
    async fn a_health_page_finds_a_port_unless_one_was_named() {
        let first = bind_health(None).await.unwrap();
        let second = bind_health(None).await.unwrap();
        assert_ne!(address_of(&first), address_of(&second));
        assert!(bind_health(Some(address_of(&second))).await.is_err());
    }
}
