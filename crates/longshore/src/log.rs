//! The program's log: lines on stderr. What a task carries is never among them.
//!
//! # Invariants
//!
//! - A line that cannot be written is lost, and nothing else: whoever read stderr may have gone, or
//!   its disk may be full. Neither ends the program. The
//!   standard library's panic hook is as forgiving, and SIGPIPE is ignored from the start.

use std::env;
use std::io::{self, IsTerminal as _, Write};

use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, registry};

use crate::exit::Fault;
use crate::options::LogFormat;
use crate::otlp::Export;

/// What is written where `RUST_LOG` is not set. The AWS SDK's warnings about credentials are dumps
/// of its own state; the error that follows from them says the same in words.
const DIRECTIVES: &str = "info,aws_config=error";
/// Spans that are for export, and say of a line what it says already.
const FOR_EXPORT: &str = "longshore_span=off";
/// What adds the broker's requests to it.
const REQUESTS: &str = "longshore_broker::request=debug";

/// Begins to write the log: what `RUST_LOG` says, else info and above; and the broker's requests,
/// if `requests` says so. Spans go to `export`, if there is one.
///
/// # Errors
///
/// `RUST_LOG` makes no sense.
pub(crate) fn start(
    format: LogFormat,
    requests: bool,
    export: Option<&Export>,
) -> Result<(), Fault> {
    let directives = env::var("RUST_LOG").unwrap_or_else(|_| DIRECTIVES.to_owned());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = filter.parse(&directives).map_err(|fault| {
        Fault::usage(format!("RUST_LOG is `{directives}`, which makes no sense: {fault}"))
    })?;
    let requests = requests.then(|| REQUESTS.parse().expect("a target and a level"));
    let filter = requests.into_iter().fold(filter, EnvFilter::add_directive);
    let filter = filter.add_directive(FOR_EXPORT.parse().expect("a target and a level"));
    let started = match export {
        None => registry().with(filter).with(lines(format)).try_init(),
        // Each has a filter of its own: what is exported is not what is logged.
        Some(export) => {
            registry().with(export.layer()).with(lines(format).with_filter(filter)).try_init()
        }
    };
    // Somebody who embeds the program has a log of their own, and keeps it.
    match started {
        Err(fault) if export.is_some() => {
            tracing::warn!(%fault, "the log was started before, and no spans are exported");
        }
        Err(fault) => tracing::debug!(%fault, "the log was started before"),
        Ok(()) => {}
    }
    Ok(())
}

/// What writes lines.
fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Forgiving(io::stderr()))
        // The subscriber would print to stderr that it cannot print to stderr, and panic.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    }
}

/// Writes what can be written, and says that all was.
#[derive(Debug)]
struct Forgiving<W>(W);

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The whole line at once: after a part of it, there is nobody to tell of the rest.
        let _lost = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _lost = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe whose reader has gone.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn u3_a_line_that_cannot_be_written_is_lost_and_nothing_else() {
        let mut log = Forgiving(Closed);
        assert!(writeln!(log, "a line").is_ok());
        assert!(log.flush().is_ok());
    }

    #[test]
    fn what_can_be_written_is() {
        let mut written = Vec::new();
        writeln!(Forgiving(&mut written), "a line").unwrap();
        assert_eq!(written, b"a line\n");
    }
}
