//! Schedules that found something wrong with the runtime, by what it was. A change of what seeds mean
//! (`src/plan.rs`) takes their point from them: then look for others.

use longshore_world::{Mutant, hush_scripted_panics, schedule};

#[track_caller]
fn breaks_nothing(seeds: &[u64]) {
    hush_scripted_panics();
    for seed in seeds {
        if let Err(broken) = schedule(*seed, Mutant::None) {
            panic!("{broken}");
        }
    }
}

#[test]
fn a_task_of_a_stranger_keeps_its_key_when_it_is_sent_anew() {
    breaks_nothing(&[60_735, 73_791, 302_860, 401_682]);
}

#[test]
fn a_task_without_a_record_ends_though_its_receives_are_used_up_behind_others_of_its_group() {
    breaks_nothing(&[116_153]);
}

#[test]
fn a_lease_outlives_a_store_that_hangs_and_a_throttled_delete_does_not_outlive_its_lease() {
    breaks_nothing(&[294, 7341, 10_068, 9864, 48, 5003, 10_042]);
}
