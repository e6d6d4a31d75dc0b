//! Claims a task before it is run.
//!
//! Of a worker that died, the lease on the message ends first and the claim a margin later. So
//! whoever receives the message then finds the claim about to end, and waits for that here: to
//! hand the message back would cost one of its receives and a second more. A claim that lasts
//! longer was extended, so its worker lives.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::executor::Execution;
use crate::store::{Claim, StoreError};

impl Execution {
    /// Claims the task, after the end of a claim that is about to end.
    pub(super) async fn claim(&self) -> Result<Claim, StoreError> {
        // An extension comes some time before the renewal, so a margin alone would be too little.
        let gives_up_at = Instant::now() + self.runtime.heartbeat.claim_margin() * 2;
        loop {
            let claim = self.ask_for_claim().await?;
            let Claim::Busy { until } = claim else { return Ok(claim) };
            let rest = until.since(self.now());
            if Instant::now() + rest > gives_up_at || self.drains_within(rest).await {
                return Ok(claim);
            }
        }
    }

    async fn ask_for_claim(&self) -> Result<Claim, StoreError> {
        let lease = self.lease.claim_lease();
        let claim = self.runtime.claims.claim(&self.task, lease, self.now()).await?;
        self.runtime.store_gate.open();
        Ok(claim)
    }

    async fn drains_within(&self, rest: Duration) -> bool {
        self.runtime.drained.run_until_cancelled(sleep(rest)).await.is_none()
    }
}
