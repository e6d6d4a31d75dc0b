//! The world, as much of it as every run of the tests can afford; `cargo xtask world` plays the rest.

mod mutants;
mod on_demand;
mod regressions;
mod schedules;
