//! The comparison itself: as many histories as every run of the tests can afford.
//!
//! `cargo xtask model` goes through as many as one likes. Each run of these tests begins with a
//! seed of its own; a difference is told with the command that shows it again.

use crate::command::Sort;
use crate::histories::{Histories, fresh_seed};
use crate::mutant::Mutant;

/// Histories of each sort.
const HISTORIES: u64 = 10_000;

#[track_caller]
fn check(sort: Sort) {
    let histories = Histories { sort, seed: fresh_seed(), mutant: Mutant::None };
    if let Err(difference) = histories.run(0..HISTORIES, |_| ()) {
        panic!("{difference}");
    }
}

#[test]
fn standard_queues_answer_as_the_model_does_and_a_replay_makes_the_same_queues() {
    check(Sort::Standard);
}

#[test]
fn fair_queues_answer_as_the_model_does_and_a_replay_makes_the_same_queues() {
    check(Sort::Fair);
}

#[test]
fn fifo_queues_answer_as_the_model_does_and_a_replay_makes_the_same_queues() {
    check(Sort::Fifo);
}
