//! The stores of Longshore in the suite, and wrong stores and wrong rules that it catches; and an
//! application in its world.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

#[cfg(feature = "world")]
mod cancels;
#[cfg(feature = "dynamodb")]
mod dynamodb;
mod faulty;
#[cfg(feature = "world")]
mod faulty_transport;
mod lives;
mod mutants;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "world")]
mod regressions;
#[cfg(feature = "world")]
mod requests;
mod suite;
mod takeover;
#[cfg(feature = "world")]
mod world;
