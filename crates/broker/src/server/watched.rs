//! A connection's stream, watched: heads as they should be, and a client that sends and reads.
//!
//! # Invariants
//!
//! - What is flushed has been written: an answer is on its way no longer.
//! - A client that sends nothing first, or reads nothing of its answer for a while, is hung up on.
//! - Bytes of a head beyond the first few are counted in the budget.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::heads::{BareLineFeed, HeadWatch};
use crate::bounds::{Client, Share};

/// Bytes of a head that are not counted.
const FREE_HEAD_BYTES: usize = 8 << 10;
/// In the place of what must not be parsed: no head can have it, so the parser answers 400.
const NO_HEAD: u8 = 0;

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// Over the first byte that it sends.
    pub(super) first_byte: Duration,
    /// Over the next bytes of its answer.
    pub(super) write: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte: Duration::from_secs(10), write: Duration::from_secs(30) }
    }
}

/// A watched stream.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    client: Arc<Client>,
    timeouts: Timeouts,
    heads: HeadWatch,
    /// What a long head has of the budget, until the next head begins.
    share: Share,
    /// Runs until the first byte has come.
    first_byte: Option<Pin<Box<Sleep>>>,
    /// Runs while the client does not read.
    unread: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) fn new(
        stream: TcpStream,
        client: Arc<Client>,
        timeouts: Timeouts,
        share: Share,
    ) -> Self {
        let first_byte = Some(Box::pin(sleep(timeouts.first_byte)));
        let heads = HeadWatch::default();
        Self { stream, client, timeouts, heads, share, first_byte, unread: None }
    }

    /// Looks at what has arrived after the first `before` bytes of the buffer.
    fn see(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> io::Result<()> {
        if buffer.filled().len() > before {
            self.first_byte = None;
        }
        if let Err(BareLineFeed(at)) = self.heads.see(&buffer.filled()[before..]) {
            buffer.set_filled(before + at);
            buffer.put_slice(&[NO_HEAD]);
        }
        self.count_head()
    }

    fn count_head(&mut self) -> io::Result<()> {
        let bytes = self.heads.head_bytes();
        if bytes == 0 {
            return Ok(());
        }
        let counted = bytes.saturating_sub(FREE_HEAD_BYTES) as u64;
        if counted > self.share.bytes() && !self.share.try_grow(counted - self.share.bytes()) {
            return Err(io::Error::other("there is no room for so long a head"));
        }
        self.share.settle(counted);
        Ok(())
    }

    /// What a write came to, if the client is not too slow.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.unread = None;
            self.client.reads();
            return written;
        }
        let timeout = self.timeouts.write;
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(unread.as_mut().poll(context));
        Poll::Ready(Err(too_slow("the client does not read its answer")))
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(self.see(buffer, before)),
            Poll::Ready(Err(failure)) => Poll::Ready(Err(failure)),
            Poll::Pending => {
                let Some(first_byte) = &mut self.first_byte else { return Poll::Pending };
                ready!(first_byte.as_mut().poll(context));
                Poll::Ready(Err(too_slow("the client sends nothing")))
            }
        }
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.client.has_read();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
