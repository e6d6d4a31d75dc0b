//! How long runs of each task take, as this worker has seen: so a lease is renewed for as long as a run is expected
//! to go on.
//!
//! run ends → its length, by the name of its task → what is expected to be left of a run of that age → how long its
//! lease is renewed for
//!
//! # Invariants
//!
//! - It is bounded: 64 numbers for each task that has a handler, and nothing for any other.
//! - Runs that end before their first renewal are not kept: they need none, and would crowd out those that do.
//! - Old runs fade: of what is known, a further run is a tenth.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::transport::meter::TaskNames;

/// Classes of lengths: the first is up to a second, each further one a fifth longer than the last, so that they
/// reach beyond the 12 hours of SQS.
const CLASSES: usize = 64;
const GROWTH: f64 = 1.2;
/// How much is left of what was known when a run ends.
const FADE: f64 = 0.9;
/// How much longer than what is expected to be left a lease is.
const SLACK: f64 = 1.25;
/// What is known of runs as long as that counts for nothing any more.
const FORGOTTEN: f64 = 0.01;

/// How long runs of each task take.
#[derive(Debug)]
pub(super) struct Lengths {
    by_task: HashMap<Arc<str>, Mutex<[f64; CLASSES]>>,
}

impl Lengths {
    /// Of tasks that have a handler.
    pub(super) fn new(names: &TaskNames) -> Self {
        let of_none = |name: &Arc<str>| (Arc::clone(name), Mutex::new([0.0; CLASSES]));
        Self { by_task: names.known().map(of_none).collect() }
    }

    /// A run of a task took that long.
    pub(super) fn note(&self, task: &str, length: Duration) {
        let Some(of_task) = self.by_task.get(task) else { return };
        let mut weights = of_task.lock().unwrap_or_else(PoisonError::into_inner);
        for weight in weights.iter_mut() {
            *weight *= FADE;
        }
        weights[class_of(length)] += 1.0;
    }

    /// How long a lease on a run of a task that has gone on for `age` should be: what is expected to be left, and a
    /// quarter more. `None` if no run is known that took longer.
    pub(super) fn lease(&self, task: &str, age: Duration) -> Option<Duration> {
        let weights = self.by_task.get(task)?.lock().unwrap_or_else(PoisonError::into_inner);
        let length = median(weights.iter().enumerate().skip(class_of(age) + 1))?;
        Some(bound_of(length).saturating_sub(age).mul_f64(SLACK))
    }
}

/// The class that half of the runs reach.
fn median<'a>(weights: impl Iterator<Item = (usize, &'a f64)> + Clone) -> Option<usize> {
    let all: f64 = weights.clone().map(|(_, weight)| weight).sum();
    let mut sum = 0.0;
    let reached = weights.map(|(class, weight)| {
        sum += weight;
        (class, sum)
    });
    let half = |(_, sum): &(usize, f64)| *sum >= all / 2.0;
    (all >= FORGOTTEN).then(|| reached.into_iter().find(half))?.map(|(class, _)| class)
}

/// The class of a length: the first whose bound it does not exceed.
fn class_of(length: Duration) -> usize {
    (0..CLASSES - 1).find(|class| length <= bound_of(*class)).unwrap_or(CLASSES - 1)
}

/// The longest length of a class.
fn bound_of(class: usize) -> Duration {
    let exponent = i32::try_from(class).expect("there are 64 classes");
    Duration::from_secs_f64(GROWTH.powi(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn lengths() -> Lengths {
        Lengths::new(&TaskNames::new(["film"].into_iter(), None))
    }

    fn within(lengths: &Lengths, age: u64, least: u64, most: u64) {
        let found = lengths.lease("film", secs(age)).unwrap();
        assert!((secs(least)..=secs(most)).contains(&found), "{found:?} at {age}");
    }

    #[test]
    fn what_is_left_of_a_run_follows_from_those_that_took_longer() {
        let lengths = lengths();
        assert_eq!(lengths.lease("film", secs(15)), None);
        lengths.note("film", secs(600));
        within(&lengths, 0, 600, 900);
        within(&lengths, 300, 300, 530);
        assert_eq!(lengths.lease("film", secs(800)), None, "none is known that took so long");
        assert_eq!(lengths.lease("trailer", secs(0)), None, "it has no handler here");
    }

    #[test]
    fn half_of_the_runs_decide_and_those_that_are_over_by_then_do_not_count() {
        let lengths = lengths();
        for length in [40, 40, 40, 600] {
            lengths.note("film", secs(length));
        }
        within(&lengths, 15, 25, 50);
        within(&lengths, 60, 540, 850);
    }

    #[test]
    fn what_tasks_once_took_fades() {
        let lengths = lengths();
        lengths.note("film", secs(6000));
        for _ in 0..10 {
            lengths.note("film", secs(100));
        }
        within(&lengths, 15, 85, 130);
        for _ in 0..40 {
            lengths.note("film", secs(100));
        }
        assert_eq!(lengths.lease("film", secs(200)), None);
    }

    #[test]
    fn classes_reach_as_far_as_sqs_and_no_length_is_beyond_them() {
        assert!(bound_of(CLASSES - 1) >= secs(43_200));
        lengths().note("film", Duration::MAX);
        assert_eq!((class_of(Duration::ZERO), class_of(secs(1))), (0, 0));
        assert!(bound_of(class_of(secs(600))) >= secs(600));
    }
}
