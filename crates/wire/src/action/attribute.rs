//! What a message carries besides its body: attributes as they are sent, and the names of the
//! system attributes that a receive can ask for.

use std::fmt;

use serde::Deserialize;

use super::read;

/// A message attribute as it was sent. [`check::message_attributes`](crate::check::message_attributes)
/// turns valid ones into [`longshore_types::MessageAttribute`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RawAttribute {
    /// `String`, `Number` or `Binary`, with an optional `.suffix`.
    #[serde(deserialize_with = "read::maybe_text")]
    pub data_type: Option<String>,
    /// The value of a `String` or a `Number`.
    #[serde(deserialize_with = "read::maybe_text")]
    pub string_value: Option<String>,
    /// The value of a `Binary`, decoded from base64.
    #[serde(deserialize_with = "read::blob")]
    pub binary_value: Option<Vec<u8>>,
    /// In the API's model, but refused by SQS unless empty.
    #[serde(deserialize_with = "read::texts")]
    pub string_list_values: Vec<String>,
    /// In the API's model, but refused by SQS unless empty.
    #[serde(deserialize_with = "read::blobs")]
    pub binary_list_values: Vec<Vec<u8>>,
}

macro_rules! system_attribute_names {
    ($($name:ident $wire:literal $doc:literal;)*) => {
        /// The name of an attribute that SQS itself gives a received message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SystemAttributeName {
            $(#[doc = $doc] $name,)*
        }

        impl SystemAttributeName {
            /// Every name.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name as SQS spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The attribute of that name; names are case-sensitive.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($wire => Some(Self::$name),)* _ => None }
            }
        }
    };
}

system_attribute_names! {
    ApproximateFirstReceiveTimestamp "ApproximateFirstReceiveTimestamp"
        "When the message was first received, in milliseconds since the epoch.";
    ApproximateReceiveCount "ApproximateReceiveCount"
        "How often the message was received, this receive included.";
    AwsTraceHeader "AWSTraceHeader"
        "The X-Ray trace header that was sent with the message.";
    DeadLetterQueueSourceArn "DeadLetterQueueSourceArn"
        "The ARN of the queue that dead-lettered the message.";
    MessageDeduplicationId "MessageDeduplicationId"
        "The deduplication id, on FIFO queues.";
    MessageGroupId "MessageGroupId"
        "The message group: always on FIFO queues, if sent on standard ones.";
    SenderId "SenderId"
        "Who sent the message.";
    SentTimestamp "SentTimestamp"
        "When the message was sent, in milliseconds since the epoch.";
    SequenceNumber "SequenceNumber"
        "The message's place in its FIFO queue, 20 digits.";
}

impl fmt::Display for SystemAttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
