//! Starts each lane of deliveries, and waits for all of them at the end. What comes after the shutdown is
//! handed back unstarted.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::lane::Lane;
use super::runtime::Runtime;

/// Starts lanes. Dropped, it drops them.
#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) runtime: Arc<Runtime>,
    pub(super) lanes: mpsc::Receiver<Lane>,
    pub(super) shutdown: CancellationToken,
}

impl Dispatcher {
    /// Works until no more lanes can come and each has ended.
    pub(super) async fn run(mut self) {
        let (mut running, mut noted) = (JoinSet::new(), 0);
        loop {
            tokio::select! {
                biased;
                Some(ended) = running.join_next() => note_panic(ended),
                lane = self.lanes.recv() => match lane {
                    Some(lane) => {
                        running.spawn(lane.run(Arc::clone(&self.runtime), self.shutdown.clone()));
                    }
                    None => break,
                },
            }
            self.runtime.status.note_running(&mut noted, running.len());
        }
        while let Some(ended) = running.join_next().await {
            note_panic(ended);
            self.runtime.status.note_running(&mut noted, running.len());
        }
    }
}

/// A handler's panic is an outcome; one that gets here came while what the handler held was
/// dropped. The task comes again when its lease ends, and its attempt counts.
fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an executor panicked; its task comes again");
    }
}
