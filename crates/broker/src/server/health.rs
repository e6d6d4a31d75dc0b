//! `GET /health`: whether the broker takes requests, and what somebody should look at.
//!
//! A broker whose disk is full says so and is well all the same: it serves what it has, and a restart
//! would make no room.

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
    let clock = broker.clock().unwrap_or_default();
    let body = json!({
        "role": "broker",
        "status": match (failed, broker.is_full()) {
            (true, _) => "failed",
            (false, true) => "full",
            (false, false) => "ok",
        },
        "queues": broker.queue_count(),
        "waitingReceives": broker.waiting_count(),
        "deadLetters": dead_letters,
        "clock": {
            "confirmed": clock.is_confirmed(),
            "offsetSeconds": clock.offset_seconds(),
            "unconfirmedSeconds": clock.unconfirmed().as_secs(),
        },
    });
    respond::with_type(status, "application/json", body.to_string().into_bytes())
}
