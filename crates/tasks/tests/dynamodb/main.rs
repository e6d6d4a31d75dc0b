//! The store in `DynamoDB`: what is its own, beside the suite of all stores. `table` needs a server,
//! `DynamoDB` Local or another, which `LONGSHORE_TEST_DYNAMODB` names; `scripted` brings its own.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod scripted;
mod table;
