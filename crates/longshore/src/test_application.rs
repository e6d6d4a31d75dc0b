//! The least application, for the tests of this crate: it answers what it is asked.

use axum::Router;
use clap::Args;
use longshore_gateway::Gateway;
use longshore_tasks::{Json, Task, Worker};
use serde::{Deserialize, Serialize};

use crate::application::Application;
use crate::exit::Fault;

/// Answers what it is asked.
#[derive(Debug)]
pub(crate) struct Echo;

/// Echo's own flags.
#[derive(Args, Clone, Debug)]
pub(crate) struct EchoOptions {
    /// Answer in capitals
    #[arg(long)]
    pub(crate) louder: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Say(String);

impl Task for Say {
    const NAME: &'static str = "say";
    type Reply = String;
    type Codec = Json;
}

impl Application for Echo {
    const NAME: &'static str = "echo";
    const ABOUT: &'static str = "Answers what it is asked";
    const QUEUES: &'static str = "[queues.Say]\n[queues.Said]\n";
    const TASK_QUEUE: &'static str = "Say";
    const STATUS_QUEUE: &'static str = "Said";
    const TO_TRY: &'static [&'static str] = &["/say?text=hello"];

    type Options = EchoOptions;

    fn routes(_: &Gateway, _: &EchoOptions) -> Router {
        Router::new()
    }

    fn handle(worker: Worker, options: &EchoOptions) -> Result<Worker, Fault> {
        let louder = options.louder;
        Ok(worker.handle::<Say, _, _>(move |Say(text), _| async move {
            Ok(if louder { text.to_uppercase() } else { text })
        }))
    }
}
