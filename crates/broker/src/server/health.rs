//! `GET /health`: whether the broker takes requests, and what somebody should look at.
//!
//! A broker whose disk is full says so and is well all the same: it serves what it has, and a restart
//! would make no room. So is one with contents that have rotted, or without a new checkpoint: it is degraded.
//!
//! Nobody signs the question. So where signatures are required, the answer is the state and nothing
//! of the queues.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, StatusCode};
use longshore_types::QueueArn;
use serde_json::{Value, json};

use super::respond;
use crate::broker::Broker;

/// 200 while the broker takes requests, 503 once its log has failed; `to_anybody` says no more.
pub(super) fn health(broker: &Broker, to_anybody: bool) -> Response<Full<Bytes>> {
    let failed = broker.has_failed();
    let status = if failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let mut body = json!({ "role": "broker", "status": state(broker) });
    if !to_anybody {
        body["queues"] = json!(broker.queue_count());
        body["waitingReceives"] = json!(broker.waiting_count());
        body["deadLetters"] = dead_letters(broker);
        body["quarantined"] = json!(broker.quarantined_count());
        body["lacksCheckpoint"] = json!(broker.lacks_checkpoint());
        body["clock"] = clock(broker);
    }
    respond::with_type(status, "application/json", body.to_string().into_bytes())
}

fn state(broker: &Broker) -> &'static str {
    match (broker.has_failed(), broker.is_full()) {
        (true, _) => "failed",
        (false, true) => "full",
        (false, false) if is_degraded(broker) => "degraded",
        (false, false) => "ok",
    }
}

/// It serves, and somebody should look at its disk or its log.
fn is_degraded(broker: &Broker) -> bool {
    broker.quarantined_count() > 0 || broker.lacks_checkpoint()
}

fn clock(broker: &Broker) -> Value {
    let clock = broker.clock().unwrap_or_default();
    json!({
        "confirmed": clock.is_confirmed(),
        "offsetSeconds": clock.offset_seconds(),
        "unconfirmedSeconds": clock.unconfirmed().as_secs(),
    })
}

fn dead_letters(broker: &Broker) -> Value {
    let count = |(queue, count): (QueueArn, usize)| (queue.name.to_string(), json!(count));
    Value::Object(broker.dead_letters().into_iter().map(count).collect())
}
