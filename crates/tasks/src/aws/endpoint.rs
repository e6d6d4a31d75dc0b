//! What an endpoint's URL tells: whether it is on this host, and whether it is Amazon's.

/// The domains of Amazon's own endpoints, in all partitions and of both address families.
#[cfg(any(test, feature = "aws"))]
const AMAZON: [&str; 4] =
    ["amazonaws.com", "amazonaws.com.cn", "api.aws", "amazonwebservices.com.cn"];

/// The endpoint that the environment names, as the SDK's own clients read it: the variable of the
/// one API first, then the one for all.
pub(crate) fn from_environment(of_its_own: &str) -> Option<String> {
    let names = [of_its_own, "AWS_ENDPOINT_URL"];
    names.into_iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()))
}

/// Whether a URL names this host.
pub(crate) fn is_loopback(url: &str) -> bool {
    let host = host_of(url);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a URL names an endpoint of Amazon's.
#[cfg(any(test, feature = "aws"))]
pub(crate) fn is_amazon(url: &str) -> bool {
    let host = host_of(url).to_ascii_lowercase();
    AMAZON.iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn host_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    match host_and_port.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host_and_port.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_local_if_its_host_is_this_one() {
        for local in ["http://localhost:9324", "http://127.0.0.1:9324/x", "http://[::1]:9324"] {
            assert!(is_loopback(local), "{local}");
        }
        for remote in [
            "https://sqs.eu-west-1.amazonaws.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
        ] {
            assert!(!is_loopback(remote), "{remote}");
        }
    }

    #[test]
    fn an_endpoint_is_amazons_by_its_domain() {
        for amazon in [
            "https://sqs.eu-west-1.amazonaws.com",
            "https://SQS.eu-west-1.AmazonAWS.com:443/",
            "https://sqs.cn-north-1.amazonaws.com.cn/123/q",
            "https://sqs.eu-west-1.api.aws",
            "https://vpce-1.sqs.us-east-1.vpce.amazonaws.com",
        ] {
            assert!(is_amazon(amazon), "{amazon}");
        }
        for other in [
            "http://localhost:9324",
            "http://broker:9324",
            "https://notamazonaws.com",
            "https://amazonaws.com.example.org",
        ] {
            assert!(!is_amazon(other), "{other}");
        }
    }
}
