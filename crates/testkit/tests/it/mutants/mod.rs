//! Stores and rules that are wrong in known ways: the suite, or the lives, notice each.

mod rules;
mod stores;
mod wrong_store;
