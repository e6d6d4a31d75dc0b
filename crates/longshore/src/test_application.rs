//! The least application, for the tests of this crate: it answers what it is asked.

use clap::Args;
use longshore_tasks::{Failure, Json, State, Task};
use serde::{Deserialize, Serialize};

use crate::app::App;

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

async fn say(Say(text): Say, State(louder): State<bool>) -> Result<String, Failure> {
    Ok(if louder { text.to_uppercase() } else { text })
}

/// Answers what it is asked.
pub(crate) fn echo() -> App<EchoOptions, bool> {
    App::new("echo")
        .options::<EchoOptions>()
        .state(async |_, options| Ok(options.louder))
        .about("Answers what it is asked")
        .queues("[queues.Say]\n[queues.Said]\n")
        .queue("Say", |queue| queue.handle(say))
        .reply_queue("Said")
        .example("/say?text=hello")
}
