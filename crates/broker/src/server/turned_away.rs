//! Connections for which there is no place: told so, and closed.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::last_words::{LastWords, TOO_MANY_CONNECTIONS};

/// Connections at once that are told; further ones are closed without a word.
const TOLD_MAX: usize = 64;

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
    pub(super) fn tell(&self, connections: &TaskTracker, mut stream: TcpStream) {
        let Ok(told) = Arc::clone(&self.0).try_acquire_owned() else { return };
        connections.spawn(async move {
            let mut words = LastWords::new(TOO_MANY_CONNECTIONS);
            // One that does not read it is closed all the same.
            drop(std::future::poll_fn(|context| words.poll(&mut stream, context)).await);
            drop(told);
        });
    }
}
