//! What can happen to a queue: the words of the log.
//!
//! # Invariants
//!
//! - Events are encoded as CBOR. Numbers of variants and fields are never changed or used again;
//!   a new field is an `Option` with a new number, so that old logs stay readable.
//! - What follows from the time alone (the ends of delays, leases and retention) is no event.

use std::time::Duration;

use longshore_types::{MessageId, MoveTaskId, QueueArn, RedrivePolicy, Settings, Timestamp};
use minicbor::decode::{self, Decoder};
use minicbor::encode::{self, Encoder, Write};
use minicbor::{Decode, Encode};

use crate::{Message, MessageKey, MoveDestination, MoveOutcome, Redriven};

/// Something that happened to a queue. Its time is that of the record it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Event {
    /// A message was sent, at the time of the record.
    #[n(0)]
    Sent {
        /// The new message's key.
        #[n(0)]
        key: MessageKey,
        /// The id that SQS shows.
        #[n(1)]
        id: MessageId,
        /// Bytes of body and message attributes.
        #[n(2)]
        bytes: u32,
        /// When its delay ends: not later than the send if it has none.
        #[n(3)]
        available_at: Timestamp,
        /// Its message group, if it has one: what the scheduling of a fair queue goes by.
        #[n(4)]
        group: Option<String>,
    },
    /// Messages were received, at the time of the record.
    #[n(1)]
    Received {
        /// The messages in the order of the reply, each with the end of its visibility timeout.
        #[n(0)]
        deliveries: Vec<(MessageKey, Timestamp)>,
    },
    /// A message in flight got another end of its visibility timeout.
    #[n(2)]
    VisibilityChanged {
        /// The message.
        #[n(0)]
        key: MessageKey,
        /// The new end. If it is not after the time of the record, the message is available.
        #[n(1)]
        until: Timestamp,
    },
    /// A message was deleted.
    #[n(3)]
    Deleted {
        /// The message.
        #[n(0)]
        key: MessageKey,
    },
    /// All messages were deleted, in flight and delayed ones too.
    #[n(4)]
    Purged,
    /// Messages left for the dead-letter queue. The same record tells of their arrival there.
    #[n(5)]
    DeadLettered {
        /// The messages.
        #[n(0)]
        keys: Vec<MessageKey>,
    },
    /// Messages arrived in this dead-letter queue.
    #[n(6)]
    Arrived {
        /// The messages.
        #[n(0)]
        messages: Vec<Message>,
        /// The queue that they come from.
        #[n(1)]
        source: QueueArn,
    },
    /// The queue was set to something else.
    #[n(7)]
    SettingsChanged {
        /// What it is set to now.
        #[cbor(n(0), with = "settings_codec")]
        settings: Settings,
    },
    /// A message was sent to this FIFO queue, at the time of the record. Its delay is the queue's.
    #[n(8)]
    SentFifo {
        /// The new message's key.
        #[n(0)]
        key: MessageKey,
        /// The id that SQS shows.
        #[n(1)]
        id: MessageId,
        /// Bytes of body and message attributes.
        #[n(2)]
        bytes: u32,
        /// The message group.
        #[n(3)]
        group: String,
        /// What later sends are compared with for five minutes.
        #[n(4)]
        deduplication_id: String,
    },
    /// Messages that the same record tells to be received were the answer to this attempt.
    #[n(9)]
    Attempted {
        /// The `ReceiveRequestAttemptId`.
        #[n(0)]
        attempt: String,
        /// The start of the broker that answered it.
        #[n(1)]
        epoch: u32,
        /// The messages in the order of the reply.
        #[n(2)]
        keys: Vec<MessageKey>,
    },
    /// An attempt was repeated: its messages were given out again, as the same deliveries.
    #[n(10)]
    Repeated {
        /// The `ReceiveRequestAttemptId`.
        #[n(0)]
        attempt: String,
        /// The new end of their visibility timeouts.
        #[n(1)]
        until: Timestamp,
    },
    /// A message move task was started, at the time of the record.
    #[n(11)]
    MoveStarted {
        /// The task.
        #[n(0)]
        id: MoveTaskId,
        /// Where all messages go; `None` sends each back to where it was dead-lettered from.
        #[n(1)]
        destination: Option<MoveDestination>,
        /// Messages a second, if that was said.
        #[n(2)]
        rate: Option<u32>,
        /// How many messages the queue had.
        #[n(3)]
        to_move: u64,
    },
    /// The message move task that ran came to an end.
    #[n(12)]
    MoveEnded {
        /// To which one.
        #[n(0)]
        outcome: MoveOutcome,
    },
    /// Messages left, moved by the queue's task. The same record tells of their arrival elsewhere.
    #[n(13)]
    Left {
        /// The messages.
        #[n(0)]
        keys: Vec<MessageKey>,
    },
    /// Another queue's task brought messages, which are sent here anew at the time of the record.
    #[n(14)]
    Redriven {
        /// The messages.
        #[n(0)]
        messages: Vec<Redriven>,
    },
}

/// Settings as the log has them: durations in milliseconds.
#[derive(Encode, Decode)]
struct SettingsRecord {
    #[n(0)]
    visibility_timeout: u64,
    #[n(1)]
    delay: u64,
    #[n(2)]
    retention: u64,
    #[n(3)]
    receive_wait: u64,
    #[n(4)]
    message_bytes_max: u32,
    #[n(5)]
    redrive: Option<RedrivePolicy>,
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl From<&Settings> for SettingsRecord {
    fn from(settings: &Settings) -> Self {
        Self {
            visibility_timeout: milliseconds(settings.visibility_timeout),
            delay: milliseconds(settings.delay),
            retention: milliseconds(settings.retention),
            receive_wait: milliseconds(settings.receive_wait),
            message_bytes_max: settings.message_bytes_max,
            redrive: settings.redrive.clone(),
        }
    }
}

impl From<SettingsRecord> for Settings {
    fn from(record: SettingsRecord) -> Self {
        Self {
            visibility_timeout: Duration::from_millis(record.visibility_timeout),
            delay: Duration::from_millis(record.delay),
            retention: Duration::from_millis(record.retention),
            receive_wait: Duration::from_millis(record.receive_wait),
            message_bytes_max: record.message_bytes_max,
            redrive: record.redrive,
        }
    }
}

pub(crate) mod settings_codec {
    //! How the log writes settings and reads them.

    use super::{Decode, Decoder, Encode, Encoder, Settings, SettingsRecord, Write};
    use super::{decode, encode};

    pub(crate) fn encode<C, W: Write>(
        settings: &Settings,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        SettingsRecord::from(settings).encode(encoder, context)
    }

    pub(crate) fn decode<C>(
        decoder: &mut Decoder<'_>,
        context: &mut C,
    ) -> Result<Settings, decode::Error> {
        SettingsRecord::decode(decoder, context).map(Settings::from)
    }
}
