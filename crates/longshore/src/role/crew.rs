//! Parts of a role that are stopped together.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::exit::Fault;
use crate::signals::Signals;

/// How long the last part of a role may take beyond the grace of what it waits for.
pub(super) const SLACK: Duration = Duration::from_secs(30);

/// Parts of a role that run side by side and are stopped together.
///
/// A part that ends by itself is a reason to end the program: [`Crew::one_ended`] tells of it,
/// and [`Crew::stop`] then answers its fault.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    shutdown: CancellationToken,
    members: JoinSet<Result<(), Fault>>,
    fault: Option<Fault>,
}

impl Crew {
    /// A crew without members.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What tells the members to stop.
    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Starts a part, which ends when [`Crew::shutdown`] is cancelled, or earlier with a fault.
    pub(crate) fn spawn(&mut self, part: impl Future<Output = Result<(), Fault>> + Send + 'static) {
        self.members.spawn(part);
    }

    /// Waits until a part has ended by itself. Never resolves for a crew that has no members.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(crate) async fn one_ended(&mut self) {
        match self.members.join_next().await {
            Some(end) => self.note(end),
            None => std::future::pending().await,
        }
    }

    /// Tells all parts to stop, and waits for none.
    pub(crate) fn tell_to_stop(&self) {
        self.shutdown.cancel();
    }

    /// Tells all parts to stop and waits until they have, up to `patience`.
    ///
    /// # Errors
    ///
    /// The first fault of a part, also of one that ended before.
    pub(crate) async fn stop(&mut self, patience: Duration) -> Result<(), Fault> {
        self.tell_to_stop();
        let ended = async {
            while let Some(end) = self.members.join_next().await {
                if self.fault.is_none() {
                    self.fault = fault_of(end);
                }
            }
        };
        if tokio::time::timeout(patience, ended).await.is_err() {
            let waited = patience.as_secs();
            tracing::warn!(waited, "a part of the program did not stop in time, and was dropped");
            self.members.shutdown().await;
        }
        self.fault.take().map_or(Ok(()), Err)
    }

    fn note(&mut self, end: Result<Result<(), Fault>, JoinError>) {
        if self.fault.is_none() {
            self.fault = fault_of(end);
        }
    }
}

fn fault_of(end: Result<Result<(), Fault>, JoinError>) -> Option<Fault> {
    match end {
        Ok(Ok(())) => None,
        Ok(Err(fault)) => Some(fault),
        Err(panic) => Some(Fault::failed(format!(
            "a part of the program failed, which is a fault of the program itself: {panic}"
        ))),
    }
}

/// Waits for a signal, or until a part of one of the crews has ended by itself.
pub(super) async fn until_signal_or_end<const N: usize>(
    signals: &mut Signals,
    crews: [&mut Crew; N],
) {
    let ends = crews.map(|crew| Box::pin(crew.one_ended()));
    tokio::select! {
        () = signals.next() => tracing::info!("draining; a second signal ends the program at once"),
        _ = futures::future::select_all(ends) => {
            tracing::error!("a part of the program has ended by itself; draining");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_crew_that_is_stopped_ends_well() {
        let mut crew = Crew::new();
        let shutdown = crew.shutdown();
        crew.spawn(async move {
            shutdown.cancelled().await;
            Ok(())
        });
        assert_eq!(crew.stop(PATIENCE).await, Ok(()));
    }

    #[tokio::test]
    async fn a_part_that_ends_by_itself_is_told_of_and_answered_for() {
        let mut crew = Crew::new();
        crew.spawn(async { Err(Fault::failed("no more")) });
        crew.one_ended().await;
        assert_eq!(crew.stop(PATIENCE).await, Err(Fault::failed("no more")));
    }

    #[tokio::test]
    async fn a_part_that_panics_is_a_fault() {
        let mut crew = Crew::new();
        crew.spawn(async { panic!("out of luck") });
        crew.one_ended().await;
        assert!(crew.stop(PATIENCE).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_does_not_stop_is_dropped_in_the_end() {
        let mut crew = Crew::new();
        crew.spawn(std::future::pending());
        assert_eq!(crew.stop(PATIENCE).await, Ok(()));
    }
}
