//! What a queue is set to, with types: the attributes that its behaviour depends on.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::{QueueArn, limits};

/// The attributes that decide what a queue does. Durations are whole seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long a received message stays in flight, where the receive says nothing itself.
    pub visibility_timeout: Duration,
    /// How long a send is delayed that says nothing itself.
    pub delay: Duration,
    /// How long a message is kept, counted from its send.
    pub retention: Duration,
    /// How long a receive waits that says nothing itself.
    pub receive_wait: Duration,
    /// Bytes of body and message attributes of one message.
    pub message_bytes_max: u32,
    /// When and where messages are dead-lettered.
    pub redrive: Option<RedrivePolicy>,
}

/// When and where a queue's messages are dead-lettered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RedrivePolicy {
    /// The dead-letter queue.
    #[n(0)]
    pub target: QueueArn,
    /// Receives that a message gets; the next one dead-letters it. From 1 to 1000.
    #[n(1)]
    pub receive_count_max: u32,
}

impl Default for Settings {
    /// The defaults of SQS: 30 s in flight, no delay, four days of retention, no wait, 1 MiB.
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_secs(345_600),
            receive_wait: Duration::ZERO,
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            redrive: None,
        }
    }
}
