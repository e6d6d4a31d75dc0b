//! The task that every peer runs: a small Fibonacci number.

use longshore::{Failure, State, Task};
use serde::{Deserialize, Serialize};

use crate::ran::Ran;

/// Which Fibonacci number is asked for.
pub(crate) const POSITION: u64 = 20;
/// That number, counted so that the first two are 0 and 1.
pub(crate) const VALUE: u64 = 4181;

/// A task whose result is brought back.
#[derive(Debug, Serialize, Deserialize, Task)]
#[task(reply = Found)]
pub(crate) struct Answered {
    /// Which task it is.
    pub(crate) number: u64,
    /// Which Fibonacci number is asked for.
    pub(crate) position: u64,
}

/// A task whose result nobody wants.
#[derive(Debug, Serialize, Deserialize, Task)]
#[task(reply_by = "none")]
pub(crate) struct Unanswered {
    /// Which task it is.
    pub(crate) number: u64,
    /// Which Fibonacci number is asked for.
    pub(crate) position: u64,
}

/// What was found.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// What was asked for.
    pub(crate) position: u64,
    /// The Fibonacci number.
    pub(crate) value: u64,
}

pub(crate) async fn answered(task: Answered, State(ran): State<Ran>) -> Result<Found, Failure> {
    let value = fibonacci(task.position);
    ran.note(task.number)?;
    Ok(Found { position: task.position, value })
}

pub(crate) async fn unanswered(task: Unanswered, State(ran): State<Ran>) -> Result<(), Failure> {
    std::hint::black_box(fibonacci(task.position));
    Ok(ran.note(task.number)?)
}

fn fibonacci(position: u64) -> u64 {
    (1..position).fold((0, 1), |(at, next): (u64, u64), _| (next, at.wrapping_add(next))).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_that_producers_expect_is_the_one_that_is_computed() {
        assert_eq!((fibonacci(1), fibonacci(2), fibonacci(8)), (0, 1, 13));
        assert_eq!(fibonacci(POSITION), VALUE);
    }
}
