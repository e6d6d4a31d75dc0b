//! Which endpoint is wanted, and who says so.

use http::Uri;

#[cfg(any(test, not(feature = "otlp")))]
use crate::exit::Fault;

/// What is appended to the URL of an endpoint that takes more than traces.
const PATH: &str = "/v1/traces";
/// The endpoint of traces alone: its URL is complete.
const OF_TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The endpoint of whatever is exported.
const OF_ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Where spans are to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// The complete URL.
    pub(crate) url: String,
    /// The variable that says so; `None` for the flag.
    pub(crate) variable: Option<&'static str>,
}

impl Endpoint {
    /// The endpoint that the flag says, else one that a variable says; `None` where nobody does, or variables switch the
    /// export of spans off. What makes no sense in a variable is a warning: it may be set for every program of a host.
    pub(crate) fn wanted(
        flag: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
        warnings: &mut Vec<String>,
    ) -> Option<Self> {
        if let Some(url) = flag {
            return Some(Self { url: with_path(url), variable: None });
        }
        let set = |name| variable(name).filter(|value| !value.trim().is_empty());
        if is_off(set("OTEL_SDK_DISABLED"), set("OTEL_TRACES_EXPORTER")) {
            return None;
        }
        let of = |name| Some((name, set(name)?));
        let (name, value) = of(OF_TRACES).or_else(|| of(OF_ALL))?;
        match parse_endpoint(&value) {
            Ok(url) if name == OF_ALL => Some(Self { url: with_path(&url), variable: Some(name) }),
            Ok(url) => Some(Self { url, variable: Some(name) }),
            Err(fault) => {
                warnings.push(format!("{name} is no endpoint, and no spans are exported: {fault}"));
                None
            }
        }
    }

    /// What to warn of, of a program that is built without an exporter.
    ///
    /// # Errors
    ///
    /// The flag asks for this very program.
    #[cfg(any(test, not(feature = "otlp")))]
    pub(super) fn without_exporter(&self) -> Result<String, Fault> {
        let without =
            "this program was built without longshore's feature `otlp`, and exports no spans";
        let Some(variable) = self.variable else {
            return Err(Fault::usage(format!("--otlp-endpoint says where to, but {without}")));
        };
        Ok(format!("{variable} is set, but {without}"))
    }
}

fn is_off(disabled: Option<String>, exporters: Option<String>) -> bool {
    let others = |names: String| !names.split(',').any(|name| name.trim() == "otlp");
    disabled.is_some_and(|word| word.eq_ignore_ascii_case("true")) || exporters.is_some_and(others)
}

fn with_path(url: &str) -> String {
    format!("{}{PATH}", url.trim_end_matches('/'))
}

/// Reads the URL of an endpoint. Why it is refused is told without the URL: it may bear a password.
pub(crate) fn parse_endpoint(text: &str) -> Result<String, String> {
    let text = text.trim();
    let url: Option<Uri> = text.parse().ok();
    let fits = url.is_some_and(|url| {
        let named = url.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        matches!(url.scheme_str(), Some("http" | "https")) && named && url.query().is_none()
    });
    fits.then(|| text.to_owned()).ok_or_else(|| {
        "write http://host:port or https://host:port, with a path if the endpoint has one; what \
         it knows you by belongs in OTEL_EXPORTER_OTLP_HEADERS"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(flag: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut warnings = Vec::new();
        let wanted = Endpoint::wanted(flag, variable, &mut warnings);
        assert!(warnings.is_empty(), "{warnings:?}");
        wanted.map(|endpoint| endpoint.url)
    }

    #[test]
    fn the_flag_wins_over_the_variable_of_traces_and_that_over_the_one_of_all() {
        let traces = (OF_TRACES, "http://traces/own/path");
        let all = (OF_ALL, "http://all:4318/base/");
        let flag = Some("http://flag:4318");
        assert_eq!(wanted(flag, &[traces, all]).as_deref(), Some("http://flag:4318/v1/traces"));
        assert_eq!(wanted(None, &[traces, all]).as_deref(), Some("http://traces/own/path"));
        assert_eq!(wanted(None, &[all]).as_deref(), Some("http://all:4318/base/v1/traces"));
        assert_eq!(wanted(None, &[(OF_TRACES, ""), (OF_ALL, " ")]), None);
    }

    #[test]
    fn what_switches_the_export_off_is_heeded_but_for_the_flag() {
        let all = (OF_ALL, "http://all:4318");
        for off in [("OTEL_SDK_DISABLED", "True"), ("OTEL_TRACES_EXPORTER", "none")] {
            assert_eq!(wanted(None, &[all, off]), None, "{off:?}");
            assert!(wanted(Some("http://flag:4318"), &[off]).is_some(), "{off:?}");
        }
        for on in [("OTEL_SDK_DISABLED", "false"), ("OTEL_TRACES_EXPORTER", "console, otlp")] {
            assert!(wanted(None, &[all, on]).is_some(), "{on:?}");
        }
    }

    #[test]
    fn a_program_without_an_exporter_refuses_the_flag_and_warns_of_a_variable() {
        let asked = |variable| Endpoint { url: "http://c/v1/traces".to_owned(), variable };
        let refused = asked(None).without_exporter().unwrap_err().to_string();
        assert!(refused.contains("--otlp-endpoint") && refused.contains("feature `otlp`"));
        let warning = asked(Some(OF_ALL)).without_exporter().unwrap();
        assert!(warning.starts_with(OF_ALL) && warning.contains("feature `otlp`"), "{warning}");
    }

    #[test]
    fn a_variable_that_makes_no_sense_is_a_warning_that_does_not_tell_it() {
        let urls = ["nowhere", "collector:4317", "grpc://c:4317", "http://"];
        for url in urls.into_iter().chain(["http://u:secret@c", "http://c/?k=secret"]) {
            let variable = |name: &str| (name == OF_ALL).then(|| url.to_owned());
            let mut warnings = Vec::new();
            assert_eq!(Endpoint::wanted(None, variable, &mut warnings), None);
            let [warning] = &warnings[..] else { panic!("{warnings:?}") };
            assert!(warning.starts_with(OF_ALL) && !warning.contains("secret"), "{warning}");
        }
    }
}
