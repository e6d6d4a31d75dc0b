//! The program's log: lines on stderr. What a task carries is never among them.

use std::env;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::exit::Fault;
use crate::options::LogFormat;

/// What is written where `RUST_LOG` is not set. The AWS SDK's warnings about credentials are dumps
/// of its own state; the error that follows from them says the same in words.
const DIRECTIVES: &str = "info,aws_config=error";
/// What adds the broker's requests to it.
const REQUESTS: &str = "longshore_broker::request=debug";

/// Begins to write the log: what `RUST_LOG` says, else info and above; and the broker's requests,
/// if `requests` says so.
///
/// # Errors
///
/// `RUST_LOG` makes no sense.
pub fn start(format: LogFormat, requests: bool) -> Result<(), Fault> {
    let directives = env::var("RUST_LOG").unwrap_or_else(|_| DIRECTIVES.to_owned());
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = filter.parse(&directives).map_err(|fault| {
        Fault::usage(format!("RUST_LOG is `{directives}`, which makes no sense: {fault}"))
    })?;
    let requests = requests.then(|| REQUESTS.parse().expect("a target and a level"));
    let filter = requests.into_iter().fold(filter, EnvFilter::add_directive);
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match format {
        LogFormat::Text => subscriber.with_target(false).try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // Somebody who embeds the program has a log of their own, and keeps it.
    if let Err(fault) = started {
        tracing::debug!(%fault, "the log was started before");
    }
    Ok(())
}
