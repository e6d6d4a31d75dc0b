//! The flags: what was typed, with types, grouped as `--help` shows them.
//!
//! Each flag of a role has an environment variable, `LONGSHORE_<FLAG>`; a flag wins over it. A
//! group is written once and used by every role that has it, so that a flag means the same
//! everywhere.

pub mod address;
pub mod data;
pub mod endpoint;
pub mod groups;
pub mod region;
pub mod role;

pub use address::parse_address;
pub use data::DataOptions;
pub use endpoint::EndpointOptions;
pub use groups::{
    BrokerOptions, DrainOptions, HttpOptions, QueueOptions, ReceiveOptions, WorkerOptions,
};
pub use region::broker_region;
pub use role::{
    AppOptions, BrokerRoleOptions, HealthOptions, LogFormat, QueuesApplyOptions, Role, UpOptions,
    WorkerRoleOptions,
};

use std::time::Duration;

use longshore_types::QueueName;
use longshore_types::duration_text::{DurationTextError, parse_duration};
use longshore_types::queue_name::QueueNameError;

/// Reads a flag's duration.
pub fn duration(text: &str) -> Result<Duration, DurationTextError> {
    parse_duration(text)
}

/// Reads a flag's queue name.
pub fn queue_name(text: &str) -> Result<QueueName, QueueNameError> {
    QueueName::parse(text)
}
