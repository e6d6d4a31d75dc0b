//! Some schedules, in every run of the tests.

use longshore_world::{Mutant, hush_scripted_panics, schedule, schedules};

/// Schedules of a run.
const SCHEDULES: u64 = 1000;

#[test]
fn no_schedule_breaks_an_invariant() {
    hush_scripted_panics();
    let seen =
        schedules(0, SCHEDULES, Mutant::None, |_| ()).unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(seen.schedules, SCHEDULES);
    let counts = [seen.completed, seen.failed, seen.kills, seen.drains, seen.answered];
    assert!(
        counts.iter().all(|&count| count > SCHEDULES / 10),
        "too little came to pass: {seen:?}"
    );
    let seldom =
        [seen.strangers, seen.batches, seen.cancelled, seen.redriven, seen.pauses, seen.hangs];
    assert!(
        seldom.iter().all(|&count| count > SCHEDULES / 50),
        "too little came to pass: {seen:?}"
    );
    assert!(seen.faults > SCHEDULES && seen.worn_out < seen.tasks / 20, "{seen:?}");
}

#[test]
fn a_seed_plays_the_same_schedule_again() {
    hush_scripted_panics();
    for seed in 0..40 {
        let played = schedule(seed, Mutant::None).unwrap_or_else(|broken| panic!("{broken}"));
        let again = schedule(seed, Mutant::None).unwrap();
        assert_eq!(played, again, "seed {seed}");
    }
}
