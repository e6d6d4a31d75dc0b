//! What is said to a client that is not served, before its connection is closed.
//!
//! # Invariants
//!
//! - The client can read it: what it still sends is read meanwhile, within bounds, because a connection
//!   that is closed with bytes unread takes the answer with it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a client may take to read what it is told.
const WITHIN: Duration = Duration::from_secs(2);
/// Bytes of its request that are read meanwhile.
const READ_BYTES_MAX: usize = 256 << 10;

/// To a client for which there is no place.
pub(super) const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    x-amz-retry-after: 1000\r\n\
    connection: close\r\n\
    content-length: 49\r\n\r\n\
    too many connections are open: try again shortly\n";

/// To a client for whose head there is no room.
pub(super) const TOO_MANY_BYTES: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    x-amz-retry-after: 1000\r\n\
    connection: close\r\n\
    content-length: 46\r\n\r\n\
    too many bytes are in flight: try again later\n";

/// An answer on its way to a client that gets no other.
#[derive(Debug)]
pub(super) struct LastWords {
    words: &'static [u8],
    said: usize,
    is_over: bool,
    read_bytes: usize,
    within: Pin<Box<Sleep>>,
}

impl LastWords {
    pub(super) fn new(words: &'static [u8]) -> Self {
        let within = Box::pin(sleep(WITHIN));
        Self { words, said: 0, is_over: false, read_bytes: 0, within }
    }

    /// Resolves when the connection can be closed.
    pub(super) fn poll(
        &mut self,
        stream: &mut TcpStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.within.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut stream = Pin::new(stream);
        while self.said < self.words.len() {
            self.said += ready!(stream.as_mut().poll_write(context, &self.words[self.said..]))?;
        }
        if !self.is_over {
            ready!(stream.as_mut().poll_shutdown(context))?;
            self.is_over = true;
        }
        self.poll_read(stream, context)
    }

    fn poll_read(
        &mut self,
        mut stream: Pin<&mut TcpStream>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 4096];
        while self.read_bytes < READ_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut bytes);
            ready!(stream.as_mut().poll_read(context, &mut buffer))?;
            if buffer.filled().is_empty() {
                break;
            }
            self.read_bytes += buffer.filled().len();
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_as_long_as_it_says() {
        for words in [TOO_MANY_CONNECTIONS, TOO_MANY_BYTES] {
            let (head, body) = str::from_utf8(words).unwrap().split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
        }
    }
}
