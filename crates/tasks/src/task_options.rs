//! The options that belong to a task, and how they are merged.
//!
//! Three places say how a task runs. The more specific one wins, option by option: the worker's configuration
//! over [`Task::options`](crate::Task::options) over the worker's defaults. [`TaskOptions::or`] is that rule.

use std::time::Duration;

use crate::rate_limit::RateLimit;
use crate::retry::RetryPolicy;

/// How the tasks of one type are run and answered. `None` leaves an option to the worker.
///
/// ```
/// use std::time::Duration;
/// use longshore_tasks::{ReplyMode, RetryPolicy, TaskOptions};
///
/// let configured = TaskOptions::new().concurrency(4);
/// let of_task = TaskOptions::new().timeout(Duration::from_secs(30)).concurrency(16);
/// let defaults = TaskOptions::new().retry(RetryPolicy::default()).reply(ReplyMode::Queue);
///
/// let options = configured.or(&of_task).or(&defaults);
/// assert_eq!(options.concurrency, Some(4));
/// assert_eq!(options.timeout, Some(Duration::from_secs(30)));
/// assert_eq!(options.retry, Some(RetryPolicy::default()));
/// ```
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskOptions {
    /// The queue that the task is sent to, by name or URL. `None`: the queue of the client that sends it.
    pub queue: Option<&'static str>,
    /// When a failed attempt is followed by another. `None`: as the worker's policy says.
    pub retry: Option<RetryPolicy>,
    /// How long one attempt may run; then it is stopped and counts as failed. From 1 ms to 12 h, the longest that SQS keeps
    /// a message in flight. `None`: as long as it takes.
    pub timeout: Option<Duration>,
    /// How many tasks of this type a worker runs at once, at least 1, within the worker's own concurrency.
    /// `None`: the worker's concurrency is the only bound.
    pub concurrency: Option<usize>,
    /// How many tasks of this type with one key run at once, at least 1, on all workers that share the store. `None`: as
    /// many as may run.
    pub concurrency_per_key: Option<usize>,
    /// How many tasks of this type each worker process begins in a time. One whose turn is near waits for it; others
    /// are handed back until theirs comes, counting no attempt. `None`: as many as come.
    pub rate_limit: Option<RateLimit>,
    /// How the reply travels. `None`: [`ReplyMode::Queue`]. Its sender decides: the message says it, and the worker does
    /// as it says.
    pub reply: Option<ReplyMode>,
    /// How long the result is kept, from the task's end on. `None`: as the worker says.
    pub retention: Option<Duration>,
}

/// How a task's reply travels to the application.
///
/// ```
/// use longshore_tasks::{ReplyMode, TaskOptions};
///
/// // Nobody waits for it, and its status is asked for by its id.
/// let options = TaskOptions::new().reply(ReplyMode::Store);
/// assert_eq!(options.reply, Some(ReplyMode::Store));
/// assert_eq!(ReplyMode::default(), ReplyMode::Queue);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReplyMode {
    /// As a message in the reply queue. Workers and applications need no store in common, and may be of
    /// other makers. The default.
    #[default]
    Queue,
    /// In the store alone, which workers and applications must share: no reply queue, and no request
    /// for the reply.
    Store,
    /// There is no reply.
    None,
}

impl ReplyMode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Store, Self::None];

    /// Its word in messages, in configuration and in `#[task(reply_by = …)]`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Store => "store",
            Self::None => "none",
        }
    }

    /// The mode of that word.
    ///
    /// ```
    /// use longshore_tasks::ReplyMode;
    ///
    /// assert_eq!(ReplyMode::parse("store"), Some(ReplyMode::Store));
    /// assert_eq!(ReplyMode::parse("pigeon"), None);
    /// ```
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word)
    }
}

impl TaskOptions {
    /// Options that leave everything to the worker.
    pub fn new() -> Self {
        Self::default()
    }

    /// The queue that the task is sent to, by name or URL.
    #[must_use]
    pub fn queue(mut self, queue: &'static str) -> Self {
        self.queue = Some(queue);
        self
    }

    /// When a failed attempt is followed by another.
    #[must_use]
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// How long one attempt may run; see [`timeout`](Self#structfield.timeout).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How many tasks of this type a worker runs at once; at least 1.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = Some(concurrency);
        self
    }

    /// How many tasks of this type with one key run at once, on all workers that share the store; at least 1. The type
    /// must have a key. Tasks without one, from other programs, share a limit. A task beyond it waits for up to five
    /// seconds, without taking a worker's place, and is then put back for longer each time, up to a minute; no attempt
    /// is counted. On a FIFO queue SQS itself delivers one task of a key at a time, and nothing is asked of the store.
    #[must_use]
    pub fn concurrency_per_key(mut self, concurrency: usize) -> Self {
        self.concurrency_per_key = Some(concurrency);
        self
    }

    /// How many tasks of this type each worker process begins in a time; see
    /// [`rate_limit`](Self#structfield.rate_limit).
    #[must_use]
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// How the reply travels.
    #[must_use]
    pub fn reply(mut self, mode: ReplyMode) -> Self {
        self.reply = Some(mode);
        self
    }

    /// How long the result is kept, from the task's end on.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = Some(retention);
        self
    }

    /// These options, and those of `defaults` where these leave one open. A retry policy is taken whole.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        Self {
            queue: self.queue.or(defaults.queue),
            retry: self.retry.or_else(|| defaults.retry.clone()),
            timeout: self.timeout.or(defaults.timeout),
            concurrency: self.concurrency.or(defaults.concurrency),
            concurrency_per_key: self.concurrency_per_key.or(defaults.concurrency_per_key),
            rate_limit: self.rate_limit.or(defaults.rate_limit),
            reply: self.reply.or(defaults.reply),
            retention: self.retention.or(defaults.retention),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> TaskOptions {
        TaskOptions::new()
            .queue("thumbnails")
            .retry(RetryPolicy::never())
            .timeout(Duration::from_secs(30))
            .concurrency(16)
            .concurrency_per_key(2)
            .rate_limit(RateLimit::per_second(20))
            .reply(ReplyMode::Store)
            .retention(Duration::from_secs(60))
    }

    #[test]
    fn what_is_left_open_is_taken_from_the_defaults() {
        assert_eq!(TaskOptions::new().or(&full()), full());
        assert_eq!(full().or(&TaskOptions::new()), full());
    }

    #[test]
    fn what_is_said_wins_over_the_defaults() {
        let other = TaskOptions::new()
            .queue("other")
            .retry(RetryPolicy::default())
            .timeout(Duration::from_secs(1))
            .concurrency(1)
            .concurrency_per_key(1)
            .rate_limit(RateLimit::per_hour(1))
            .reply(ReplyMode::None)
            .retention(Duration::from_secs(1));
        assert_eq!(full().or(&other), full());
    }
}
