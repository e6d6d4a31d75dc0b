//! Where work is done that blocks: reads of the disk, openings, checkpoints.

use tokio::task::JoinError;

/// Where such work is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Blocking {
    /// On threads that may block.
    Threads,
    /// Where it is asked for. All of a simulation happens on one thread.
    #[cfg(feature = "simulation")]
    Here,
}

impl Blocking {
    /// Does it, and awaits its end.
    ///
    /// # Panics
    ///
    /// If the work does.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.try_run(work).await.expect("work that blocks does not panic")
    }

    /// Does it, and awaits its end.
    ///
    /// # Errors
    ///
    /// The work panicked, on a thread of its own.
    pub(crate) async fn try_run<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        match self {
            Self::Threads => tokio::task::spawn_blocking(work).await,
            #[cfg(feature = "simulation")]
            Self::Here => Ok(work()),
        }
    }
}
