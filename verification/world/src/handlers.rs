//! The handlers of a schedule: each does what the plan says of its task.

use std::sync::Arc;

use longshore_tasks::{Failure, Handlers};
use tokio::time::sleep;

use crate::book::Book;
use crate::chore::{BY_QUEUE, BY_STORE, Chore, NO_REPLY, Step};
use crate::plan::Plan;

/// What handlers of one worker know.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) plan: Arc<Plan>,
    pub(crate) book: Book,
    /// The worker's program.
    pub(crate) who: u32,
}

/// What a run comes to.
type Ran = Result<(usize, u32), Failure>;

impl Shop {
    /// A handler for each sort of task.
    pub(crate) fn handlers(&self) -> Handlers {
        let shops = || self.clone();
        let (queue, store, none) = (shops(), shops(), shops());
        Handlers::new()
            .handle(move |Chore(task): Chore<BY_QUEUE>| queue.clone().run(task))
            .handle(move |Chore(task): Chore<BY_STORE>| store.clone().run(task))
            .handle(move |Chore(task): Chore<NO_REPLY>| none.clone().run(task))
    }

    async fn run(self, task: usize) -> Ran {
        let page = self.book.begin_run(self.who, task, self.plan.store_keeps_time);
        let script = &self.plan.tasks[task].script;
        let next = usize::try_from(page.run - 1).unwrap_or(usize::MAX);
        let step = script[next.min(script.len() - 1)];
        let calm = self.book.pages().calm;
        self.act(step, calm).await?;
        Ok((task, page.run))
    }

    async fn act(&self, step: Step, calm: bool) -> Result<(), Failure> {
        match step {
            Step::Done(time) => sleep(time).await,
            Step::Retry(None) => return Err(Failure::retry("to be run again")),
            Step::Retry(Some(after)) => return Err(Failure::retry_after(after, "not yet")),
            Step::Dead => return Err(Failure::dead("it cannot be")),
            Step::Discard => return Err(Failure::discard("it need not be")),
            Step::Snooze(wait) => return Err(Failure::snooze(wait)),
            Step::Panic => std::panic::panic_any(Scripted),
            // What never ends would never be over; its place is in the storm.
            Step::Hang | Step::Stall(_) if calm => {}
            Step::Hang => std::future::pending().await,
            Step::Stall(time) => {
                self.book.note(self.who, "stands still", "", 0);
                self.book.pages().stalled += time;
                // Time passes, and nobody has a turn meanwhile.
                tokio::time::advance(time).await;
            }
        }
        Ok(())
    }
}

/// What a handler panics with that is told to: whoever runs schedules need not hear of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripted;
