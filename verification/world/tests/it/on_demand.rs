//! What `cargo xtask world` starts: as many schedules as it is told, from the seed that it is told.
//!
//! It is a test that is left out unless it is asked for. `LONGSHORE_WORLD_SEED` (a fresh one, if not set),
//! `…_SCHEDULES`, `…_SCHEDULE` (the one of that seed instead) and `…_MUTANT` tell it what to do.

use std::env;
use std::fmt::Debug;
use std::str::FromStr;

use longshore_tasks::{RandomSource as _, SystemRandom};
use longshore_world::{Mutant, hush_scripted_panics, schedules};

/// Schedules, unless it is told how many.
const SCHEDULES: u64 = 100_000;

/// How often a run says how far it is.
const STEPS: u64 = 20;

#[test]
#[ignore = "runs for as long as one likes: cargo xtask world"]
fn as_many_schedules_as_are_asked_for_break_no_invariant() {
    hush_scripted_panics();
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
        Ok(seen) => eprintln!("{seen:#?}"),
        Err(broken) => panic!("{broken}"),
    }
}

fn mutant(name: &str) -> Mutant {
    Mutant::named(name).unwrap_or_else(|| panic!("no mutant {name}: there are {:?}", Mutant::WRONG))
}

fn told<T: FromStr<Err: Debug>>(name: &str) -> Option<T> {
    let told = env::var(format!("LONGSHORE_WORLD_{name}")).ok()?;
    Some(told.parse().unwrap_or_else(|_| panic!("LONGSHORE_WORLD_{name} cannot be {told}")))
}
