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
    /// Begins no export. A variable may be set for every program of a host, and is no reason not to start.
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
        let without =
            "this program was built without longshore's feature `otlp`, and exports no spans";
        let Some(variable) = to.variable else {
            return Err(Fault::usage(format!("an OTLP endpoint is configured, but {without}")));
        };
        warnings.push(format!("{variable} is set, but {without}"));
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

#[cfg(all(test, feature = "application"))]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_by_the_flag_is_refused_and_a_variable_is_warned_of_both_with_the_feature() {
        let mut warnings = Vec::new();
        let mut start = |variable| {
            let to = Endpoint { url: "http://c/v1/traces".to_owned(), variable };
            Export::start(&to, "program", &mut warnings).map(|export| export.is_none())
        };
        assert!(start(None).unwrap_err().to_string().contains("feature `otlp`"));
        assert_eq!(start(Some("OTEL_EXPORTER_OTLP_ENDPOINT")), Ok(true));
        assert!(warnings[0].starts_with("OTEL_") && warnings[0].contains("feature `otlp`"));
    }
}
