//! Starts an executor for each delivery, and waits for all of them at the end.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::executor::Execution;
use super::poller::Delivery;
use super::runtime::Runtime;

/// Starts executors. Dropped, it drops them.
#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) runtime: Arc<Runtime>,
    pub(super) deliveries: mpsc::Receiver<Delivery>,
    pub(super) shutdown: CancellationToken,
}

impl Dispatcher {
    /// Works until no more deliveries can come and every executor has ended.
    pub(super) async fn run(mut self) {
        let (mut running, mut noted) = (JoinSet::new(), 0);
        loop {
            tokio::select! {
                delivery = self.deliveries.recv() => match delivery {
                    Some(delivery) => self.start(delivery, &mut running),
                    None => break,
                },
                Some(ended) = running.join_next() => note_panic(ended),
            }
            self.runtime.status.note_running(&mut noted, running.len());
        }
        while let Some(ended) = running.join_next().await {
            note_panic(ended);
            self.runtime.status.note_running(&mut noted, running.len());
        }
    }

    /// What comes after the shutdown, or is not to be run for another reason, is handed back unstarted.
    fn start(&self, delivery: Delivery, running: &mut JoinSet<()>) {
        let Delivery { message, lease, permit, hand_back } = delivery;
        let execution = Execution::open(Arc::clone(&self.runtime), message, lease, permit);
        let hand_back = hand_back || self.shutdown.is_cancelled();
        let span = execution.span();
        let run = async move {
            if hand_back {
                execution.return_unstarted().await;
            } else {
                execution.run().await;
            }
        };
        running.spawn(run.instrument(span));
    }
}

/// A handler's panic is an outcome; one that gets here came while what the handler held was
/// dropped. The task comes again when its lease ends, and its attempt counts.
fn note_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an executor panicked; its task comes again");
    }
}
