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
