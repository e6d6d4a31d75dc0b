//! What a proxy says of the connection that it has taken in, and whose word counts.
//!
//! Anybody can send the header. So it counts only from addresses that the operator trusts.

use std::net::IpAddr;
use std::str::FromStr;

use hyper::header::{HeaderMap, HeaderName};
use ipnet::IpNet;
use thiserror::Error;

use super::header::text;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The addresses of proxies whose word counts: one, or a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedProxy(IpNet);

/// The text is neither an address nor a network.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is neither an address nor a network: write 10.0.0.7, 10.0.0.0/8 or fd00::/8")]
pub struct TrustedProxyError(String);

impl FromStr for TrustedProxy {
    type Err = TrustedProxyError;

    fn from_str(text: &str) -> Result<Self, TrustedProxyError> {
        let address = || text.parse().ok().map(|address: IpAddr| IpNet::from(address));
        let network = text.parse().ok().or_else(address);
        network.map(Self).ok_or_else(|| TrustedProxyError(text.to_owned()))
    }
}

/// Whether a proxy that is trusted says that the client came to it over TLS.
pub(super) fn came_over_tls(trusted: &[TrustedProxy], peer: IpAddr, headers: &HeaderMap) -> bool {
    let is_trusted = trusted.iter().any(|TrustedProxy(network)| network.contains(&peer));
    is_trusted && text(headers, &FORWARDED_PROTO) == Some("https")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn c13_only_a_trusted_proxys_word_counts() {
        let headers = HeaderMap::from_iter([(FORWARDED_PROTO, HeaderValue::from_static("https"))]);
        let trusted = ["10.0.0.0/8", "192.0.2.1", "fd00::/8"].map(|text| text.parse().unwrap());
        for (peer, counts) in [
            ("10.1.2.3", true),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("fd00::1", true),
            ("::1", false),
            ("127.0.0.1", false),
        ] {
            let peer = peer.parse().unwrap();
            assert_eq!(came_over_tls(&trusted, peer, &headers), counts, "{peer}");
            assert!(!came_over_tls(&[], peer, &headers), "nobody is trusted: {peer}");
            assert!(!came_over_tls(&trusted, peer, &HeaderMap::new()), "nothing said: {peer}");
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0.1:80"] {
            assert!(bad.parse::<TrustedProxy>().is_err(), "{bad}");
        }
    }
}
