//! Longshore, as `cargo xtask bench tasks` measures it beside other task frameworks.
//!
//! ```text
//! longshore-peer broker …        the broker of all that speak SQS
//! longshore-peer worker …        runs the tasks
//! longshore-peer producer        asks for them, as stdin orders
//! ```
//!
//! The first two are the roles of any application. The producer is the application's side in a program of its own: a
//! client and what consumes its reply queue. The peers in other languages take the same orders ([`order`]), and write
//! the same file of what ran ([`ran`]).

mod drive;
mod order;
mod producer;
mod ran;
mod task;

use std::process::ExitCode;

use longshore::App;
use mimalloc::MiMalloc;

use crate::ran::Ran;

/// As the reference system has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const TASKS: &str = "LongshoreTasks";
const REPLIES: &str = "LongshoreReplies";

fn app() -> App<longshore::NoOptions, Ran> {
    App::new("longshore-peer")
        .state(async |_, _| Ok(Ran::open()?))
        .queue(TASKS, |queue| queue.handle(task::answered).handle(task::unanswered))
        .reply_queue(REPLIES)
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("producer") {
        return producer::run();
    }
    app().run()
}
