//! The flags: what was typed, with types, grouped as `--help` shows them.
//!
//! Each flag of a role has an environment variable, `LONGSHORE_<FLAG>`; a flag wins over it. By
//! that variable it is known to be a setting, which [`crate::config`] takes from a file too. A
//! group is written once and used by every role that has it, so that a flag means the same
//! everywhere.

pub(crate) mod address;
pub(crate) mod broker;
pub(crate) mod data;
#[cfg(feature = "application")]
pub(crate) mod endpoint;
pub(crate) mod groups;
#[cfg(feature = "application")]
pub(crate) mod http;
pub(crate) mod origin;
mod program;
pub(crate) mod region;
#[cfg(feature = "application")]
pub(crate) mod role;

pub use address::parse_address;
#[cfg(feature = "application")]
pub use broker::BrokerRoleOptions;
pub use broker::{BrokerHealthOptions, RegionOptions, StandaloneOptions};
#[cfg(feature = "application")]
pub use data::DataOptions;
pub use data::DirectoryOptions;
#[cfg(feature = "application")]
pub use endpoint::EndpointOptions;
pub use groups::{
    BrokerOptions, DrainOptions, QueueOptions, ReceiveOptions, ResultOptions, WorkerOptions,
};
#[cfg(feature = "application")]
pub use http::HttpOptions;
pub use origin::parse_origin;
pub use program::{LogFormat, ProgramOptions};
pub use region::broker_region;
#[cfg(feature = "application")]
pub use role::{AppOptions, HealthOptions, QueuesApplyOptions, Role, UpOptions, WorkerRoleOptions};

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
