//! What `cargo xtask simulate` starts: as many schedules as it is told, from the seed that it is told.
//!
//! It is a test that is left out unless it is asked for. `LONGSHORE_SIMULATE_SEED` (a fresh one, if not set),
//! `…_SCHEDULES`, `…_SCHEDULE` (the one of that seed instead) and `…_MUTANT` tell it what to do.

use std::env;
use std::fmt::Debug;
use std::str::FromStr;

use longshore_broker::random::SystemRandom;
use longshore_simulator::{Mutant, schedules};
use longshore_types::RandomSource as _;

/// Schedules, unless it is told how many.
const SCHEDULES: u64 = 20_000;

/// How often a run says how far it is.
const STEPS: u64 = 20;

#[test]
#[ignore = "runs for as long as one likes: cargo xtask simulate"]
fn as_many_schedules_as_are_asked_for_break_no_invariant() {
    let mutant = told::<String>("MUTANT").map_or(Mutant::None, |name| mutant(&name));
    let (first, count) = match told("SCHEDULE") {
        Some(seed) => (seed, 1),
        None => (
            told("SEED").unwrap_or_else(|| SystemRandom.next() >> 16),
            told("SCHEDULES").unwrap_or(SCHEDULES),
        ),
    };
    eprintln!("{count} schedules from seed {first} on");
    let step = (count / STEPS).max(1);
    let tell = |done: u64| {
        if done.is_multiple_of(step) {
            eprintln!("{done} of {count} broke nothing");
        }
    };
    match schedules(first, count, mutant, tell) {
        Ok(seen) => eprintln!("{seen}"),
        Err(broken) => panic!("{broken}"),
    }
}

fn mutant(name: &str) -> Mutant {
    Mutant::named(name).unwrap_or_else(|| panic!("no mutant {name}: there are {:?}", Mutant::WRONG))
}

fn told<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let told = env::var(format!("LONGSHORE_SIMULATE_{name}")).ok()?;
    Some(told.parse().unwrap_or_else(|_| panic!("LONGSHORE_SIMULATE_{name} cannot be {told}")))
}
