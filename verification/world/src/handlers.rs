//! The handlers of a schedule: each does what the plan says of its task, alone or with others of a batch.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use longshore_tasks::{BatchOptions, Context, Failure, Handlers, TaskOptions};
use tokio::time::{Instant, sleep, sleep_until};

use crate::book::{Book, RunPage, Starts};
use crate::chore::{BY_QUEUE, BY_STORE, Chore, NO_REPLY, Step, name_of};
use crate::mutant::Mutant;
use crate::plan::Plan;

/// How often a handler says how far it is: oftener than that is written.
const PROGRESS_EVERY: Duration = Duration::from_millis(1500);

/// What handlers of one worker know.
#[derive(Clone, Debug)]
pub(crate) struct Shop {
    pub(crate) plan: Arc<Plan>,
    pub(crate) book: Book,
    /// The worker's program.
    pub(crate) who: u32,
    pub(crate) mutant: Mutant,
}

/// What a run comes to.
type Ran = Result<(usize, u32), Failure>;

impl Shop {
    /// A handler for each sort of task.
    pub(crate) fn handlers(&self) -> Handlers {
        let handlers = match self.plan.asides.batches {
            None => self.of_one(),
            Some(most) => self.of_batches(most),
        };
        let Some(limit) = self.plan.asides.per_key else { return handlers };
        [BY_QUEUE, BY_STORE, NO_REPLY].into_iter().fold(handlers, |handlers, kind| {
            let limited = |options: &TaskOptions| options.clone().concurrency_per_key(limit);
            handlers.change_options(name_of(kind), limited)
        })
    }

    fn of_one(&self) -> Handlers {
        let shops = || self.clone();
        let (queue, store, none) = (shops(), shops(), shops());
        Handlers::new()
            .handle(move |Chore(task): Chore<BY_QUEUE>, of: Context| queue.clone().run(task, of))
            .handle(move |Chore(task): Chore<BY_STORE>, of: Context| store.clone().run(task, of))
            .handle(move |Chore(task): Chore<NO_REPLY>, of: Context| none.clone().run(task, of))
    }

    fn of_batches(&self, most: usize) -> Handlers {
        let shops = || self.clone();
        let (queue, store, none) = (shops(), shops(), shops());
        let options = BatchOptions::new().tasks_max(most);
        let queue = move |tasks: Vec<(Chore<BY_QUEUE>, Context)>| queue.clone().run_all(tasks);
        let store = move |tasks: Vec<(Chore<BY_STORE>, Context)>| store.clone().run_all(tasks);
        let none = move |tasks: Vec<(Chore<NO_REPLY>, Context)>| none.clone().run_all(tasks);
        Handlers::new()
            .handle_batch_with(queue, options.clone())
            .handle_batch_with(store, options.clone())
            .handle_batch_with(none, options)
    }

    async fn run(self, task: usize, context: Context) -> Ran {
        let page = self.begin(task, &context);
        let step = self.step(task, &page);
        self.act(task, step, &context).await?;
        Ok((task, page.run))
    }

    async fn run_all<const REPLY: u8>(self, tasks: Vec<(Chore<REPLY>, Context)>) -> Vec<Ran> {
        if tasks.len() > 1 {
            self.book.pages().seen.batches += 1;
        }
        let run = |(Chore(task), context)| self.run_in_batch(task, context);
        let mut ran = join_all(tasks.into_iter().map(run)).await;
        if self.mutant == Mutant::MixesUpBatches {
            ran.rotate_left(1);
        }
        ran
    }

    /// A batch goes on without those of its tasks that were given up.
    async fn run_in_batch(&self, task: usize, context: Context) -> Ran {
        let page = self.begin(task, &context);
        let mut step = self.step(task, &page);
        if step == Step::Panic && self.plan.healthy {
            // It would fail all of them, and nobody could say how often each of them has to run.
            step = Step::Retry(None);
        }
        tokio::select! {
            biased;
            () = context.cancelled().cancelled() => Err(Failure::retry("given up")),
            acted = self.act(task, step, &context) => acted.map(|()| (task, page.run)),
        }
    }

    fn begin(&self, task: usize, context: &Context) -> RunPage {
        let starts = Starts { who: self.who, task, attempt: context.attempt() };
        self.book.begin_run(&self.plan, starts)
    }

    /// What the run does. A task that was redriven has been mended.
    fn step(&self, task: usize, page: &RunPage) -> Step {
        if page.generation > 1 {
            return Step::Done(Duration::from_millis(100));
        }
        let script = &self.plan.tasks[task].script;
        let next = usize::try_from(page.run - 1).unwrap_or(usize::MAX);
        script[next.min(script.len() - 1)]
    }

    async fn act(&self, task: usize, step: Step, context: &Context) -> Result<(), Failure> {
        let calm = self.book.pages().calm;
        self.book.note_step(task, step);
        match step {
            Step::Done(time) if self.plan.tasks[task].says_progress => {
                said_all_along(context, time).await;
            }
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

/// Lets time pass, and says all the while how far it is.
async fn said_all_along(context: &Context, time: Duration) {
    let (begun, mut percent) = (Instant::now(), 0);
    while begun.elapsed() + PROGRESS_EVERY < time {
        sleep(PROGRESS_EVERY).await;
        percent += 1;
        context.progress(percent, "on its way");
    }
    sleep_until(begun + time).await;
}

/// What a handler panics with that is told to: whoever runs schedules need not hear of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scripted;
