//! The world, as much of it as every run of the tests can afford; `cargo xtask world` plays the rest.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod mutants;
mod on_demand;
mod schedules;
