//! Some schedules, in every run of the tests.

use longshore_simulator::{Mutant, schedule, schedules};

/// Schedules of a run.
const SCHEDULES: u64 = 100;

#[test]
fn no_schedule_breaks_an_invariant() {
    let seen =
        schedules(0, SCHEDULES, Mutant::None, |_| ()).unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(seen.schedules, SCHEDULES);
    let often = [seen.kills, seen.power_cuts, seen.at_a_call, seen.checkpoints, seen.replays];
    assert!(often.iter().all(|&count| count > SCHEDULES / 4), "too little came to pass:\n{seen}");
    let seldom =
        [seen.in_opening, seen.failed_syncs, seen.full, seen.jumps, seen.rotten, seen.named];
    assert!(seldom.iter().all(|&count| count > SCHEDULES / 50), "too little came to pass:\n{seen}");
}

#[test]
fn a_schedule_that_is_played_again_goes_the_same_way() {
    for seed in 0..20 {
        let play = || schedule(seed, Mutant::None).unwrap_or_else(|broken| panic!("{broken}"));
        assert_eq!(play(), play(), "seed {seed}");
    }
}
