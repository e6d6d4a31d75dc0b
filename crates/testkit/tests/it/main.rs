//! The stores of Longshore in the suite, and wrong stores and wrong rules that it catches.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod lives;
mod mutants;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod suite;
mod takeover;
