//! `GET /health`: whether the broker takes requests, and what somebody should look at.
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
    let mut body = json!({ "role": "broker", "status": if failed { "failed" } else { "ok" } });
    if !to_anybody {
        body["queues"] = json!(broker.queue_count());
        body["waitingReceives"] = json!(broker.waiting_count());
        body["deadLetters"] = dead_letters(broker);
    }
    respond::with_type(status, "application/json", body.to_string().into_bytes())
}

fn dead_letters(broker: &Broker) -> Value {
    let count = |(queue, count): (QueueArn, usize)| (queue.name.to_string(), json!(count));
    Value::Object(broker.dead_letters().into_iter().map(count).collect())
}
