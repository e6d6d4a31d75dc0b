//! Asks a running role for its health page, so that a container needs no `curl`.
//!
//! One plain HTTP/1.1 request over a socket of its own: it has to work where nothing but this
//! program is installed.

use std::time::Duration;

use http::Uri;
use http::uri::Authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exit::Fault;

/// How long a role can take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The body of the health page at `url`.
///
/// # Errors
///
/// The role is not well: it cannot be reached, does not answer in time, or says so itself. Also
/// where `url` is none that can be asked.
pub(crate) async fn ask(url: &str) -> Result<String, Fault> {
    let uri: Uri = url.parse().map_err(|_| not_askable(url))?;
    if uri.scheme_str() != Some("http") {
        return Err(not_askable(url));
    }
    let authority = uri.authority().ok_or_else(|| not_askable(url))?.clone();
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let exchange = exchange(&authority, path);
    let answer = match tokio::time::timeout(PATIENCE, exchange).await {
        Err(_) => return Err(Fault::failed(format!("{url} did not answer within 5 seconds"))),
        Ok(Err(fault)) => return Err(Fault::failed(format!("{url} cannot be asked: {fault}"))),
        Ok(Ok(answer)) => answer,
    };
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        Some(status) => Err(Fault::failed(format!("{url} answered {status}: {body}"))),
        None => Err(Fault::failed(format!("{url} did not answer with HTTP"))),
    }
}

fn not_askable(url: &str) -> Fault {
    Fault::usage(format!("`{url}` cannot be asked: write http://host:port/health"))
}

async fn exchange(authority: &Authority, path: &str) -> std::io::Result<String> {
    let host = authority.host().trim_matches(['[', ']']);
    let mut stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    // HTTP/1.0, so that the body ends where the connection does and is not chunked.
    let request = format!("GET {path} HTTP/1.0\r\nhost: {authority}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::exit::Exit;

    /// The URL of a page that answers one request with `status` and `{}`.
    async fn answering(status: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /health HTTP/1.0\r\n"));
            let answer = format!("HTTP/1.0 {status}\r\n\r\n{{}}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        url
    }

    #[tokio::test]
    async fn a_role_that_answers_200_is_well() {
        assert_eq!(ask(&answering("200 OK").await).await.unwrap(), "{}");
    }

    #[tokio::test]
    async fn a_role_that_answers_anything_else_is_not() {
        let fault = ask(&answering("503 Service Unavailable").await).await.unwrap_err();
        assert_eq!(fault.exit(), Exit::Failed);
        assert!(fault.to_string().contains("503"), "{fault}");
    }

    #[tokio::test]
    async fn a_url_that_cannot_be_asked_is_wrong_usage() {
        for url in ["", "localhost", "https://localhost/health"] {
            assert_eq!(ask(url).await.unwrap_err().exit(), Exit::Usage, "{url}");
        }
    }
}
