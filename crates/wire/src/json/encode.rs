//! Replies and errors to JSON.

use serde::Serialize;

use crate::{Reply, SqsError};

/// The body of a reply. An action without output is answered `{}`, which every SDK reads.
pub fn encode(reply: &Reply) -> Vec<u8> {
    if *reply == Reply::Empty { b"{}".to_vec() } else { to_bytes(reply) }
}

/// The body of an error; its status and header are in [`SqsError::spelling`].
pub fn encode_error(error: &SqsError) -> Vec<u8> {
    to_bytes(&ErrorBody { shape: error.spelling().json_type(), message: error.to_string() })
}

#[derive(Serialize)]
struct ErrorBody {
    #[serde(rename = "__type")]
    shape: String,
    message: String,
}

/// Bytes that most replies have room in, so that they are not moved again and again while they grow.
const REPLY_BYTES: usize = 1024;

fn to_bytes(output: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(REPLY_BYTES);
    let written = serde_json::to_writer(&mut bytes, output);
    written.expect("outputs have string keys and no failing serializer");
    bytes
}
