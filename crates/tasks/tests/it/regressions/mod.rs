//! What went wrong in other frameworks, and belongs to no single part of this one: waits that hold
//! something, claims and ids that stay locked, errors that end the host, records that come back.

mod ids;
mod replies;
mod roles;
mod waits;

use std::time::Duration;

use longshore_tasks::transport::Action;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// The calls of a role that runs.
const CALLS: [Action; 4] = [
    Action::ReceiveMessage,
    Action::SendMessageBatch,
    Action::DeleteMessageBatch,
    Action::ChangeMessageVisibilityBatch,
];
