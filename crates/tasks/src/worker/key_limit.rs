//! As many tasks of a type and a key at once as its limit allows, among all workers that share the store.
//!
//! ```text
//! claim ─▶ a place of the key? ── yes ─▶ run
//!            └─ no ─▶ parked, without a place of the worker, for some seconds ─▶ run
//!                        └─ or handed back, for longer each time; no attempt is counted
//! ```
//!
//! A value of the store names those who have the places of a key: a task each, and the fence of its claim. A place is
//! taken by a conditional write, and never given back: whoever finds all of them taken looks at the records of those
//! who have them. A claim that is over, however it ended, has no place any more. So a place lasts exactly as long as
//! the claim, which heartbeats extend, and costs no write while the task runs.
//!
//! # Invariants
//!
//! - Nothing runs beyond the limit: without an answer of the store a task is handed back.
//! - A key that is full takes no place of the worker, and parks no more tasks than the worker has places.
//! - Only tasks that have a limit ask. On a FIFO queue none does: SQS delivers one of a key at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::executor::{End, Execution};
use super::heartbeat::Held;
use super::status::count;
use crate::backoff::{Backoff, full_jitter};
use crate::id::TaskId;
use crate::life::{TaskRecord, When, is_claimed};
use crate::store::{Expected, PutValue, StoreError, Timed, Value, ValueWritten};

/// The format that is written, and the latest that is read.
const FORMAT: u32 = 1;
/// How long who has the places is known: longer than SQS keeps a message in flight.
const KEPT: Duration = Duration::from_secs(46_800);
/// Writes against those of others, before the task is handed back or waits.
const ROUNDS_MAX: u32 = 6;
/// The longest pause between two of them.
const ROUND_PAUSE: Duration = Duration::from_millis(50);
/// How long a task is parked.
const PARKED_MAX: Duration = Duration::from_secs(5);
/// How often a parked task asks, or up to half a second later: a place of another worker is not heard of.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long a task stays away that found no place.
const AWAY: Backoff = Backoff::new(Duration::from_secs(4), Duration::from_secs(60));
/// The least of it.
const AWAY_MIN: Duration = Duration::from_secs(1);
/// Bytes of a task's name in a key of the store; a longer one is hashed.
const NAME_BYTES_MAX: usize = 100;

/// Those of a worker who wait for a place of their keys.
#[derive(Debug, Default)]
pub(super) struct KeyLimits {
    parked: Mutex<HashMap<String, Parked>>,
}

#[derive(Debug, Default)]
struct Parked {
    count: usize,
    /// A task of that key has ended here.
    ended: Arc<Notify>,
}

/// A task that is parked. Dropped, it is no more.
#[derive(Debug)]
struct ParkedTask {
    limits: Arc<KeyLimits>,
    key: String,
    ended: Arc<Notify>,
}

/// Dropped when the task has ended: one that is parked here asks at once.
#[derive(Debug)]
pub(super) struct TellOfEnd {
    limits: Arc<KeyLimits>,
    key: String,
}

/// The places of a task's key.
#[derive(Debug)]
struct Limit {
    /// The key of the store's value.
    key: String,
    count: usize,
}

/// Whether a task may run.
pub(super) enum Gate {
    Open,
    /// It is over before it began.
    Ended(End),
    /// Not now: it stays away for that long.
    Closed(Duration),
}

/// Who has the places of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Holders {
    format: u32,
    holders: Vec<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    task: String,
    fence: u64,
}

impl Execution {
    /// Waits for a place of the task's key, if it has a limit.
    pub(super) async fn pass_key_limit(&mut self, held: &Held) -> Gate {
        let Some(limit) = self.key_limit() else { return Gate::Open };
        let limits = Arc::clone(&self.runtime.key_limits);
        // Who was here before goes first.
        if !limits.has_parked(&limit.key) {
            match self.take_place(&limit, held).await {
                Ok(true) => return self.let_in(limit),
                Ok(false) => {}
                Err(error) => return self.closed_by(&error),
            }
        }
        match limits.park(&limit.key, self.runtime.permits.count()) {
            Some(parked) => self.wait_parked(limit, held, &parked).await,
            None => self.closed(),
        }
    }

    fn key_limit(&self) -> Option<Limit> {
        let registered = self.runtime.registry.find(self.options_name())?;
        let count = registered.options.concurrency_per_key?;
        let key = self.message.group_id.as_deref().unwrap_or_default();
        let key = value_key(self.lease.task(), key);
        (!self.runtime.queue.is_fifo()).then_some(Limit { key, count })
    }

    fn let_in(&mut self, limit: Limit) -> Gate {
        let limits = Arc::clone(&self.runtime.key_limits);
        self.tell_of_end = Some(TellOfEnd { limits, key: limit.key });
        Gate::Open
    }

    /// Gives the place among the running tasks up until there is one of the key.
    async fn wait_parked(&mut self, limit: Limit, held: &Held, parked: &ParkedTask) -> Gate {
        self.permit = None;
        let until = Instant::now() + PARKED_MAX;
        loop {
            let jitter = full_jitter(ASK_AGAIN / 2, &*self.runtime.options.random);
            tokio::select! {
                biased;
                end = self.given_up() => return Gate::Ended(end),
                () = self.runtime.handlers.shutdown.cancelled() => {
                    count(&self.runtime.status.returned);
                    return Gate::Closed(Duration::ZERO);
                }
                () = parked.ended.notified() => {}
                () = sleep_until(until) => return self.closed(),
                () = sleep(ASK_AGAIN + jitter) => {}
            }
            match self.take_place(&limit, held).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => return self.closed_by(&error),
            }
        }
        let permit = tokio::select! {
            biased;
            end = self.given_up() => return Gate::Ended(end),
            permit = self.runtime.permits.take_first() => permit,
        };
        self.permit = Some(permit);
        self.let_in(limit)
    }

    fn closed(&self) -> Gate {
        count(&self.runtime.status.over_limit);
        let random = &*self.runtime.options.random;
        Gate::Closed(AWAY.jittered(self.message.receive_count, random).max(AWAY_MIN))
    }

    fn closed_by(&self, error: &StoreError) -> Gate {
        count(&self.runtime.status.returned);
        Gate::Closed(self.runtime.store_gate.close(error))
    }

    /// Takes a place of the key. `false` if there is none, or others write there all the time.
    async fn take_place(&self, limit: &Limit, held: &Held) -> Result<bool, StoreError> {
        let store = self.runtime.records.store();
        let Timed { mut value, .. } = store.values(vec![limit.key.clone()]).await?;
        let mut found = value.pop().flatten();
        let own = Holder { task: self.task.to_string(), fence: held.fence };
        for _ in 0..ROUNDS_MAX {
            let Some(mut there) = read(found.as_ref()) else { return Ok(false) };
            if there.holders.contains(&own) {
                return Ok(true);
            }
            if there.holders.len() >= limit.count {
                there.holders = self.still_claimed(there.holders).await?;
            }
            if there.holders.len() >= limit.count {
                return Ok(false);
            }
            there.holders.push(own.clone());
            found = match self.write(limit, found.as_ref(), &there).await? {
                ValueWritten::Done(_) => return Ok(true),
                ValueWritten::Conflict(found) => found,
            };
            sleep(full_jitter(ROUND_PAUSE, &*self.runtime.options.random)).await;
        }
        Ok(false)
    }

    async fn write(
        &self,
        limit: &Limit,
        found: Option<&Value>,
        holders: &Holders,
    ) -> Result<ValueWritten, StoreError> {
        let expected = found.map_or(Expected::Nothing, |found| Expected::Version(found.version));
        let text = serde_json::to_string(holders).expect("it has nothing that JSON cannot say");
        let put = PutValue {
            key: limit.key.clone(),
            expected,
            mark: self.runtime.options.random.next(),
            text,
            keep: When::In(KEPT),
        };
        Ok(self.runtime.records.store().put_value(put).await?.value)
    }

    /// Those who still have the claim that they took their places with.
    async fn still_claimed(&self, holders: Vec<Holder>) -> Result<Vec<Holder>, StoreError> {
        let with_id = |holder: Holder| Some((TaskId::parse(&holder.task).ok()?, holder));
        let (ids, holders): (Vec<_>, Vec<_>) = holders.into_iter().filter_map(with_id).unzip();
        let found = self.runtime.records.find_all(ids).await?;
        let clocked = self.runtime.records.store().keeps_time();
        let claimed = |holder: &Holder, record: Result<Option<TaskRecord>, StoreError>| match record
        {
            Ok(Some(record)) => {
                let unchanged = self.runtime.seen.is_unchanged(&record);
                is_claimed(&record, holder.fence, unchanged, clocked, found.now)
            }
            Ok(None) => false,
            // A later version wrote it: whether it runs is not known here.
            Err(_) => true,
        };
        let pairs = holders.into_iter().zip(found.value);
        Ok(pairs
            .filter_map(|(holder, record)| claimed(&holder, record).then_some(holder))
            .collect())
    }
}

/// Who has the places by that value; `None` if this version cannot tell.
fn read(value: Option<&Value>) -> Option<Holders> {
    let Some(Value { key, text, .. }) = value else {
        return Some(Holders { format: FORMAT, holders: Vec::new() });
    };
    let read = serde_json::from_str(text).ok().filter(|there: &Holders| there.format <= FORMAT);
    if read.is_none() {
        tracing::warn!(
            key,
            "who has the places of a key cannot be read; its tasks are left to other workers"
        );
    }
    read
}

/// Where the places of a task's key are kept.
fn value_key(task: &str, key: &str) -> String {
    let plain = task.len() <= NAME_BYTES_MAX && task.bytes().all(|byte| byte.is_ascii_graphic());
    if plain {
        return format!("limits/{}/{task}/{key}", task.len());
    }
    // FNV-1a: the same in every process and version.
    let hash = task.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("limits/hash/{hash:016x}/{key}")
}

impl KeyLimits {
    fn has_parked(&self, key: &str) -> bool {
        self.parked().contains_key(key)
    }

    /// Parks a task, if fewer than `most` are.
    fn park(self: &Arc<Self>, key: &str, most: usize) -> Option<ParkedTask> {
        let mut parked = self.parked();
        if parked.values().map(|of_key| of_key.count).sum::<usize>() >= most {
            return None;
        }
        let of_key = parked.entry(key.to_owned()).or_default();
        of_key.count += 1;
        let ended = Arc::clone(&of_key.ended);
        Some(ParkedTask { limits: Arc::clone(self), key: key.to_owned(), ended })
    }

    fn parked(&self) -> MutexGuard<'_, HashMap<String, Parked>> {
        self.parked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ParkedTask {
    fn drop(&mut self) {
        let mut parked = self.limits.parked();
        let Some(of_key) = parked.get_mut(&self.key) else { return };
        of_key.count -= 1;
        if of_key.count == 0 {
            parked.remove(&self.key);
        }
    }
}

impl Drop for TellOfEnd {
    fn drop(&mut self) {
        if let Some(parked) = self.limits.parked().get(&self.key) {
            parked.ended.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_value_tells_tasks_and_keys_apart_and_fits_every_store() {
        assert_eq!(value_key("mail", "tenant/7"), "limits/4/mail/tenant/7");
        assert_ne!(value_key("a/b", "c"), value_key("a", "b/c"));
        let (long, key) = ("x".repeat(128), "k".repeat(128));
        for name in [&long[..], "größe", "a b", &long[..NAME_BYTES_MAX]] {
            let value = value_key(name, &key);
            assert!(value.len() <= 256 && value.is_ascii(), "{value}");
        }
        assert_ne!(value_key("größe", "c"), value_key("grösse!", "c"));
    }

    #[test]
    fn a_value_is_read_back_and_one_of_a_later_version_is_not_guessed_at() {
        let value = |text: &str| Value {
            key: "limits/1/t/k".to_owned(),
            version: 1,
            mark: 1,
            text: text.to_owned(),
            keep: longshore_types::Timestamp::ZERO,
        };
        let holders = vec![Holder { task: "t-1".to_owned(), fence: 2 }];
        let text = r#"{"format":1,"holders":[{"task":"t-1","fence":2}]}"#;
        let there = Holders { format: FORMAT, holders };
        assert_eq!(serde_json::to_string(&there).unwrap(), text);
        assert_eq!(read(Some(&value(text))), Some(there));
        assert_eq!(read(Some(&value(r#"{"format":2,"holders":[]}"#))), None);
        assert_eq!(read(Some(&value("{"))), None);
        assert_eq!(read(None), Some(Holders { format: FORMAT, holders: Vec::new() }));
    }

    #[test]
    fn no_more_are_parked_than_there_is_room_for_whatever_their_keys() {
        let limits = Arc::<KeyLimits>::default();
        let one = limits.park("a", 2).unwrap();
        let other = limits.park("b", 2).unwrap();
        assert!(limits.park("c", 2).is_none());
        drop(one);
        assert!(!limits.has_parked("a") && limits.has_parked("b"));
        assert!(limits.park("c", 2).is_some());
        drop(other);
    }
}
