//! The reference system: ask for a Fibonacci number over HTTP, get a callback URL, and find the
//! number there once a worker has computed it.
//!
//! ```text
//! GET /fibonacci?value=8 ──▶ http ──▶ FibonacciTaskQueue ──▶ handler ──▶ compute
//! GET <callback URL>     ◀── http ◀── FibonacciStatusQueue ◀──┘
//! ```
//!
//! Everything that is not about Fibonacci numbers is [`longshore`]'s: this program says what a
//! task is ([`task`]), what is done with it ([`handler`], [`compute`]), what a request and an
//! answer look like ([`http`]), which flags there are ([`options`]) and which queues
//! (`queues.toml`).

mod compute;
mod handler;
mod http;
mod options;
mod query;
mod task;
mod work_log;

use std::process::ExitCode;

use axum::Router;
use longshore::tasks::Worker;
use longshore::{Application, Fault, Gateway};

use crate::handler::Handler;
use crate::options::Options;
use crate::task::Fibonacci;

/// The reference system.
#[derive(Debug)]
struct ReferenceSystem;

impl Application for ReferenceSystem {
    const NAME: &'static str = "fibonacci";
    const ABOUT: &'static str =
        "Fibonacci numbers by request and reply over SQS: a broker, an app and workers";
    const QUEUES: &'static str = include_str!("../queues.toml");
    const TASK_QUEUE: &'static str = "FibonacciTaskQueue";
    const STATUS_QUEUE: &'static str = "FibonacciStatusQueue";
    const TO_TRY: &'static [&'static str] = &["/fibonacci?value=8"];

    type Options = Options;

    fn routes(gateway: &Gateway, _: &Options) -> Router {
        http::routes(gateway)
    }

    fn handle(worker: Worker, options: &Options) -> Result<Worker, Fault> {
        let handler = Handler::new(options)?;
        Ok(worker.handle::<Fibonacci, _, _>(move |task, context| {
            let handler = handler.clone();
            async move { handler.run(task, context).await }
        }))
    }
}

fn main() -> ExitCode {
    longshore::run::<ReferenceSystem>()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};
    use longshore::cli::command;

    use super::*;

    const OPERATIONS: &str = include_str!("../../../docs/operations.md");

    const README: &str = include_str!("../../../README.md");
    const SOURCES: [&str; 3] =
        [include_str!("task.rs"), include_str!("http.rs"), include_str!("handler.rs")];

    /// The flags of a command and of those below it.
    fn flags(command: &Command) -> Vec<&Arg> {
        let below = command.get_subcommands().flat_map(flags);
        command.get_arguments().chain(below).filter(|flag| flag.get_long().is_some()).collect()
    }

    #[test]
    fn the_code_in_the_readme_is_the_code_here() {
        let (_, code) = README.split_once("```rust\n").unwrap();
        let (code, _) = code.split_once("```").unwrap();
        for line in code.lines().map(str::trim) {
            let of_readme = line.starts_with("//") || line == "…";
            let here = SOURCES.iter().any(|source| source.contains(line));
            assert!(of_readme || here, "{line}");
        }
    }

    #[test]
    fn every_flag_is_in_the_guide() {
        let command = command::<ReferenceSystem>();
        for flag in flags(&command) {
            let name = format!("--{}", flag.get_long().unwrap());
            assert!(OPERATIONS.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_flag_that_has_a_variable_has_the_one_of_its_name() {
        let command = command::<ReferenceSystem>();
        for flag in flags(&command) {
            let Some(variable) = flag.get_env() else { continue };
            let name = flag.get_long().unwrap().replace('-', "_").to_uppercase();
            assert_eq!(variable, format!("LONGSHORE_{name}").as_str());
        }
    }

    #[test]
    fn the_declaration_that_is_built_in_makes_sense() {
        let names = longshore::queues::QueueNames::default();
        let queues = longshore::queues::declared::desired(ReferenceSystem::QUEUES, &names).unwrap();
        let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
        assert!(names.contains(&ReferenceSystem::TASK_QUEUE));
        assert!(names.contains(&ReferenceSystem::STATUS_QUEUE));
        assert_eq!(names.len(), 4);
    }
}
