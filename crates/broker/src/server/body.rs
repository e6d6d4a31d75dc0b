//! Bodies of requests: read within the bounds, or discarded so that the answer can be read.

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};

use super::refused::Refused;
use crate::bounds::{Client, Share};

/// Bytes of a refused request that are read all the same, and how long that may take: most clients
/// read no answer before they have sent everything, and one that is hung up on reads none.
const DISCARDED_BYTES_MAX: usize = 32 << 20;
const DISCARDED_WITHIN: Duration = Duration::from_secs(10);

/// Reads a body of `bytes_max` bytes at most, and has `share` grow with it.
pub(super) async fn read(
    body: &mut Incoming,
    bytes_max: usize,
    client: &Client,
    share: &mut Share,
) -> Result<Vec<u8>, Refused> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(Refused::TOO_LARGE);
    }
    let mut whole = Vec::new();
    while let Some(part) = next(body, client).await? {
        if whole.len() + part.len() > bytes_max {
            return Err(Refused::TOO_LARGE);
        }
        share.grow(part.len() as u64).await.map_err(Refused::Sqs)?;
        // Memory is taken as it is written to, so the room for what is to come costs nothing yet.
        whole.reserve_exact(announced.saturating_sub(whole.len()).max(part.len()));
        whole.extend_from_slice(&part);
    }
    Ok(whole)
}

/// The next bytes, for which the broker waits.
async fn next(body: &mut Incoming, client: &Client) -> Result<Option<Bytes>, Refused> {
    if body.is_end_stream() {
        return Ok(None);
    }
    let Some(frame) = frame(body, client).await else { return Ok(None) };
    // Of a connection that broke off nobody reads what is answered.
    let frame = frame.map_err(|_| Refused::MALFORMED)?;
    Ok(Some(frame.into_data().unwrap_or_default()))
}

/// The next frame. What has arrived already keeps nobody waiting, and no clock is read for it.
async fn frame(body: &mut Incoming, client: &Client) -> Option<hyper::Result<Frame<Bytes>>> {
    let mut frame = pin!(body.frame());
    let mut has_waited = false;
    let frame = poll_fn(|context| {
        let polled = frame.as_mut().poll(context);
        if polled.is_pending() && !has_waited {
            has_waited = true;
            client.is_waited_for();
        }
        polled
    });
    let frame = frame.await;
    if has_waited {
        client.is_served();
    }
    frame
}

/// Reads what is left of a body, and keeps nothing of it.
pub(super) async fn discard(mut body: Incoming, client: &Client) {
    if body.is_end_stream() {
        return;
    }
    let discarded = async {
        let mut bytes = 0;
        while let Ok(Some(part)) = next(&mut body, client).await {
            bytes += part.len();
            if bytes > DISCARDED_BYTES_MAX {
                return;
            }
        }
    };
    // What is left then is the client's loss.
    drop(tokio::time::timeout(DISCARDED_WITHIN, discarded).await);
}
