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
mod effects;
mod handler;
mod http;
mod options;
mod query;
mod task;
mod work_log;

use std::process::ExitCode;

use longshore::App;
use mimalloc::MiMalloc;

use crate::handler::Handler;
use crate::options::Options;

/// Records and messages go from thread to thread. The C library's allocator has its threads wait for one
/// another then; this one does not, for some MiB more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The reference system.
fn app() -> App<Options, Handler> {
    App::new("fibonacci")
        .about("Fibonacci numbers by request and reply over SQS: a broker, an app and workers")
        .options::<Options>()
        .state(async |_, options| Ok(Handler::new(&options)?))
        .queues(include_str!("../queues.toml"))
        .queue("FibonacciTaskQueue", |queue| queue.handle(handler::run))
        .reply_queue("FibonacciStatusQueue")
        .routes(http::routes)
        .example("/fibonacci?value=8")
}

fn main() -> ExitCode {
    app().run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Arg, Command};

    const OPERATIONS: &str = include_str!("../../../docs/operations.md");

    const README: &str = include_str!("../../../README.md");
    /// The code on the first screen is the first application's.
    const FIRST: &str = include_str!("../../first/src/main.rs");

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
            let here = FIRST.contains(line);
            assert!(of_readme || here, "{line}");
        }
    }

    #[test]
    fn every_flag_is_in_the_guide() {
        let command = app().command();
        for flag in flags(&command) {
            let name = format!("--{}", flag.get_long().unwrap());
            assert!(OPERATIONS.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_flag_that_has_a_variable_has_the_one_of_its_name() {
        let command = app().command();
        for flag in flags(&command) {
            let Some(variable) = flag.get_env() else { continue };
            let name = flag.get_long().unwrap().replace('-', "_").to_uppercase();
            assert_eq!(variable, format!("LONGSHORE_{name}").as_str());
        }
    }

    #[test]
    fn the_declaration_that_is_built_in_makes_sense() {
        let names = longshore::queues::QueueNames::default();
        let declaration = include_str!("../queues.toml");
        let queues = longshore::queues::desired(declaration, &names).unwrap();
        let names: Vec<_> = queues.iter().map(|queue| queue.name.as_str()).collect();
        assert!(names.contains(&"FibonacciTaskQueue") && names.contains(&"FibonacciStatusQueue"));
        assert_eq!(names.len(), 4);
    }
}
