//! Finds a queue when a role starts, waiting for a broker that cannot be reached yet.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::transport::{QueueFacts, QueueHandle, Result, Transport};

/// How long the broker is not asked again, at first and at last.
const ASK_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The queue and its facts; `None` if the shutdown came first.
///
/// # Errors
///
/// What would not pass by itself: there is no such queue, or it may not be asked about.
pub(crate) async fn find_queue(
    transport: &dyn Transport,
    name: &str,
    shutdown: &CancellationToken,
) -> Result<Option<(QueueHandle, QueueFacts)>> {
    let (mut pause, last) = ASK_AGAIN;
    loop {
        let Some(found) = shutdown.run_until_cancelled(ask(transport, name)).await else {
            return Ok(None);
        };
        match found {
            Err(error) if error.is_transient() => {
                tracing::warn!(queue = name, %error, "waiting for the broker");
            }
            settled => return settled.map(Some),
        }
        shutdown.run_until_cancelled(sleep(pause)).await;
        pause = (pause * 2).min(last);
    }
}

async fn ask(transport: &dyn Transport, name: &str) -> Result<(QueueHandle, QueueFacts)> {
    let queue = transport.resolve(name).await?;
    let facts = transport.queue_facts(&queue).await?;
    Ok((queue, facts))
}
