//! The comparison has teeth: each way to be wrong is found out.

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::command::{Case, fifo_cases, standard_cases};
use crate::comparison::compare;
use crate::mutant::Mutant;

/// Cases that are tried before a mutant counts as not caught. All are caught much earlier.
const CASES: u32 = 500;

/// Whether any of the cases shows a difference. The cases are the same in every run.
fn is_caught(mutant: Mutant, cases: impl Strategy<Value = Case>) -> bool {
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(&cases, |case| compare(&case, mutant)).is_err()
}

#[test]
fn what_is_not_wrong_is_not_caught() {
    assert!(!is_caught(Mutant::None, standard_cases()));
    assert!(!is_caught(Mutant::None, fifo_cases()));
}

#[test]
fn every_mutant_of_standard_queues_is_caught() {
    for mutant in Mutant::WRONG {
        assert!(is_caught(mutant, standard_cases()), "{mutant:?} was not caught in {CASES} cases");
    }
}

#[test]
fn every_mutant_of_fifo_queues_is_caught() {
    for mutant in Mutant::WRONG_FIFO {
        assert!(is_caught(mutant, fifo_cases()), "{mutant:?} was not caught in {CASES} cases");
    }
}
