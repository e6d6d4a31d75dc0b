//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// The text is not an address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not an address with a port: write 127.0.0.1:5000, 0.0.0.0:5000 (every IPv4 \
     address), [::]:5000 or localhost:5000"
)]
pub(crate) struct AddressError(String);

/// Parses an IP address with a port; `localhost` is 127.0.0.1.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, AddressError> {
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    numeric.parse().map_err(|_| AddressError(text.to_owned()))
}

/// The address by which a program on the same host reaches a listener.
pub(crate) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_ip_with_a_port_or_localhost_with_one() {
        assert_eq!(parse_address("localhost:80"), parse_address("127.0.0.1:80"));
        assert!(parse_address("[::1]:80").is_ok());
        for bad in ["", "80", ":80", "127.0.0.1", "example.org:80", "localhost:x"] {
            assert!(parse_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_address_of_a_host_is_reached_on_the_loopback_one() {
        assert_eq!(reachable(parse_address("0.0.0.0:1").unwrap()).to_string(), "127.0.0.1:1");
        assert_eq!(reachable(parse_address("[::]:1").unwrap()).to_string(), "[::1]:1");
        assert_eq!(reachable(parse_address("10.0.0.1:1").unwrap()).to_string(), "10.0.0.1:1");
    }
}
