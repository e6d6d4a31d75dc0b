//! How a handler says that it has no reply: a verdict on the task, and the error behind it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::error_chain::error_chain;
use crate::transport::Cause;

/// How a handler says that it has no reply.
///
/// Every error becomes one by `?`, also an `anyhow::Error` or a text, and means another attempt by
/// the task's policy; the constructors say otherwise. Error and causes are kept: the task's record
/// and its dead letter show all of them, a FAILED reply the first. (So this type is itself no
/// [`std::error::Error`].)
///
/// ```
/// use longshore_tasks::Failure;
///
/// fn width(text: &str) -> Result<u32, Failure> {
///     let width = text.trim().parse()?; // another attempt
///     if width == 0 {
///         return Err(Failure::dead("nothing to render")); // no further attempt
///     }
///     Ok(width)
/// }
/// assert!(width("x").is_err() && width("0").is_err());
/// ```
pub struct Failure {
    verdict: Verdict,
    source: Cause,
}

/// Why a task failed, in words: for whoever asked for it, and for whoever has to mend it.
///
/// ```
/// use longshore_tasks::Failure;
///
/// let failure = Failure::from(anyhow::anyhow!("disk full").context("cannot save"));
/// let reason = failure.reason();
/// assert_eq!(reason.message, "cannot save"); // for whoever asked
/// assert_eq!(reason.to_string(), "cannot save: disk full"); // for whoever mends it
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The error in its own words, whole: what a FAILED reply says.
    pub message: String,
    /// The error, then its causes, each in its own words and of bounded length: what the record and
    /// the dead letter say.
    pub chain: Vec<String>,
}

impl Reason {
    /// The words of an error and its causes.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self { message: error.to_string(), chain: error_chain(error) }
    }

    /// A reason without causes.
    pub fn text(text: impl Into<String>) -> Self {
        let message: String = text.into();
        let source: Cause = message.clone().into();
        Self { message, chain: error_chain(&*source) }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain.join(": "))
    }
}

/// What a failure means for the task.
///
/// What a test of a handler looks at:
///
/// ```
/// use std::time::Duration;
///
/// use longshore_tasks::{Failure, Verdict};
///
/// fn fetch(status: u16) -> Result<(), Failure> {
///     match status {
///         200 => Ok(()),
///         404 => Err(Failure::discard("there is no such page")),
///         429 => Err(Failure::retry_after(Duration::from_secs(60), "too many requests")),
///         _ => Err(Failure::retry(format!("answered {status}"))),
///     }
/// }
///
/// assert_eq!(fetch(404).unwrap_err().verdict(), Verdict::Discard);
/// assert_eq!(fetch(429).unwrap_err().verdict(), Verdict::Retry(Some(Duration::from_secs(60))));
/// assert_eq!(fetch(500).unwrap_err().verdict(), Verdict::Retry(None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt, after that time; `None` leaves it to the policy.
    Retry(Option<Duration>),
    /// No further attempt: FAILED, and to the dead-letter queue.
    Dead,
    /// No further attempt: FAILED, and not to the dead-letter queue.
    Discard,
    /// Not now: run again after that time, as if it had not been run.
    Snooze(Duration),
}

impl Failure {
    /// Another attempt, when the policy says.
    pub fn retry(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Retry(None), source: error.into() }
    }

    /// Another attempt, `after` that time.
    pub fn retry_after(after: Duration, error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Retry(Some(after)), source: error.into() }
    }

    /// No further attempt: FAILED, and to the dead-letter queue.
    pub fn dead(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Dead, source: error.into() }
    }

    /// No further attempt: FAILED, and not to the dead-letter queue; the caller has its answer.
    pub fn discard(error: impl Into<Cause>) -> Self {
        Self { verdict: Verdict::Discard, source: error.into() }
    }

    /// Not now: run again after `wait`, counting no attempt. At most 12 hours; after a longer wait
    /// the handler runs earlier, and can snooze again.
    pub fn snooze(wait: Duration) -> Self {
        Self { verdict: Verdict::Snooze(wait), source: "snoozed".into() }
    }

    /// What the failure means for the task.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The error behind it.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }

    /// The error, then its causes, each in its own words.
    pub fn chain(&self) -> Vec<String> {
        error_chain(self.error())
    }

    /// The failure in words.
    pub fn reason(&self) -> Reason {
        Reason::of(self.error())
    }
}

#[expect(clippy::missing_fields_in_debug, reason = "the chain is the source, in its own words")]
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("verdict", &self.verdict)
            .field("error", &self.chain())
            .finish()
    }
}

impl<E: Into<Cause>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::retry(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_ordinary_error_means_another_attempt_and_keeps_its_causes() {
        fn read() -> Result<u8, Failure> {
            let cause = "x".parse::<u8>().unwrap_err();
            Err(io::Error::other(cause))?
        }
        let failure = read().unwrap_err();
        assert_eq!(failure.verdict(), Verdict::Retry(None));
        assert!(failure.chain().last().unwrap().contains("invalid digit"), "{failure:?}");
    }

    #[test]
    fn a_text_and_an_error_of_anyhow_become_a_failure_by_the_question_mark() {
        fn text() -> Result<(), Failure> {
            Err("no more")?
        }
        fn any() -> Result<(), Failure> {
            Err(anyhow::anyhow!("disk").context("cannot save"))?
        }
        assert_eq!(text().unwrap_err().chain(), ["no more"]);
        assert_eq!(any().unwrap_err().chain(), ["cannot save", "disk"]);
    }
}
