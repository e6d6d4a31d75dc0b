//! Which claims of others were seen, and since when they are as they are.
//!
//! A claim is judged by the store's clock. Where that clock cannot be trusted, or the store has none,
//! one's own monotonic clock tells too: a holder that lives extends its claim before it is over, so a
//! version that stayed for the whole time that its claim was taken for has no holder.
//!
//! Where the store has none, a delivery stays with whoever met the claim until that time is over: were it
//! handed back, the next worker to receive it would begin to watch anew, and a worker among a hundred
//! hardly ever receives the same message twice. A delivery that watches keeps its place among those that
//! run, so only half of the places are for that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::id::TaskId;
use crate::life::TaskRecord;

/// Claims that are remembered; beyond that the one that was seen first is forgotten.
const SEEN_MAX: usize = 10_000;

/// Versions that were seen with a claim on them.
#[derive(Debug)]
pub(super) struct Seen {
    claims: Mutex<HashMap<TaskId, (u64, Instant)>>,
    /// Places for deliveries that stay until a claim is over.
    watchers: Semaphore,
}

impl Seen {
    /// Nothing yet, in a worker that runs up to so many tasks at once.
    pub(super) fn new(concurrency: usize) -> Self {
        Self { claims: Mutex::default(), watchers: Semaphore::new(concurrency.div_ceil(2)) }
    }

    /// A place to stay until a claim is over; `None` if all are taken.
    pub(super) fn try_watch(&self) -> Option<SemaphorePermit<'_>> {
        self.watchers.try_acquire().ok()
    }

    /// Whether the version that is there was seen, unchanged, for as long as its claim is taken for.
    pub(super) fn is_unchanged(&self, record: &TaskRecord) -> bool {
        record.claim().is_some() && self.left_of(record).is_zero()
    }

    /// How much longer the version that is there has to be seen until its claim is over.
    pub(super) fn left_of(&self, record: &TaskRecord) -> Duration {
        let Some(claim) = record.claim() else { return Duration::ZERO };
        let now = Instant::now();
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        if claims.len() >= SEEN_MAX && !claims.contains_key(&record.id) {
            forget_first(&mut claims);
        }
        let (version, since) = claims.entry(record.id.clone()).or_insert((record.version, now));
        if *version != record.version {
            (*version, *since) = (record.version, now);
        }
        claim.lease.saturating_sub(now - *since)
    }

    /// The task is nobody's concern here any more.
    pub(super) fn forget(&self, id: &TaskId) {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

fn forget_first(claims: &mut HashMap<TaskId, (u64, Instant)>) {
    let first = claims.iter().min_by_key(|(_, (_, since))| *since);
    if let Some(first) = first.map(|(id, _)| id.clone()) {
        claims.remove(&first);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use longshore_types::Timestamp;

    use super::*;
    use crate::life::{Asked, Claim, Phase};

    fn claimed(version: u64) -> TaskRecord {
        claimed_of("t", version)
    }

    fn claimed_of(id: &str, version: u64) -> TaskRecord {
        let id = TaskId::parse(id).unwrap();
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
        let seen = Seen::new(4);
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(seen.is_unchanged(&claimed(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_was_extended_is_watched_anew() {
        let seen = Seen::new(4);
        assert!(!seen.is_unchanged(&claimed(2)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(!seen.is_unchanged(&claimed(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn of_too_many_claims_the_one_that_was_seen_first_is_forgotten() {
        let seen = Seen::new(4);
        for n in 0..SEEN_MAX {
            seen.left_of(&claimed_of(&format!("t-{n}"), 2));
            if n == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(seen.left_of(&claimed_of("one-more", 2)), Duration::from_secs(30));
        assert_eq!(seen.claims.lock().unwrap().len(), SEEN_MAX);
        assert_eq!(seen.left_of(&claimed_of("t-1", 2)), Duration::from_secs(20));
        assert_eq!(seen.left_of(&claimed_of("t-0", 2)), Duration::from_secs(30));
    }

    #[test]
    fn half_of_the_places_are_for_watching() {
        for (concurrency, watchers) in [(1, 1), (3, 2), (4, 2)] {
            let seen = Seen::new(concurrency);
            let watching: Vec<_> = std::iter::from_fn(|| seen.try_watch()).collect();
            assert_eq!(watching.len(), watchers, "{concurrency}");
        }
    }
}
