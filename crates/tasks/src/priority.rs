//! Levels of a queue of tasks, and whose turn it is among them.
//!
//! SQS has no priority. A queue of tasks with levels is three SQS queues: tasks of normal priority are on
//! the queue itself, those above and below on `NAME-high` and `NAME-low`. So tasks that were sent before
//! there were levels are where normal ones are.

use std::fmt;

use thiserror::Error;

use crate::transport::QueueHandle;

/// How soon a task is to be run, among those of its queue.
///
/// ```
/// use longshore_tasks::{Client, Priority, SendError, Task};
///
/// /// Of an import nobody waits for a single row.
/// async fn import<T: Task>(client: &Client, row: T) -> Result<(), SendError> {
///     client.send(row).priority(Priority::Low).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before the others.
    High,
    /// As others.
    #[default]
    Normal,
    /// When there is room.
    Low,
}

impl Priority {
    /// All levels, the highest first.
    pub const ALL: [Self; 3] = [Self::High, Self::Normal, Self::Low];

    /// The SQS queue of this level of the queue `name`, which is a name or a URL.
    ///
    /// ```
    /// use longshore_tasks::Priority;
    ///
    /// let queues = Priority::ALL.map(|level| level.queue_of("images"));
    /// assert_eq!(queues, ["images-high", "images", "images-low"]);
    /// ```
    pub fn queue_of(self, name: &str) -> String {
        match self {
            Self::High => format!("{name}-high"),
            Self::Normal => name.to_owned(),
            Self::Low => format!("{name}-low"),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        })
    }
}

/// How the levels of a queue share the places of a worker, when more tasks wait than may run.
///
/// ```
/// use longshore_tasks::Priorities;
///
/// assert!(Priorities::strict().check().is_ok());
/// // Of eleven places that become free, eight go to high, two to normal and one to low.
/// assert!(Priorities::weighted(8, 2, 1).check().is_ok());
/// assert!(Priorities::weighted(8, 2, 0).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priorities(pub(crate) Rule);

/// How levels share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Strict,
    /// By the weight of each, the highest level first.
    Weighted([u32; 3]),
}

/// What is wrong with priorities.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrioritiesError {
    /// Such a level would never be run.
    #[error(
        "the priority {0} has the weight 0, so its tasks would never run: give each level a weight of 1 \
         at least"
    )]
    NoWeight(Priority),
    /// A FIFO queue keeps an order, and queues beside one another keep none.
    #[error(
        "{0} is a FIFO queue where priorities are asked, and levels keep no order among one another: \
         leave out the priorities, or take a standard queue"
    )]
    Fifo(String),
}

impl Priorities {
    /// A place that becomes free goes to the highest level that has tasks waiting. A level that has some
    /// gets every 16th at least, so that none starves.
    pub const fn strict() -> Self {
        Self(Rule::Strict)
    }

    /// Places are shared by weight among the levels that have tasks waiting.
    pub const fn weighted(high: u32, normal: u32, low: u32) -> Self {
        Self(Rule::Weighted([high, normal, low]))
    }

    /// Whether every level has its turn. A worker, and an application, asks at the start.
    ///
    /// # Errors
    ///
    /// A weight is zero.
    pub fn check(&self) -> Result<(), PrioritiesError> {
        let Rule::Weighted(weights) = self.0 else { return Ok(()) };
        let none = Priority::ALL.into_iter().zip(weights).find(|(_, weight)| *weight == 0);
        none.map_or(Ok(()), |(level, _)| Err(PrioritiesError::NoWeight(level)))
    }

    /// As [`Priorities::check`], for the queue of that name or URL.
    ///
    /// # Errors
    ///
    /// A weight is zero, or the queue is a FIFO queue.
    pub fn check_for(&self, queue: &str) -> Result<(), PrioritiesError> {
        if QueueHandle::from_url(queue).is_fifo() {
            return Err(PrioritiesError::Fifo(queue.to_owned()));
        }
        self.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_in_a_sentence() {
        let no_weight = Priorities::weighted(1, 0, 1).check_for("images").unwrap_err();
        assert!(no_weight.to_string().starts_with("the priority normal has the weight 0"));
        let fifo = Priorities::strict().check_for("images.fifo").unwrap_err();
        assert!(
            fifo.to_string().starts_with("images.fifo is a FIFO queue where priorities are asked")
        );
        assert_eq!(Priorities::strict().check_for("images"), Ok(()));
    }
}
