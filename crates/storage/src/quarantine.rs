//! Bodies that are not as they were written: each is named, counted, and left where it is.
//!
//! A body is found to be rotten when it is read, or when the log is read at opening. It is never handed
//! out, and nothing else is kept from being read because of it. It is forgotten when it is released,
//! and when a later read finds it whole: a disk may fail to read once.
//!
//! # Invariants
//!
//! - Only bodies that are still wanted are here.

use std::collections::BTreeSet;

use crate::{BodyKey, index::Location, segment::SegmentFile};

/// A body that is still wanted, and that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The body.
    pub key: BodyKey,
    /// The file that it is in.
    pub file: String,
    /// Where in the file it begins, with its header.
    pub offset: u64,
    /// Bytes of the body.
    pub bytes: u32,
}

impl Quarantined {
    pub(crate) fn new(key: BodyKey, location: Location, segment: &SegmentFile) -> Self {
        let (file, offset) = (segment.path.to_string(), u64::from(location.offset));
        Self { key, file, offset, bytes: location.len }
    }
}

/// Which bodies are rotten.
#[derive(Debug, Default)]
pub(crate) struct Quarantine(BTreeSet<BodyKey>);

impl Quarantine {
    pub(crate) fn new(rotten: impl IntoIterator<Item = BodyKey>) -> Self {
        Self(rotten.into_iter().collect())
    }

    /// Notes a body, and says whether it was not known before.
    pub(crate) fn add(&mut self, key: BodyKey) -> bool {
        self.0.insert(key)
    }

    pub(crate) fn forget(&mut self, key: BodyKey) {
        self.0.remove(&key);
    }

    pub(crate) fn has(&self, key: BodyKey) -> bool {
        self.0.contains(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
