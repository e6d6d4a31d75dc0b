//! `GET /health`: whether the broker takes requests, and what somebody should look at.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use serde_json::{Map, json};

use super::respond;
use crate::broker::Broker;

/// 200 while the broker takes requests, 503 once its log has failed.
pub(super) fn health(broker: &Broker) -> Response<Full<Bytes>> {
    let failed = broker.has_failed();
    let status = if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let dead_letters: Map<_, _> = broker
        .dead_letters()
        .into_iter()
        .map(|(queue, count)| (queue.name.to_string(), json!(count)))
        .collect();
    let body = json!({
        "role": "broker",
        "status": if failed { "failed" } else { "ok" },
        "queues": broker.queue_count(),
        "waitingReceives": broker.waiting_count(),
        "deadLetters": dead_letters,
    });
    respond::with_type(status, "application/json", body.to_string().into_bytes())
}
