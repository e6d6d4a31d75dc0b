//! A receive that knows when its role is told to stop.
//!
//! A long poll lasts 20 s, and a process that was asked to stop is often killed after 10. So a
//! receive under way is dropped as soon as its transport allows it, and waited for where a
//! dropped one would leave messages in flight that nobody holds.
//!
//! A receive that never comes back is the end of a worker that nobody notices. A transport has
//! time-outs of its own; whatever slips through them is given up here, and begun again by the loop
//! that asked.

use std::time::Duration;

use thiserror::Error;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::transport::{
    Action, QueueHandle, ReceiveRequest, ReceivedMessage, Result, Transport, TransportError,
};

/// How much longer than its wait a receive may take before it is given up: longer than a transport's
/// own time-outs, which know more of what went wrong.
const OVERDUE_AFTER: Duration = Duration::from_secs(30);

/// Why a receive was given up.
#[derive(Debug, Error)]
#[error("none came within {0:?}, so it is asked again")]
struct Overdue(Duration);

/// Receives; `None` if the shutdown came and the transport's patience was over first.
///
/// # Errors
///
/// The transport's own; and that no answer came for half a minute longer than the wait: see
/// [`is_overdue`].
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
        () = sleep(request.wait + OVERDUE_AFTER) => Err(overdue(queue, request.wait)),
    }
}

/// Whether a receive was given up because it did not come back.
pub(crate) fn is_overdue(error: &TransportError) -> bool {
    matches!(error, TransportError::Unknown { source, .. } if source.is::<Overdue>())
}

fn overdue(queue: &QueueHandle, wait: Duration) -> TransportError {
    TransportError::Unknown {
        action: Action::ReceiveMessage,
        target: queue.name().to_owned(),
        source: Overdue(wait + OVERDUE_AFTER).into(),
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
