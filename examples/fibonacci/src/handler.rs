//! What a worker does with a task: find out whether its argument is valid, work, compute.

use std::time::Duration;

use longshore::tasks::TaskId;
use longshore::{Context, Failure, Fault, State};
use serde_json::value::RawValue;
use tokio::time::sleep;

use crate::compute::fibonacci;
use crate::effects::Effects;
use crate::options::Options;
use crate::task::{Fibonacci, Found};
use crate::work_log::WorkLog;

/// The largest position whose number is computed sooner than another thread could begin with it.
const AT_ONCE_MAX: u64 = 1_000;

/// What running tasks takes. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    work_time: Duration,
    value_max: u64,
    work_log: Option<WorkLog>,
    effects: Option<Effects>,
}

impl Handler {
    /// A handler that does as the flags say.
    pub(crate) fn new(options: &Options) -> Result<Self, Fault> {
        let work_log = options.work_log.as_deref().map(WorkLog::open).transpose()?;
        let effects = options.effects.as_deref().map(Effects::open).transpose()?;
        Ok(Self { work_time: options.work_time, value_max: options.value_max, work_log, effects })
    }

    /// The position that is asked for, if the argument is one: `^[1-9][0-9]*$`, up to the limit.
    fn position(&self, argument: &str) -> Option<u64> {
        let plain =
            argument.bytes().all(|byte| byte.is_ascii_digit()) && !argument.starts_with('0');
        let position = plain.then(|| argument.parse().ok()).flatten()?;
        (position <= self.value_max).then_some(position)
    }

    /// The number at that position, once the effect of the task is kept. What takes a while has a thread of its own:
    /// other tasks of this one must not wait for it.
    async fn found(self, task: &TaskId, position: u64) -> Result<String, Failure> {
        if position <= AT_ONCE_MAX && self.effects.is_none() {
            return Ok(fibonacci(position).to_string());
        }
        let task = task.clone();
        let computed = tokio::task::spawn_blocking(move || self.compute(&task, position));
        Ok(computed.await??)
    }

    /// The number at that position, once the effect of the task is kept. Blocks its thread.
    fn compute(&self, task: &TaskId, position: u64) -> Result<String, String> {
        let value = fibonacci(position).to_string();
        if let Some(effects) = &self.effects {
            effects.keep(task, &value)?;
        }
        Ok(value)
    }
}

/// Runs a task.
///
/// # Errors
///
/// An argument that is not valid is discarded at once, without working time: its caller has
/// the answer, and no further attempt would find another.
pub(crate) async fn run(
    task: Fibonacci,
    State(handler): State<Handler>,
    context: Context,
) -> Result<Found, Failure> {
    let position = handler.position(&task.argument).ok_or_else(|| invalid(&task.argument))?;
    if let Some(work_log) = &handler.work_log {
        work_log.begun(context.task_id(), position)?;
    }
    if !handler.work_time.is_zero() {
        // Not even no time is slept: the timer would wake us at its next millisecond.
        sleep(handler.work_time).await;
    }
    let value = handler.found(context.task_id(), position).await?;
    Ok(Found { arg: RawValue::from_string(task.argument)?, value: RawValue::from_string(value)? })
}

fn invalid(argument: &str) -> Failure {
    Failure::discard(format!("Invalid request in message.Body:{argument}"))
}

#[cfg(test)]
mod tests {
    use longshore::tasks::Verdict;

    use super::*;

    fn handler() -> Handler {
        Handler {
            work_time: Duration::from_secs(5),
            value_max: 10_000,
            work_log: None,
            effects: None,
        }
    }

    async fn run(argument: &str) -> Result<Found, Failure> {
        let context = Context::detached(TaskId::parse("t-1").unwrap());
        let task = Fibonacci { argument: argument.to_owned() };
        super::run(task, State(handler()), context).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_valid_value_is_answered_with_the_number_at_that_place() {
        let found = run("8").await.unwrap();
        assert_eq!((found.arg.get(), found.value.get()), ("8", "13"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_itself_is_valid_and_exact() {
        let found = run("10000").await.unwrap();
        assert_eq!(found.value.get().len(), 2090);
    }

    #[tokio::test(start_paused = true)]
    async fn a_number_is_the_same_whichever_thread_computes_it() {
        for position in [AT_ONCE_MAX, AT_ONCE_MAX + 1] {
            let found = run(&position.to_string()).await.unwrap();
            assert_eq!(found.value.get(), fibonacci(position).to_string());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_valid_is_discarded_at_once_with_its_text() {
        let begun = tokio::time::Instant::now();
        for bad in [
            "0",
            "-1",
            "1.5",
            "abc",
            "",
            "007",
            "+5",
            " 8",
            "8\n",
            "1e3",
            "10001",
            "٣",
            &"9".repeat(99),
        ] {
            let failure = run(bad).await.unwrap_err();
            let reason = format!("Invalid request in message.Body:{bad}");
            assert_eq!(
                (failure.verdict(), failure.error().to_string()),
                (Verdict::Discard, reason)
            );
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn work_takes_its_time() {
        let begun = tokio::time::Instant::now();
        run("1").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_secs(5));
    }
}
