//! One HTTP/1.1 connection that stays open: a request is written whole, and its reply read whole.
//!
//! As little work as possible, since the load generator shares the machine with what it measures.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

/// Longer than any long poll: a server that stays silent for so long has failed.
const SILENCE_MAX: Duration = Duration::from_secs(40);

/// A connection with the buffer that its replies are read into.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// A reply, borrowed from the connection's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// The status code.
    pub(super) status: u16,
    /// The body.
    pub(super) body: &'a str,
}

impl Connection {
    /// Connects, with Nagle's algorithm off.
    pub(super) fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE_MAX))?;
        Ok(Self { stream, buffer: vec![0; 64 * 1024], filled: 0 })
    }

    /// Sends a request and waits for its reply.
    pub(super) fn exchange(&mut self, request: &[u8]) -> Result<Reply<'_>> {
        self.stream.write_all(request).context("cannot send a request")?;
        self.filled = 0;
        let (head, length) = loop {
            self.fill()?;
            if let Some(head) = head_length(&self.buffer[..self.filled]) {
                break (head, content_length(&self.buffer[..head])?);
            }
        };
        while self.filled < head + length {
            self.fill()?;
        }
        let status = status(&self.buffer[..head])?;
        let body = std::str::from_utf8(&self.buffer[head..head + length])
            .context("a reply is not UTF-8")?;
        Ok(Reply { status, body })
    }

    /// Sends a request whose reply must be a 200, and returns its body.
    pub(super) fn ask(&mut self, request: &[u8]) -> Result<&str> {
        let reply = self.exchange(request)?;
        ensure!(reply.status == 200, "the server answered {}: {}", reply.status, reply.body);
        Ok(reply.body)
    }

    fn fill(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(2 * self.filled, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.filled..]);
        if read.as_ref().is_err_and(|failure| failure.kind() == ErrorKind::WouldBlock) {
            bail!("the server gave no reply within {} s", SILENCE_MAX.as_secs());
        }
        match read.context("cannot read a reply")? {
            0 => bail!("the server closed the connection"),
            count => self.filled += count,
        }
        Ok(())
    }
}

/// Where the body begins, once the whole head is there.
fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head).context("a reply's head is not UTF-8")?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.context("a reply has no Content-Length")?;
    length.trim().parse().context("a reply's Content-Length is no number")
}

fn status(head: &[u8]) -> Result<u16> {
    let code = head.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
    code.and_then(|code| code.parse().ok()).context("a reply has no status")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers each request on one connection with the next of these pieces.
    fn serving(pieces: &'static [&'static str]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1];
            stream.read_exact(&mut request).unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
                stream.flush().unwrap();
                thread::yield_now();
            }
        });
        Connection::open(address).unwrap()
    }

    #[test]
    fn a_reply_in_pieces_is_read_whole() {
        let mut connection =
            serving(&["HTTP/1.1 404 Not Found\r\ncontent-", "length: 5\r\n\r\nhe", "llo"]);
        assert_eq!(connection.exchange(b"?").unwrap(), Reply { status: 404, body: "hello" });
    }

    #[test]
    fn a_reply_that_is_no_200_is_an_error_with_its_body() {
        let mut connection = serving(&["HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nwhy"]);
        assert_eq!(connection.ask(b"?").unwrap_err().to_string(), "the server answered 400: why");
    }

    #[test]
    fn a_server_that_goes_away_is_an_error() {
        let mut connection = serving(&["HTTP/1.1 200 OK\r\n"]);
        assert_eq!(
            connection.ask(b"?").unwrap_err().to_string(),
            "the server closed the connection"
        );
    }
}
