//! Where others find a broker: the beginning of every queue URL.

use thiserror::Error;

/// The text is not something that queue URLs can begin with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not what a queue URL can begin with: write http://host:port or https://host")]
pub(crate) struct OriginError(String);

/// Parses a scheme and a host, with or without a port and a path; a slash at the end is dropped.
pub(crate) fn parse_origin(text: &str) -> Result<String, OriginError> {
    let trimmed = text.trim_end_matches('/');
    let host = trimmed.strip_prefix("http://").or_else(|| trimmed.strip_prefix("https://"));
    let in_a_url = |char: char| char.is_ascii_graphic() && !"?#@\"<>".contains(char);
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && host.chars().all(in_a_url) => {
            Ok(trimmed.to_owned())
        }
        Some(_) | None => Err(OriginError(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_urls_begin_with_a_scheme_and_a_host() {
        assert_eq!(parse_origin("https://a.example/"), Ok("https://a.example".to_owned()));
        assert_eq!(parse_origin("http://h:9324/sqs"), Ok("http://h:9324/sqs".to_owned()));
        for bad in ["", "h:9324", "http://", "http:///x", "ftp://h", "http://h?a", "http://h h"] {
            assert!(parse_origin(bad).is_err(), "{bad}");
        }
    }
}
