//! Stores and rules that are wrong in known ways: the suite, or the lives, notice each.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is wrong is named, and the rest is right"
)]

mod rules;
mod stores;
mod wrong_store;
