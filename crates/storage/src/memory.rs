//! A store without a disk: records are dropped once appended, bodies are kept until released.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use foldhash::HashMap;

use crate::{BodyKey, Lsn, Progress, Record, bodies::Usage};

/// Bodies, and the number of the last record.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    last: Lsn,
    closed: bool,
    bodies: HashMap<BodyKey, Bytes>,
    body_bytes: u64,
}

impl Memory {
    /// Nothing that changes the contents can panic on the way, so they are always whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn append(&self, record: Record<'_>) -> Lsn {
        let mut kept = self.kept();
        kept.last = kept.last.next();
        for (key, body) in record.bodies {
            kept.body_bytes += body.len() as u64;
            kept.bodies.insert(key, body);
        }
        kept.last
    }

    pub(crate) fn progress(&self) -> Progress {
        let last = self.kept().last;
        Progress { written: last, durable: last, poisoned: false }
    }

    pub(crate) fn get(&self, key: BodyKey) -> Option<Bytes> {
        self.kept().bodies.get(&key).cloned()
    }

    pub(crate) fn release(&self, key: BodyKey) {
        let mut kept = self.kept();
        if let Some(body) = kept.bodies.remove(&key) {
            kept.body_bytes -= body.len() as u64;
        }
    }

    pub(crate) fn usage(&self) -> Usage {
        let kept = self.kept();
        let (bodies, body_bytes) = (kept.bodies.len() as u64, kept.body_bytes);
        Usage { bodies, body_bytes, ..Usage::default() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.kept().closed
    }

    pub(crate) fn close(&self) {
        self.kept().closed = true;
    }
}
