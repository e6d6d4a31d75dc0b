//! A receive that knows when its role is told to stop.
//!
//! A long poll lasts 20 s, and a process that was asked to stop is often killed after 10. So a
//! receive under way is dropped as soon as its transport allows it, and waited for where a
//! dropped one would leave messages in flight that nobody holds.

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::transport::{QueueHandle, ReceiveRequest, ReceivedMessage, Result, Transport};

/// Receives; `None` if the shutdown came and the transport's patience was over first.
pub(crate) async fn receive(
    transport: &dyn Transport,
    queue: &QueueHandle,
    request: ReceiveRequest,
    shutdown: &CancellationToken,
) -> Result<Option<Vec<ReceivedMessage>>> {
    tokio::select! {
        // What has come is never thrown away.
        biased;
        answer = transport.receive(queue, request) => answer.map(Some),
        () = patience_over(transport, shutdown) => Ok(None),
    }
}

async fn patience_over(transport: &dyn Transport, shutdown: &CancellationToken) {
    match transport.receive_patience() {
        None => std::future::pending().await,
        Some(patience) => {
            shutdown.cancelled().await;
            sleep(patience).await;
        }
    }
}
