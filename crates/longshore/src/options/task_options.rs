//! `--task-options NAME OPTION=VALUE …`: what an operator sets for one task, over what the code says.

use std::fmt;
use std::time::Duration;

use longshore_tasks::{Backoff, RateLimit, RateLimitError, ReplyMode, RetryPolicy, TaskOptions};
use longshore_types::duration_text::parse_duration;
use longshore_types::limits::VISIBILITY_TIMEOUT_MAX;

/// The options that can be set, as a fault names them.
const KNOWN: &str = "attempts=8, backoff=2s..15m, timeout=30s, concurrency=4, concurrency_per_key=2, \
                     rate_limit=20/s, burst=5, retention=1d, reply_by=store";

/// What is set for the tasks of one name. What is not named stays as the code has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskOverride {
    /// The task's name.
    pub task: String,
    attempts: Option<u32>,
    backoff: Option<Backoff>,
    timeout: Option<Duration>,
    concurrency: Option<usize>,
    concurrency_per_key: Option<usize>,
    rate_limit: Option<RateLimit>,
    retention: Option<Duration>,
    reply: Option<ReplyMode>,
}

impl TaskOverride {
    /// Reads a flag's text: the task's name, then options.
    ///
    /// # Errors
    ///
    /// It names no task or no option, or an option that no worker could carry out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace().peekable();
        let mut name = Vec::new();
        while let Some(word) = words.next_if(|word| !word.contains('=')) {
            name.push(word);
        }
        let mut read = Self { task: name.join(" "), ..Self::default() };
        if read.task.is_empty() || words.peek().is_none() {
            return Err(format!("write a task's name, then options: NAME {KNOWN}, without commas"));
        }
        let mut burst = None;
        for word in words {
            match word.strip_prefix("burst=") {
                Some(value) => burst = Some(count("burst", value)?),
                None => read.take(word)?,
            }
        }
        read.set_burst(burst)?;
        Ok(read)
    }

    /// A burst belongs to the rate that is set with it.
    fn set_burst(&mut self, burst: Option<u32>) -> Result<(), String> {
        let Some(burst) = burst else { return Ok(()) };
        let limit =
            self.rate_limit.ok_or("`burst` belongs to a rate: write rate_limit=20/s burst=5")?;
        self.rate_limit = Some(limit.burst(burst));
        Ok(())
    }

    fn take(&mut self, word: &str) -> Result<(), String> {
        let (option, value) = word.split_once('=').unwrap_or((word, ""));
        match option {
            "attempts" => self.attempts = Some(count(option, value)?),
            "backoff" => self.backoff = Some(backoff(value)?),
            "timeout" => self.timeout = Some(duration(option, value, VISIBILITY_TIMEOUT_MAX)?),
            "concurrency" => self.concurrency = Some(count(option, value)? as usize),
            "concurrency_per_key" => {
                self.concurrency_per_key = Some(count(option, value)? as usize);
            }
            "rate_limit" => self.rate_limit = Some(rate(value)?),
            "retention" => self.retention = Some(duration(option, value, Duration::MAX)?),
            "reply_by" => self.reply = Some(reply(value)?),
            _ => return Err(format!("`{word}` is no option of a task: there are {KNOWN}")),
        }
        Ok(())
    }

    /// Sets the options of a task that has `options`, and whose queue retries by `policy` where it has no
    /// policy of its own.
    pub(crate) fn apply(&self, options: &TaskOptions, policy: &RetryPolicy) -> TaskOptions {
        let mut retry = options.retry.clone();
        if self.attempts.is_some() || self.backoff.is_some() {
            let policy = retry.get_or_insert_with(|| policy.clone());
            policy.attempts_max = self.attempts.unwrap_or(policy.attempts_max);
            policy.backoff = self.backoff.unwrap_or(policy.backoff);
        }
        let mut set = TaskOptions::new();
        (set.retry, set.timeout) = (retry, self.timeout);
        (set.concurrency, set.retention) = (self.concurrency, self.retention);
        set.concurrency_per_key = self.concurrency_per_key;
        (set.rate_limit, set.reply) = (self.rate_limit, self.reply);
        set.or(options)
    }
}

impl fmt::Display for TaskOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.task)
    }
}

fn count(option: &str, value: &str) -> Result<u32, String> {
    let count = value.parse().ok().filter(|count| (1..=u32::from(u16::MAX)).contains(count));
    count.ok_or_else(|| format!("`{option}={value}`: write a number from 1 to {}", u16::MAX))
}

fn reply(value: &str) -> Result<ReplyMode, String> {
    ReplyMode::parse(value)
        .ok_or_else(|| format!("`reply_by={value}`: write `queue`, `store` or `none`"))
}

fn rate(value: &str) -> Result<RateLimit, String> {
    value.parse().map_err(|fault: RateLimitError| format!("`rate_limit`: {fault}"))
}

fn duration(option: &str, value: &str, most: Duration) -> Result<Duration, String> {
    let read = parse_duration(value).map_err(|fault| format!("`{option}`: {fault}"))?;
    if read.is_zero() || read > most {
        return Err(format!(
            "`{option}={value}`: write more than 0, and 12h at most for a timeout"
        ));
    }
    Ok(read)
}

fn backoff(value: &str) -> Result<Backoff, String> {
    let fault = || format!("`backoff={value}`: write the first and the last wait, as in 2s..15m");
    let (first, last) = value.split_once("..").ok_or_else(fault)?;
    let (first, last) =
        (parse_duration(first).map_err(|_| fault())?, parse_duration(last).map_err(|_| fault())?);
    let makes_sense = first <= last && last <= VISIBILITY_TIMEOUT_MAX;
    makes_sense.then(|| Backoff::new(first, last)).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_set_wins_and_the_rest_stays() {
        let set = TaskOverride::parse(
            "thumb nail attempts=8  timeout=30s concurrency=4 concurrency_per_key=2",
        )
        .unwrap();
        assert_eq!(set.task, "thumb nail");
        let in_code = TaskOptions::new().timeout(secs(5)).retention(secs(60));
        let of_queue = RetryPolicy::default().backoff(Backoff::new(secs(1), secs(9)));
        let options = set.apply(&in_code, &of_queue);
        assert_eq!(options.retry, Some(of_queue.attempts(8)));
        assert_eq!((options.timeout, options.concurrency), (Some(secs(30)), Some(4)));
        assert_eq!((options.retention, options.concurrency_per_key), (Some(secs(60)), Some(2)));
    }

    #[test]
    fn a_policy_of_the_tasks_own_keeps_what_is_not_set() {
        let set = TaskOverride::parse("t backoff=1s..2s retention=1d").unwrap();
        let in_code = TaskOptions::new().retry(RetryPolicy::default().attempts(3));
        let options = set.apply(&in_code, &RetryPolicy::never());
        let expected = RetryPolicy::default().attempts(3).backoff(Backoff::new(secs(1), secs(2)));
        assert_eq!((options.retry, options.retention), (Some(expected), Some(secs(86_400))));
        let untouched = TaskOverride::parse("t timeout=1s").unwrap();
        assert_eq!(untouched.apply(&TaskOptions::new(), &RetryPolicy::never()).retry, None);
    }

    #[test]
    fn how_a_task_is_replied_to_is_set_as_in_the_code() {
        let in_code = TaskOptions::new().reply(ReplyMode::Queue);
        for mode in ReplyMode::ALL {
            let set = TaskOverride::parse(&format!("t reply_by={}", mode.as_str())).unwrap();
            assert_eq!(set.apply(&in_code, &RetryPolicy::never()).reply, Some(mode));
        }
    }

    #[test]
    fn a_rate_is_set_with_or_without_a_burst() {
        for (text, expected) in [
            ("t rate_limit=20/s", RateLimit::per_second(20)),
            ("t burst=5 rate_limit=100/m", RateLimit::per_minute(100).burst(5)),
        ] {
            let set = TaskOverride::parse(text).unwrap();
            let in_code = TaskOptions::new().rate_limit(RateLimit::per_hour(1));
            let options = set.apply(&in_code, &RetryPolicy::never());
            assert_eq!(options.rate_limit, Some(expected), "{text}");
        }
    }

    #[test]
    fn what_no_worker_could_carry_out_is_refused_with_what_to_write() {
        for (text, told) in [
            ("", "write a task's name"),
            ("thumbnail", "write a task's name"),
            ("attempts=8", "write a task's name"),
            ("t attempts=0", "a number from 1 to"),
            ("t concurrency_per_key=0", "a number from 1 to"),
            ("t concurrency=many", "a number from 1 to"),
            ("t timeout=13h", "12h at most"),
            ("t timeout=0", "more than 0"),
            ("t timeout=soon", "`timeout`: "),
            ("t backoff=15m..2s", "as in 2s..15m"),
            ("t backoff=2s", "as in 2s..15m"),
            ("t backoff=2s..13h", "as in 2s..15m"),
            ("t rate_limit=0/s", "a rate of 0"),
            ("t rate_limit=fast", "is not a rate"),
            ("t rate_limit=20/s burst=0", "a number from 1 to"),
            ("t burst=5", "belongs to a rate"),
            ("t reply_by=pigeon", "write `queue`, `store` or `none`"),
            ("t priority=high", "is no option of a task"),
            ("t timeout=1s later", "is no option of a task"),
        ] {
            let fault = TaskOverride::parse(text).unwrap_err();
            assert!(fault.contains(told), "{text}: {fault}");
        }
    }
}
