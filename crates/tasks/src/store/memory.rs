//! A store in memory: for tests, and for a single process that may forget.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use longshore_types::Timestamp;

use super::{Claim, ClaimStore, Fence, Horizon, KeptReply, Known, ReplyStore, Result, Status};
use crate::id::TaskId;
use crate::reply::{Reply, ReplyStatus};
use crate::transport::BoxFuture;

/// A [`ReplyStore`] and [`ClaimStore`] in memory. What it holds ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    replies: HashMap<TaskId, ReplyRow>,
    aliases: HashMap<TaskId, TaskId>,
    claims: HashMap<TaskId, ClaimRow>,
}

#[derive(Debug)]
struct ReplyRow {
    reply: Option<Reply>,
    changed_at: Timestamp,
}

#[derive(Debug, Default)]
struct ClaimRow {
    fence: u64,
    attempts: u32,
    until: Timestamp,
    kept: Option<KeptReply>,
    changed_at: Timestamp,
}

impl ReplyRow {
    fn is_before(&self, horizon: Horizon) -> bool {
        let oldest = if self.reply.is_some() { horizon.ended } else { horizon.pending };
        self.changed_at < oldest
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tasks the application knows here.
    pub fn len(&self) -> usize {
        self.tables().replies.len()
    }

    /// Whether the application knows no task here.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn task_of(&self, id: &TaskId) -> TaskId {
        self.aliases.get(id).unwrap_or(id).clone()
    }

    fn begin(&mut self, task: &TaskId, now: Timestamp) {
        let row = ReplyRow { reply: None, changed_at: now };
        self.replies.entry(task.clone()).or_insert(row);
    }

    fn alias(&mut self, message_id: &TaskId, task: &TaskId, now: Timestamp) {
        if message_id == task {
            return;
        }
        self.aliases.insert(message_id.clone(), task.clone());
        let early = self.replies.remove(message_id);
        if let Some(reply) = early.and_then(|row| row.reply) {
            self.complete(task, reply, now);
        }
    }

    fn complete(&mut self, id: &TaskId, reply: Reply, now: Timestamp) {
        let task = self.task_of(id);
        let row = self.replies.entry(task).or_insert(ReplyRow { reply: None, changed_at: now });
        if replaces(&reply, row.reply.as_ref()) {
            *row = ReplyRow { reply: Some(reply), changed_at: now };
        }
    }

    fn known(&self, id: &TaskId) -> Option<Known> {
        let row = self.replies.get(&self.task_of(id))?;
        let status = row.reply.clone().map(|Reply { status, body }| match status {
            ReplyStatus::Completed => Status::Completed { body },
            ReplyStatus::Failed => Status::Failed { body },
        });
        Some(Known { status: status.unwrap_or(Status::Pending), since: row.changed_at })
    }

    fn forget(&mut self, task: &TaskId) {
        if self.replies.get(task).is_some_and(|row| row.reply.is_none()) {
            self.replies.remove(task);
        }
    }

    fn expire_replies(&mut self, horizon: Horizon, count_max: usize) -> usize {
        let old = self.replies.iter().filter(|(_, row)| row.is_before(horizon));
        let old: HashSet<TaskId> = old.take(count_max).map(|(id, _)| id.clone()).collect();
        for id in &old {
            self.replies.remove(id);
        }
        if !old.is_empty() {
            self.aliases.retain(|_, task| !old.contains(task));
        }
        old.len()
    }

    fn claim(&mut self, task: &TaskId, lease: Duration, now: Timestamp) -> Claim {
        let row = self.claims.entry(task.clone()).or_default();
        if let Some(kept) = &row.kept {
            return Claim::Done { kept: kept.clone() };
        }
        if row.until > now {
            return Claim::Busy { until: row.until };
        }
        row.fence += 1;
        row.attempts += 1;
        (row.until, row.changed_at) = (now + lease, now);
        Claim::Run { fence: Fence(row.fence), attempt: row.attempts }
    }

    fn held(&mut self, task: &TaskId, fence: Fence) -> Option<&mut ClaimRow> {
        let row = self.claims.get_mut(task)?;
        (row.fence == fence.0 && row.kept.is_none()).then_some(row)
    }
}

/// Whether a reply takes the place of what is there.
fn replaces(new: &Reply, old: Option<&Reply>) -> bool {
    let redriven =
        |old: &Reply| old.status == ReplyStatus::Failed && new.status == ReplyStatus::Completed;
    old.is_none_or(redriven)
}

impl ReplyStore for MemoryStore {
    fn begin<'a>(&'a self, task: &'a TaskId, now: Timestamp) -> BoxFuture<'a, Result<()>> {
        async move {
            self.tables().begin(task, now);
            Ok(())
        }
        .boxed()
    }

    fn alias<'a>(
        &'a self,
        message_id: &'a TaskId,
        task: &'a TaskId,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            self.tables().alias(message_id, task, now);
            Ok(())
        }
        .boxed()
    }

    fn complete<'a>(
        &'a self,
        id: &'a TaskId,
        reply: Reply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            self.tables().complete(id, reply, now);
            Ok(())
        }
        .boxed()
    }

    fn known<'a>(&'a self, id: &'a TaskId) -> BoxFuture<'a, Result<Option<Known>>> {
        async move { Ok(self.tables().known(id)) }.boxed()
    }

    fn forget<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        async move {
            self.tables().forget(task);
            Ok(())
        }
        .boxed()
    }

    fn expire_replies(&self, horizon: Horizon, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async move { Ok(self.tables().expire_replies(horizon, count_max)) }.boxed()
    }
}

impl ClaimStore for MemoryStore {
    fn claim<'a>(
        &'a self,
        task: &'a TaskId,
        lease: Duration,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Claim>> {
        async move { Ok(self.tables().claim(task, lease, now)) }.boxed()
    }

    fn extend<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        async move { Ok(self.tables().held(task, fence).map(|row| row.until = until).is_some()) }
            .boxed()
    }

    fn complete<'a>(
        &'a self,
        task: &'a TaskId,
        fence: Fence,
        kept: KeptReply,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<bool>> {
        async move {
            let mut tables = self.tables();
            let Some(row) = tables.held(task, fence) else { return Ok(false) };
            (row.kept, row.changed_at) = (Some(kept), now);
            Ok(true)
        }
        .boxed()
    }

    fn dead_lettered<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        async move {
            let mut tables = self.tables();
            if let Some(kept) = tables.claims.get_mut(task).and_then(|row| row.kept.as_mut()) {
                kept.dead_letter = None;
            }
            Ok(())
        }
        .boxed()
    }

    fn release<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>> {
        async move {
            if let Some(row) = self.tables().held(task, fence) {
                row.until = Timestamp::ZERO;
                row.attempts -= 1;
                // A second release must not take back a second attempt.
                row.fence += 1;
            }
            Ok(())
        }
        .boxed()
    }

    fn end_attempt<'a>(&'a self, task: &'a TaskId, fence: Fence) -> BoxFuture<'a, Result<()>> {
        async move {
            if let Some(row) = self.tables().held(task, fence) {
                row.until = Timestamp::ZERO;
                row.fence += 1;
            }
            Ok(())
        }
        .boxed()
    }

    fn drop_claim<'a>(&'a self, task: &'a TaskId) -> BoxFuture<'a, Result<()>> {
        async move {
            if let Some(row) = self.tables().claims.get_mut(task) {
                // The fence goes on rising: a worker of before must not be taken for one of after.
                let fence = row.fence + 1;
                *row = ClaimRow { fence, changed_at: row.changed_at, ..ClaimRow::default() };
            }
            Ok(())
        }
        .boxed()
    }

    fn expire_claims(&self, before: Timestamp, count_max: usize) -> BoxFuture<'_, Result<usize>> {
        async move {
            let mut tables = self.tables();
            let old =
                tables.claims.iter().filter(|(_, row)| row.changed_at.max(row.until) < before);
            let old: Vec<TaskId> = old.take(count_max).map(|(id, _)| id.clone()).collect();
            for id in &old {
                tables.claims.remove(id);
            }
            Ok(old.len())
        }
        .boxed()
    }
}
