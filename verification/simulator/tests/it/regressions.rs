//! Schedules that found something wrong with the broker, by what it was. A change of what seeds mean (`src/plan.rs`)
//! takes their point from them: the crates that were wrong have tests of their own.

use longshore_simulator::{Mutant, schedule};

#[track_caller]
fn breaks_nothing(seeds: &[u64]) {
    for seed in seeds {
        if let Err(broken) = schedule(*seed, Mutant::None) {
            panic!("{broken}");
        }
    }
}

#[test]
fn a_stop_in_doubt_ends_no_leases_at_the_next_start() {
    breaks_nothing(&[9, 1015, 2005, 3004, 20_047, 30_023, 40_020]);
}

#[test]
fn a_receipt_of_a_message_that_a_power_cut_took_back_is_of_no_later_one() {
    breaks_nothing(&[10_015]);
}
