//! What `cargo xtask model` starts: as many histories as it is told, from the seed that it is told.
//!
//! It is a test that is left out unless it is asked for. `LONGSHORE_MODEL_KIND` (all if not set),
//! `…_SEED` (a fresh one), `…_CASES`, `…_CASE` (one history instead) and `…_MUTANT` tell it what
//! to do.

#![expect(clippy::print_stderr, reason = "a program that runs for minutes says how far it is")]

use std::env;
use std::fmt::Debug;
use std::ops::Range;
use std::str::FromStr;

use crate::command::Sort;
use crate::histories::{Histories, fresh_seed};
use crate::mutant::Mutant;

/// Histories of each sort, unless it is told how many.
const HISTORIES: u64 = 100_000;

/// How often a run says how far it is.
const STEPS: u64 = 20;

#[test]
#[ignore = "runs for as long as one likes: cargo xtask model"]
fn as_many_histories_as_are_asked_for_show_no_difference() {
    let sorts = told::<String>("KIND").map_or(Sort::ALL.to_vec(), |name| vec![sort(&name)]);
    let seed = told("SEED").unwrap_or_else(fresh_seed);
    let numbers = match told("CASE") {
        Some(number) => number..number + 1,
        None => 0..told("CASES").unwrap_or(HISTORIES),
    };
    let mutant = told::<String>("MUTANT").map_or(Mutant::None, |name| mutant(&name));
    for sort in sorts {
        go_through(Histories { sort, seed, mutant }, numbers.clone());
    }
}

fn go_through(histories: Histories, numbers: Range<u64>) {
    let Histories { sort, seed, .. } = histories;
    let (name, count) = (sort.name(), numbers.end - numbers.start);
    eprintln!("{name}: {count} histories of seed {seed}");
    let step = (count / STEPS).max(1);
    let tell = |done: u64| {
        if done.is_multiple_of(step) {
            eprintln!("{name}: {done} of {count} show no difference");
        }
    };
    if let Err(difference) = histories.run(numbers, tell) {
        panic!("{difference}");
    }
}

fn sort(name: &str) -> Sort {
    let found = Sort::ALL.into_iter().find(|sort| sort.name() == name);
    found.unwrap_or_else(|| panic!("there are no histories of the kind {name}"))
}

fn mutant(name: &str) -> Mutant {
    let names: Vec<_> = Sort::ALL.into_iter().flat_map(Mutant::wrong).collect();
    Mutant::named(name).unwrap_or_else(|| panic!("no mutant {name}: there are {names:?}"))
}

fn told<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let told = env::var(format!("LONGSHORE_MODEL_{name}")).ok()?;
    Some(told.parse().unwrap_or_else(|_| panic!("LONGSHORE_MODEL_{name} cannot be {told}")))
}
