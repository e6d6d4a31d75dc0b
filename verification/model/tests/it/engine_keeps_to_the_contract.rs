//! The comparison itself.
//!
//! `PROPTEST_CASES` sets the number of cases. A failing case is shrunk and printed, and its seed
//! is kept beside the tests, so that the next run begins with it.

use proptest::prelude::*;

use crate::command::cases;
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
    fn the_engine_answers_as_the_model_does_and_a_replay_makes_the_same_queues(case in cases()) {
        compare(&case, Mutant::None)?;
    }
}
