//! The names of queue attributes.

use std::fmt;

use minicbor::{Decode, Encode};

macro_rules! attribute_names {
    ($($number:literal $name:ident $access:ident $doc:literal;)*) => {
        /// A queue attribute's name, spelled as SQS spells it.
        ///
        /// The numbers are part of the log's format: never give one to another name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(index_only)]
        pub enum AttributeName {
            $(#[doc = $doc] #[n($number)] $name,)*
        }

        impl AttributeName {
            /// Every name.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name as SQS spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// The attribute of that name; names are case-sensitive.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }

            /// Who can set the attribute.
            pub const fn access(self) -> Access {
                match self { $(Self::$name => Access::$access,)* }
            }
        }
    };
}

/// Who can set a queue attribute, and on which queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The queue's owner, on any queue.
    Settable,
    /// The queue's owner, on FIFO queues.
    FifoOnly,
    /// Nobody: SQS computes it.
    ReadOnly,
}

attribute_names! {
    0 ApproximateNumberOfMessages ReadOnly "Messages that are available.";
    1 ApproximateNumberOfMessagesDelayed ReadOnly "Messages that are delayed.";
    2 ApproximateNumberOfMessagesNotVisible ReadOnly "Messages that are in flight.";
    3 CreatedTimestamp ReadOnly "When the queue was created, in seconds since the epoch.";
    4 LastModifiedTimestamp ReadOnly "When an attribute was last set, in seconds since the epoch.";
    5 QueueArn ReadOnly "The queue's ARN.";
    6 DelaySeconds Settable "How long a send is delayed that says nothing itself: 0 to 900.";
    7 MaximumMessageSize Settable "Bytes of a message: 1024 to 1048576.";
    8 MessageRetentionPeriod Settable "Seconds a message is kept: 60 to 1209600.";
    9 ReceiveMessageWaitTimeSeconds Settable "Seconds a receive waits that says nothing itself: 0 to 20.";
    10 VisibilityTimeout Settable "Seconds a received message stays in flight: 0 to 43200.";
    11 Policy Settable "The access policy, a JSON text.";
    12 RedrivePolicy Settable "When and where messages are dead-lettered, a JSON text.";
    13 RedriveAllowPolicy Settable "Which queues can dead-letter to this one, a JSON text.";
    14 KmsMasterKeyId Settable "The KMS key.";
    15 KmsDataKeyReusePeriodSeconds Settable "Seconds a data key is used: 60 to 86400.";
    16 SqsManagedSseEnabled Settable "Whether SQS encrypts with its own keys.";
    17 FifoQueue FifoOnly "`true` on a FIFO queue, absent on a standard one.";
    18 ContentBasedDeduplication FifoOnly "Whether a body's digest is its deduplication id.";
    19 DeduplicationScope FifoOnly "`queue` or `messageGroup`.";
    20 FifoThroughputLimit FifoOnly "`perQueue` or `perMessageGroupId`.";
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in AttributeName::ALL {
            assert_eq!(AttributeName::parse(name.as_str()), Some(*name));
        }
        assert_eq!(AttributeName::parse("visibilityTimeout"), None);
    }
}
