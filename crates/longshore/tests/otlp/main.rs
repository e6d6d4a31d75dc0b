//! The spans of real processes, as the collector sees them that they are exported to.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod collector;
mod endpoints;
mod program;
mod traces;
mod x_ray;
