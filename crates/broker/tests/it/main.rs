//! The broker as its users meet it: in process, and over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attributes;
mod bounds;
mod fifo;
mod floods;
mod http;
mod http_query;
mod metrics;
mod move_tasks;
mod permissions;
mod policy;
mod restart;
mod rot;
mod salvage;
mod signatures;
mod space;
mod support;
mod timers;
mod windows;
