//! What all parts of a running worker share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Options;
use super::acknowledger::Acknowledger;
use super::heartbeat::Heartbeat;
use super::registry::Registry;
use super::sender::Sender;
use super::status::WorkerStatus;
use super::store_gate::StoreGate;
use crate::store::ClaimStore;
use crate::transport::{QueueFacts, QueueHandle, Transport};

/// What all parts of a running worker share. When the last of them lets go of it, the
/// acknowledger and the sender flush and end.
#[derive(Debug)]
pub(super) struct Runtime {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) queue: QueueHandle,
    pub(super) facts: QueueFacts,
    /// How long a received message stays in flight without a heartbeat.
    pub(super) visibility_timeout: Duration,
    pub(super) claims: Arc<dyn ClaimStore>,
    pub(super) registry: Registry,
    pub(super) options: Options,
    pub(super) status: Arc<WorkerStatus>,
    pub(super) heartbeat: Arc<Heartbeat>,
    pub(super) acknowledger: Acknowledger,
    pub(super) sender: Sender,
    pub(super) store_gate: StoreGate,
    /// Cancelled when the grace period is over: what still runs is handed back.
    pub(super) drained: CancellationToken,
}

impl Runtime {
    /// Whether a message received that often must not be handed back as it is, because the native
    /// redrive policy would soon take it without a reply.
    pub(super) fn is_worn(&self, receive_count: u32) -> bool {
        self.receive_count_max().is_some_and(|most| receive_count.saturating_add(1) >= most)
    }

    /// The receives that a message gets before the queue dead-letters it.
    pub(super) fn receive_count_max(&self) -> Option<u32> {
        self.facts.dead_letter.as_ref().map(|dead_letter| dead_letter.receive_count_max)
    }
}
