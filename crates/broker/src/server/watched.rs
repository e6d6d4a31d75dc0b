//! A connection's stream, watched: heads as they should be, and a client that sends and reads.
//!
//! # Invariants
//!
//! - What is flushed has been written: an answer is on its way no longer.
//! - A client whose head is so long that there is no room for it is told so, and hung up on.
//! - A client that sends nothing first, or reads nothing of its answer for a while, is hung up on.
//! - Bytes of a head beyond 8 KiB are counted in the budget.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::heads::{BareLineFeed, HeadWatch};
use super::last_words::{LastWords, TOO_MANY_BYTES};
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
    /// What is said because there is no room for a head.
    last_words: Option<LastWords>,
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
        Self { stream, client, timeouts, heads, share, last_words: None, first_byte, unread: None }
    }

    /// Looks at what has arrived after the first `before` bytes of the buffer. Whether there is room
    /// for it.
    fn see(&mut self, buffer: &mut ReadBuf<'_>, before: usize) -> bool {
        if buffer.filled().len() > before {
            self.first_byte = None;
        }
        match self.heads.see(&buffer.filled()[before..]) {
            // What came of a body says nothing of the head before it.
            Ok(0) => true,
            Ok(head_bytes) => self.count_head(head_bytes),
            Err(BareLineFeed(at)) => {
                buffer.set_filled(before + at);
                buffer.put_slice(&[NO_HEAD]);
                true
            }
        }
    }

    fn count_head(&mut self, bytes: usize) -> bool {
        let counted = bytes.saturating_sub(FREE_HEAD_BYTES) as u64;
        if counted > self.share.bytes() && !self.share.try_grow(counted - self.share.bytes()) {
            return false;
        }
        self.share.settle(counted);
        true
    }

    /// Hangs up on a client for whose head there is no room, and tells it why, unless the answer to an
    /// earlier request of its is due: then it would take this one for that.
    fn refuse_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.share.refuse_at_once();
        if self.client.is_idle() {
            let words = LastWords::new(TOO_MANY_BYTES);
            return self.end(words, context);
        }
        Poll::Ready(Err(no_room()))
    }

    fn end(&mut self, mut words: LastWords, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if words.poll(&mut self.stream, context).is_pending() {
            self.last_words = Some(words);
            return Poll::Pending;
        }
        Poll::Ready(Err(no_room()))
    }

    /// What a write came to, if the client is not too slow.
    fn written<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            // What was taken at once was answered at once.
            if self.unread.take().is_some() {
                self.client.reads();
            }
            return written;
        }
        let timeout = self.timeouts.write;
        let unread = self.unread.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(unread.as_mut().poll(context));
        Poll::Ready(Err(too_slow("the client does not read its answer")))
    }
}

fn no_room() -> io::Error {
    io::Error::other("there is no room for so long a head")
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
        if let Some(words) = self.last_words.take() {
            return self.end(words, context);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) if self.see(buffer, before) => Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) => self.refuse_head(context),
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
