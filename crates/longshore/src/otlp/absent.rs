//! In place of the exporter, where longshore is built without the feature `otlp`: there is none, and whoever wants one
//! is told so.

use tracing_subscriber::layer::Identity;

#[cfg(feature = "application")]
use super::Endpoint;
#[cfg(feature = "application")]
use crate::exit::Fault;

/// An export that nobody has.
#[derive(Debug)]
pub(crate) enum Export {}

impl Export {
    /// Begins no export.
    ///
    /// # Errors
    ///
    /// The flag asks for one.
    #[cfg(feature = "application")]
    pub(crate) fn start(
        to: &Endpoint,
        _program: &str,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Self>, Fault> {
        warnings.push(to.without_exporter()?);
        Ok(None)
    }

    /// What makes spans of tracing to those of the export.
    pub(crate) fn layer(&self) -> Identity {
        match *self {}
    }

    /// Sends what is left.
    pub(crate) fn flush(self) {
        match self {}
    }
}
