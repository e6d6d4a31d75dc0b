//! The simulator, as much of it as every run of the tests can afford; `cargo xtask simulate` plays the rest.

mod mutants;
mod on_demand;
mod regressions;
mod schedules;
