//! The comparison itself.
//!
//! `PROPTEST_CASES` sets the number of cases. A failing case is shrunk and printed, and its seed
//! is kept beside the tests, so that the next run begins with it.

use proptest::prelude::*;

use crate::command::{fifo_cases, standard_cases};
use crate::comparison::compare;
use crate::mutant::Mutant;

/// Cases of a run that is told no other number.
const CASES: u32 = 4000;

fn config() -> ProptestConfig {
    let told = std::env::var("PROPTEST_CASES").ok();
    let cases = told.and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn standard_queues_answer_as_the_model_does_and_a_replay_makes_the_same_queues(
        case in standard_cases()
    ) {
        compare(&case, Mutant::None)?;
    }

    #[test]
    fn fifo_queues_answer_as_the_model_does_and_a_replay_makes_the_same_queues(
        case in fifo_cases()
    ) {
        compare(&case, Mutant::None)?;
    }
}
