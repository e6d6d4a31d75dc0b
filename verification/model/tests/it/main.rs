//! Random commands, given to the engine and to the model: everything that can be seen is the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod command;
mod comparison;
mod engine;
mod engine_keeps_to_the_contract;
mod histories;
mod model_agrees_with_recordings;
mod moves;
mod mutant;
mod mutants_are_caught;
mod on_demand;
mod shares;
