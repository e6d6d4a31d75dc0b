//! The tasks of a schedule. An argument is a number, under which the schedule's plan says what the handler does.

use std::time::Duration;

use longshore_tasks::{Json, ReplyMode, Task, TaskId, TaskOptions};
use serde::{Deserialize, Serialize};

/// How long one attempt may run.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// How the reply of a task travels, as a number that a type can bear.
pub(crate) const BY_QUEUE: u8 = 0;
pub(crate) const BY_STORE: u8 = 1;
pub(crate) const NO_REPLY: u8 = 2;

/// A task that is replied to in that way.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Chore<const REPLY: u8>(pub(crate) usize);

impl<const REPLY: u8> Task for Chore<REPLY> {
    const NAME: &'static str = match REPLY {
        BY_QUEUE => "by-queue",
        BY_STORE => "by-store",
        _ => "no-reply",
    };
    /// Which task it was, and which run: so two effects of one task differ.
    type Reply = (usize, u32);
    type Codec = Json;
    /// Its sender says which.
    const HAS_KEY: bool = true;

    fn options() -> TaskOptions {
        let mode = match REPLY {
            BY_QUEUE => ReplyMode::Queue,
            BY_STORE => ReplyMode::Store,
            _ => ReplyMode::None,
        };
        TaskOptions::new().reply(mode).timeout(TIMEOUT)
    }
}

/// The name of the tasks that are replied to in that way.
pub(crate) fn name_of(kind: u8) -> &'static str {
    match kind {
        BY_QUEUE => Chore::<BY_QUEUE>::NAME,
        BY_STORE => Chore::<BY_STORE>::NAME,
        _ => Chore::<NO_REPLY>::NAME,
    }
}

/// The id of the task of that number, if its sender gives it one.
pub(crate) fn id_of(task: usize) -> TaskId {
    TaskId::parse(&format!("t-{task}")).expect("a number makes a task id")
}

/// The number in a task's id.
pub(crate) fn number_of(id: &str) -> Option<usize> {
    id.strip_prefix("t-")?.parse().ok()
}

/// What a handler does in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Is done after that time.
    Done(Duration),
    /// Fails, to be run again after that time, or as the policy says.
    Retry(Option<Duration>),
    Panic,
    Dead,
    Discard,
    Snooze(Duration),
    /// Never ends by itself.
    Hang,
    /// Stands still with the whole program, for longer than a lease; then is done.
    Stall(Duration),
}
