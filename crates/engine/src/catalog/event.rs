//! What can happen to the catalog: words of the log.
//!
//! # Invariants
//!
//! - As for the events of a queue: numbers are never changed or used again, new fields are
//!   optional.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use longshore_types::{AttributeName, QueueArn};
use minicbor::{Decode, Encode};

use crate::QueueId;

/// Something that happened to the catalog. Its time is that of the record it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CatalogEvent {
    /// A store was made, with the secret that signs its receipt handles.
    #[n(0)]
    Founded {
        /// The secret.
        #[n(0)]
        secret: Secret,
    },
    /// A broker was started on the store.
    #[n(1)]
    Booted {
        /// How often that has happened, this time included.
        #[n(0)]
        epoch: u32,
    },
    /// A queue was created.
    #[n(2)]
    Created {
        /// Its id.
        #[n(0)]
        id: QueueId,
        /// Its full name.
        #[n(1)]
        arn: QueueArn,
        /// The attributes that were set, as texts.
        #[n(2)]
        attributes: BTreeMap<AttributeName, String>,
        /// Its tags.
        #[n(3)]
        tags: BTreeMap<String, String>,
    },
    /// A queue was deleted, with all its messages.
    #[n(3)]
    Deleted {
        /// The queue.
        #[n(0)]
        id: QueueId,
    },
    /// Attributes of a queue were set.
    #[n(4)]
    AttributesSet {
        /// The queue.
        #[n(0)]
        id: QueueId,
        /// The new values; `None` removes the attribute. The others stay as they are.
        #[n(1)]
        attributes: BTreeMap<AttributeName, Option<String>>,
    },
    /// A queue was tagged.
    #[n(5)]
    Tagged {
        /// The queue.
        #[n(0)]
        id: QueueId,
        /// The new tags. The others stay as they are.
        #[n(1)]
        tags: BTreeMap<String, String>,
    },
    /// A queue lost tags.
    #[n(6)]
    Untagged {
        /// The queue.
        #[n(0)]
        id: QueueId,
        /// The keys of the tags; those that it does not have are passed over.
        #[n(1)]
        keys: BTreeSet<String>,
    },
}

/// 32 random bytes that sign receipt handles. They are never shown.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Secret(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl Secret {
    /// The secret made of those bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
