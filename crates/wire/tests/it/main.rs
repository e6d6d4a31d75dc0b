//! The wire as a client sees it: bytes in, requests out; replies and errors in, bytes out.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod batch;
mod contents;
mod digests;
mod errors;
mod filters;
mod message_attributes;
mod message_requests;
mod query;
mod queue_requests;
mod ranges;
mod replies;
mod required;
mod round_trip;
mod serialization;
mod signature;
mod tags;

use std::collections::BTreeMap;

use longshore_wire::{ListMessageMoveTasksResultEntry, Request, SqsError, json};

/// A queue's URL, as clients send it.
const URL: &str = "http://localhost:9324/000000000000/jobs";

/// Decodes a body of an action.
fn decode(action: &str, body: &str) -> Result<Request, SqsError> {
    json::decode(Some(&format!("AmazonSQS.{action}")), body.as_bytes())
}

/// The actions that name their queue by its URL.
fn with_queue_url() -> impl Iterator<Item = &'static str> {
    let others = [
        "CreateQueue",
        "GetQueueUrl",
        "ListQueues",
        "StartMessageMoveTask",
        "CancelMessageMoveTask",
        "ListMessageMoveTasks",
    ];
    Request::ACTIONS.iter().copied().filter(move |action| !others.contains(action))
}

/// Asserts that a body of an action is read as `expected`.
#[track_caller]
fn assert_decodes(action: &str, body: &str, expected: impl Into<Request>) {
    let decoded = decode(action, body);
    assert_eq!(decoded.as_ref().map(Request::action), Ok(action));
    assert_eq!(decoded, Ok(expected.into()));
}

/// A move task that has ended.
fn move_task() -> ListMessageMoveTasksResultEntry {
    ListMessageMoveTasksResultEntry {
        status: "COMPLETED",
        source_arn: "arn:s".to_owned(),
        approximate_number_of_messages_moved: 2,
        approximate_number_of_messages_to_move: 3,
        started_timestamp: 1_790_000_000_000,
        ..ListMessageMoveTasksResultEntry::default()
    }
}

/// Strings by name.
fn texts<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
    entries.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// A list of strings.
fn list<const N: usize>(entries: [&str; N]) -> Vec<String> {
    entries.map(str::to_owned).into()
}
