//! The stores on servers, and what becomes of calls when a server is silent, gone, or back.
//!
//! `longshore-testkit` has the suite that every store must pass; here is what only these have. Tests
//! that need a server take it from `LONGSHORE_TEST_POSTGRES` or `LONGSHORE_TEST_REDIS`, a URL, and say
//! that they are skipped where that is not set.
#![cfg_attr(
    any(feature = "postgres", feature = "redis"),
    expect(clippy::unwrap_used, reason = "a test that fails should say where")
)]

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod proxy;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod rows;
