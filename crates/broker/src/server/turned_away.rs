//! Connections for which there is no place: told so, and closed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections at once that are told; further ones are closed without a word.
const TOLD_MAX: usize = 64;
/// How long a client may take to read what it is told.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
/// Bytes of its request that are read meanwhile, so that the answer is not lost with them.
const READ_BYTES_MAX: u64 = 256 << 10;

const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    x-amz-retry-after: 1000\r\n\
    connection: close\r\n\
    content-length: 49\r\n\r\n\
    too many connections are open: try again shortly\n";

/// Those that are being told.
#[derive(Debug)]
pub(super) struct TurnedAway(Arc<Semaphore>);

impl Default for TurnedAway {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TOLD_MAX)))
    }
}

impl TurnedAway {
    /// Tells a client in the background that there is no place for it.
    pub(super) fn tell(&self, connections: &TaskTracker, stream: TcpStream) {
        let Ok(told) = Arc::clone(&self.0).try_acquire_owned() else { return };
        connections.spawn(async move {
            // One that does not read it is closed all the same.
            drop(tokio::time::timeout(TOLD_WITHIN, answer(stream)).await);
            drop(told);
        });
    }
}

async fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(ANSWER).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(READ_BYTES_MAX);
    let mut bytes = [0; 4096];
    while rest.read(&mut bytes).await? > 0 {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_as_long_as_it_says() {
        let answer = str::from_utf8(ANSWER).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{}", body.len());
    }
}
