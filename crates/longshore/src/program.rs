//! A program around its commands: from the command line to the exit code.
//!
//! `arguments` → [`config::read`] → (core dumps are forbidden) → (the log and the export of spans are started) → the command → (the last spans are
//! sent) → [`ExitCode`]. Help and
//! printed configurations go to stdout and are no error; whatever else keeps a command from running
//! is said on stderr.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Command, FromArgMatches};

use crate::config::{self, Configured};
use crate::exit::Fault;
use crate::options::ProgramOptions;
use crate::otlp::Export;
use crate::signals::Signals;
use crate::{announce, clash, core_dumps, log, open_files};

/// Runs the program that `command` describes, with what was typed: `execute` is given the flags,
/// once all of them make sense. `options` are those that every program has.
pub fn run<T, F>(
    command: Command,
    options: impl FnOnce(&T) -> &ProgramOptions,
    execute: impl FnOnce(T) -> F,
) -> ExitCode
where
    T: FromArgMatches,
    F: Future<Output = Result<(), Fault>>,
{
    run_exporting(command, options, |_, _| Ok(None), execute)
}

/// Runs a program as [`run`] does; `export` begins the export of its spans, if it has any, and adds what to warn of.
pub(crate) fn run_exporting<T, F>(
    command: Command,
    options: impl FnOnce(&T) -> &ProgramOptions,
    export: impl FnOnce(&T, &mut Vec<String>) -> Result<Option<Export>, Fault>,
    execute: impl FnOnce(T) -> F,
) -> ExitCode
where
    T: FromArgMatches,
    F: Future<Output = Result<(), Fault>>,
{
    let name = command.get_name().to_owned();
    if let Err(fault) = clash::flags(&command) {
        return refuse(&name, &fault);
    }
    let (flags, mut warnings) = match typed::<T>(command) {
        Ok(Some(typed)) => typed,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => return refused(&error),
    };
    let export = match export(&flags, &mut warnings) {
        Ok(export) => export,
        Err(fault) => return refuse(&name, &fault),
    };
    warnings.extend(core_dumps::forbid().err());
    warnings.extend(open_files::raise().err());
    let shared = options(&flags);
    let started = log::start(shared.log_format, shared.log_requests, export.as_ref());
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let ended = started.and_then(|()| in_runtime(execute(flags)));
    // Nothing makes spans any more.
    if let Some(export) = export {
        export.flush();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => refuse(&name, &fault),
    }
}

/// Says what ends the program `name`, and answers its exit code.
fn refuse(name: &str, fault: &Fault) -> ExitCode {
    complain(&format!("{name}: {fault}"));
    ExitCode::from(fault)
}

/// The flags, and what to warn of; `None` where there was only a configuration to print.
fn typed<T: FromArgMatches>(command: Command) -> Result<Option<(T, Vec<String>)>, clap::Error> {
    let mut shown = command.clone();
    match config::read(command, std::env::args_os(), std::env::vars_os())? {
        Configured::Print(text) => {
            announce::say(text.trim_end());
            Ok(None)
        }
        Configured::Run { matches, warnings } => {
            let flags = T::from_arg_matches(&matches);
            flags.map(|flags| Some((flags, warnings))).map_err(|error| error.format(&mut shown))
        }
    }
}

/// Help goes to stdout and is no error; wrong usage goes to stderr.
fn refused(error: &clap::Error) -> ExitCode {
    if let Err(fault) = error.print() {
        tracing::debug!(%fault, "nobody reads what was to be said");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn complain(text: &str) {
    if let Err(fault) = writeln!(std::io::stderr().lock(), "{text}") {
        tracing::debug!(%fault, "nobody reads what was to be said");
    }
}

fn in_runtime(command: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|fault| Fault::cannot_start(format!("the system gives no threads: {fault}")))?;
    runtime.block_on(command)
}

/// Runs a role, which drains at the first signal, and gives it up at the second.
///
/// # Errors
///
/// What the role ends with, or that it was given up.
pub async fn until_second_signal(
    role: impl AsyncFnOnce(&mut Signals) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let (mut first, mut second) = (Signals::listen()?, Signals::listen()?);
    let given_up = async {
        second.next().await;
        second.next().await;
    };
    tokio::select! {
        ended = role(&mut first) => ended,
        () = given_up => {
            Err(Fault::failed("ended before it had drained, because a second signal came"))
        }
    }
}
