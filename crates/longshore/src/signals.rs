//! SIGTERM and Ctrl-C: the first asks the program to drain, the second ends it at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Fault;

/// The signals that end the program.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Begins to listen: from here on a signal no longer ends the process by itself.
    ///
    /// # Errors
    ///
    /// The system has no room for a handler.
    pub fn listen() -> Result<Self, Fault> {
        let fault = |fault| Fault::cannot_start(format!("signals cannot be listened for: {fault}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(fault)?,
            interrupt: signal(SignalKind::interrupt()).map_err(fault)?,
        })
    }

    /// Waits for the next signal.
    ///
    /// # Cancel safety
    ///
    /// No signal is lost.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
