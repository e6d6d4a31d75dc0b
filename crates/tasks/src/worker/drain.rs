//! What a drain did, said in one line of the log at its end.

use std::sync::Arc;

use tokio::time::Instant;

use super::status::{WorkerReport, WorkerStatus};

/// A drain, and what the worker had counted when it began.
#[derive(Debug)]
pub(super) struct Drain {
    began_at: Instant,
    before: WorkerReport,
    status: Arc<WorkerStatus>,
}

impl Drain {
    pub(super) fn begin(status: Arc<WorkerStatus>) -> Self {
        status.note_draining();
        Self { began_at: Instant::now(), before: status.report(), status }
    }

    /// Says what became of the messages that the worker held; `cut_off` are those that it still held when its time was over.
    pub(super) fn log_end(&self, queue: &str, worker: &str, cut_off: u64) {
        let (before, after) = (&self.before, self.status.report());
        let since = |count: fn(&WorkerReport) -> u64| count(&after) - count(before);
        let ended = since(|of| of.done + of.dead + of.discarded + of.cancelled);
        let again = since(|of| of.retried + of.snoozed + of.unknown);
        let handed_back = since(|of| of.returned + of.over_limit);
        tracing::info!(
            queue,
            worker,
            took = ?self.began_at.elapsed(),
            "drained: {ended} ended, {again} to run again, {handed_back} handed back, {cut_off} cut off"
        );
    }
}
