//! Deliveries that are run one after the other: the messages of one group that a receive of a FIFO queue
//! brought, in their order. On a standard queue each delivery is a lane of its own.
//!
//! ```text
//! receive ─▶ lanes by group ─▶ first ── its end is kept ──▶ second ── … ──▶ last
//!                                └─ not ended ─▶ the rest is handed back, unstarted
//! ```
//!
//! # Invariants
//!
//! - The next message is run only after the end of the one before it is kept. SQS delivers no message of a
//!   group while an earlier one is in flight, so what is handed back comes again in its order.
//! - A lane takes one place among the tasks that run, however many messages wait in it. Their leases are
//!   renewed meanwhile.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, future};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::executor::Execution;
use super::permits::Permit;
use super::poller::Delivery;
use super::runtime::Runtime;

/// Deliveries that are run one after the other.
#[derive(Debug)]
pub(super) struct Lane {
    deliveries: Vec<Delivery>,
    permit: Permit,
    /// Whether they are not to be run: the queue was paused meanwhile, or fewer tasks may run.
    hand_back: bool,
}

/// The turn of a delivery in its lane; none, for one that is not run. Dropped, it ends the lane.
#[derive(Debug, Default)]
pub(super) struct Turn(Option<oneshot::Sender<()>>);

impl Turn {
    /// The task has ended: the next may run.
    pub(super) fn pass(&mut self) {
        if let Some(next) = self.0.take() {
            // A lane that is not there has nothing that could be next.
            let _gone = next.send(());
        }
    }
}

/// The lanes of what a receive has brought, each delivery with its permit and whether it may run. Permits
/// beyond one for each lane are free again.
pub(super) fn lanes(deliveries: Vec<(Delivery, Permit, bool)>) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for (delivery, permit, may_run) in deliveries {
        let group = delivery.fifo_group();
        let same = |lane: &&mut Lane| group.is_some() && lane.deliveries[0].fifo_group() == group;
        match lanes.iter_mut().find(same) {
            Some(lane) => lane.deliveries.push(delivery),
            None => {
                lanes.push(Lane { deliveries: vec![delivery], permit, hand_back: !may_run });
            }
        }
    }
    lanes
}

impl Lane {
    /// Runs the deliveries, as far as it comes, and hands the rest back.
    pub(super) async fn run(self, runtime: Arc<Runtime>, shutdown: CancellationToken) {
        let Self { deliveries, permit, hand_back } = self;
        let mut ending: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        let (mut stopped, mut permit) = (hand_back, Some(permit));
        let last = deliveries.len() - 1;
        for (place, delivery) in deliveries.into_iter().enumerate() {
            // The last one gives the place up itself, as soon as nothing runs any more.
            let permit = permit.take_if(|_| place == last);
            let execution = Execution::open(Arc::clone(&runtime), delivery, permit);
            let span = execution.span();
            if stopped || shutdown.is_cancelled() {
                stopped = true;
                ending.push(execution.return_unstarted().instrument(span).boxed());
                continue;
            }
            let (turn, passed) = oneshot::channel();
            ending.push(execution.run(Turn(Some(turn))).instrument(span).boxed());
            stopped = !passes(passed, &mut ending).await;
        }
        ending.for_each(|()| future::ready(())).await;
    }
}

/// Waits until the turn is passed on, while what has begun goes on. `false` if it never will be.
async fn passes(
    mut passed: oneshot::Receiver<()>,
    ending: &mut FuturesUnordered<BoxFuture<'static, ()>>,
) -> bool {
    loop {
        tokio::select! {
            biased;
            passed = &mut passed => return passed.is_ok(),
            Some(()) = ending.next() => {}
        }
    }
}
