//! The comparison has teeth: each way to be wrong is found out.

use crate::command::Sort;
use crate::histories::Histories;
use crate::mutant::Mutant;

/// Histories that are tried before a mutant counts as not caught. All are caught much earlier.
const HISTORIES: u64 = 500;

/// Whether any of the histories finds the mutant out. They are the same in every run.
fn is_caught(sort: Sort, mutant: Mutant) -> bool {
    Histories { sort, seed: 0, mutant }.first_failing(0..HISTORIES, |_| ()).is_some()
}

fn every_mutant_is_caught(sort: Sort) {
    for mutant in Mutant::wrong(sort) {
        let caught = is_caught(sort, *mutant);
        assert!(caught, "{mutant:?} was not caught in {HISTORIES} histories");
    }
}

#[track_caller]
fn is_not_caught(sort: Sort, mutant: Mutant) {
    let histories = Histories { sort, seed: 0, mutant };
    if let Err(difference) = histories.run(0..HISTORIES, |_| ()) {
        panic!("{difference}");
    }
}

#[test]
fn what_is_not_wrong_is_not_caught() {
    for sort in Sort::ALL {
        is_not_caught(sort, Mutant::None);
    }
}

#[test]
fn what_shares_out_in_the_place_of_the_engine_is_not_wrong_with_the_right_rule() {
    is_not_caught(Sort::Fair, Mutant::SharesOutByHand);
}

#[test]
fn every_mutant_of_standard_queues_is_caught() {
    every_mutant_is_caught(Sort::Standard);
}

#[test]
fn every_mutant_of_fair_queues_is_caught() {
    every_mutant_is_caught(Sort::Fair);
}

#[test]
fn every_mutant_of_fifo_queues_is_caught() {
    every_mutant_is_caught(Sort::Fifo);
}

#[test]
fn a_history_that_shows_a_difference_is_shrunk_and_found_again_by_its_number() {
    let mutant = Mutant::ForgetsToPurge;
    let histories = Histories { sort: Sort::Standard, seed: 3, mutant };
    let first = histories.run(0..HISTORIES, |_| ()).unwrap_err();
    assert_eq!(first.case.commands.len(), 2, "a send and a purge: {first}");
    let again = histories.run(first.number..first.number + 1, |_| ()).unwrap_err();
    assert_eq!(again.to_string(), first.to_string());
    assert_eq!(histories.run(0..first.number, |_| ()).map_err(drop), Ok(()), "it is the first");
}

#[test]
fn a_difference_is_told_with_the_command_that_shows_it_again() {
    let mutant = Mutant::WithholdsNoisyGroups;
    let histories = Histories { sort: Sort::Fair, seed: 5, mutant };
    let difference = histories.run(0..HISTORIES, |_| ()).unwrap_err();
    let number = difference.number;
    let command = format!(
        "cargo xtask model --kind fair --seed 5 --case {number} --mutant WithholdsNoisyGroups"
    );
    assert!(difference.to_string().ends_with(&format!("\nagain: {command}")), "{difference}");
    assert_eq!(Mutant::named("WithholdsNoisyGroups"), Some(mutant));
}
