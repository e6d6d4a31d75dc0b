//! Finds a queue when a role starts. The one place that waits for it: for as long as the broker cannot
//! be reached, and for as long as its patience says where the broker has no such queue yet.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::error_chain::in_one_line;
use crate::transport::{QueueFacts, QueueHandle, Result, Transport, TransportError};

/// When the broker is asked again.
const ASK_AGAIN: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
/// How often it is said that a queue is waited for.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// The queue and its facts; `None` if the shutdown came first.
///
/// # Errors
///
/// What would not pass by itself: it may not be asked about, or there has been no such queue for
/// `patience`.
pub(crate) async fn find_queue(
    transport: &dyn Transport,
    name: &str,
    patience: Duration,
    shutdown: &CancellationToken,
) -> Result<Option<(QueueHandle, QueueFacts)>> {
    let mut pauses = ASK_AGAIN.start();
    let (mut said, mut missing_since): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        let Some(found) = shutdown.run_until_cancelled(ask(transport, name)).await else {
            return Ok(None);
        };
        let error = match found {
            Ok(found) => return Ok(Some(found)),
            Err(error) => error,
        };
        if error.is_missing_queue() {
            let since = *missing_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= patience {
                return Err(error);
            }
        } else if error.is_transient() {
            missing_since = None;
        } else {
            return Err(error);
        }
        if said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            said = Some(Instant::now());
            tracing::warn!(queue = name, error = in_one_line(&error), "waiting for the queue");
        }
        shutdown.run_until_cancelled(sleep(pauses.next_pause())).await;
    }
}

async fn ask(
    transport: &dyn Transport,
    name: &str,
) -> std::result::Result<(QueueHandle, QueueFacts), TransportError> {
    let queue = transport.resolve(name).await?;
    let facts = transport.queue_facts(&queue).await?;
    Ok((queue, facts))
}
