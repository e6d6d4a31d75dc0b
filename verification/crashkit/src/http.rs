//! One HTTP/1.1 connection: a request is written whole, and its reply read whole. Nothing is ever tried again here.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

/// Longer than any answer takes here: a broker that stays silent for so long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A connection that stays open.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
}

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream })
    }

    /// Asks by POST, in SQS's JSON protocol.
    pub(crate) fn post(&mut self, action: &str, body: &str) -> Result<Reply> {
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n\
             X-Amz-Target: AmazonSQS.{action}\r\nContent-Length: {length}\r\n\r\n"
        );
        self.exchange(&(head + body))
    }

    /// Asks by GET, for JSON.
    pub(crate) fn get(&mut self, path: &str) -> Result<Reply> {
        let head = "HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n";
        self.exchange(&format!("GET {path} {head}"))
    }

    fn exchange(&mut self, request: &str) -> Result<Reply> {
        self.stream.write_all(request.as_bytes()).context("cannot send a request")?;
        let mut received = Vec::new();
        loop {
            if let Some(reply) = whole(&received)? {
                return Ok(reply);
            }
            let mut piece = [0; 16 << 10];
            let count = self.stream.read(&mut piece).context("cannot read a reply")?;
            ensure!(count > 0, "the broker closed the connection");
            received.extend_from_slice(&piece[..count]);
        }
    }
}

/// The reply, once all of it is there.
fn whole(received: &[u8]) -> Result<Option<Reply>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&received[..end]).context("a reply's head is not UTF-8")?;
    let status =
        head.get(9..12).and_then(|code| code.parse().ok()).context("a reply has no status")?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.context("a reply has no length")?.1.trim().parse()?;
    let body = received.get(end + 4..end + 4 + length);
    Ok(body.map(|body| Reply { status, body: body.to_vec() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_there_once_all_of_its_body_is() {
        let bytes = b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nhello";
        assert!((0..bytes.len()).all(|length| whole(&bytes[..length]).unwrap().is_none()));
        let reply = Reply { status: 404, body: b"hello".to_vec() };
        assert_eq!(whole(bytes).unwrap(), Some(reply));
        assert!(whole(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
