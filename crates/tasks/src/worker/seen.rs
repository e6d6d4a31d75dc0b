//! Which claims of others were seen, and since when they are as they are.
//!
//! A claim is judged by the store's clock. Where that clock cannot be trusted, or the store has none,
//! one's own monotonic clock tells too: a holder that lives extends its claim before it is over, so a
//! version that stayed for the whole time that its claim was taken for has no holder.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::id::TaskId;
use crate::life::TaskRecord;

/// Claims that are remembered; beyond that all are forgotten, and watched anew.
const SEEN_MAX: usize = 10_000;

/// Versions that were seen with a claim on them.
#[derive(Debug, Default)]
pub(super) struct Seen {
    claims: Mutex<HashMap<TaskId, (u64, Instant)>>,
}

impl Seen {
    /// Whether the version that is there was seen, unchanged, for as long as its claim is taken for.
    pub(super) fn is_unchanged(&self, record: &TaskRecord) -> bool {
        let Some(claim) = record.claim() else { return false };
        let now = Instant::now();
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.len() >= SEEN_MAX {
            claims.clear();
        }
        let (version, since) = claims.entry(record.id.clone()).or_insert((record.version, now));
        if *version != record.version {
            (*version, *since) = (record.version, now);
        }
        now - *since >= claim.lease
    }

    /// The task is nobody's concern here any more.
    pub(super) fn forget(&self, id: &TaskId) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use longshore_types::Timestamp;

    use super::*;
    use crate::life::{Asked, Claim, Phase};

    fn claimed(version: u64) -> TaskRecord {
        let id = TaskId::parse("t").unwrap();
        let mut record = TaskRecord::assumed(id, Asked::default());
        let (lease, worker) = (Duration::from_secs(30), "w".to_owned());
        record.version = version;
        record.until = Some(Timestamp::from_millis(u64::MAX));
        Arc::make_mut(&mut record.life).phase =
            Phase::Running(Claim { fence: 2, lease, worker, token: 0 });
        record
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_is_over_once_its_version_stayed_for_its_whole_lease() {
        let seen = Seen::default();
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(seen.is_unchanged(&claimed(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_was_extended_is_watched_anew() {
        let seen = Seen::default();
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(!seen.is_unchanged(&claimed(3)));
    }
}
