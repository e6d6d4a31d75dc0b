//! The invariants have teeth: each way to be wrong is found out.

use longshore_simulator::{Mutant, schedules};

/// Schedules that are played before a mutant counts as not caught. Most are caught within a few.
const SCHEDULES: u64 = 150;

#[test]
fn every_mutant_is_caught() {
    let caught = |mutant: &Mutant| match schedules(0, SCHEDULES, *mutant, |_| ()) {
        Ok(_) => false,
        Err(broken) => {
            println!("{mutant:?}: seed {}: {}", broken.seed, broken.why);
            true
        }
    };
    let free: Vec<_> = Mutant::WRONG.into_iter().filter(|mutant| !caught(mutant)).collect();
    assert!(free.is_empty(), "not caught in {SCHEDULES} schedules: {free:?}");
}

#[test]
fn a_broken_schedule_is_told_with_its_seed_and_the_command_that_plays_it_again() {
    let broken = schedules(0, SCHEDULES, Mutant::ForgetsToWake, |_| ()).unwrap_err();
    let told = broken.to_string();
    let command =
        format!("again: cargo xtask simulate --schedule {} --mutant ForgetsToWake", broken.seed);
    assert!(
        told.ends_with(&command) && told.contains("BROKEN") && told.contains(&broken.why),
        "{told}"
    );
    assert_eq!(Mutant::named("ForgetsToWake"), Some(Mutant::ForgetsToWake));
}
