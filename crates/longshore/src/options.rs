//! The flags: what was typed, with types, grouped as `--help` shows them.
//!
//! Each flag of a role has an environment variable, `LONGSHORE_<FLAG>`; a flag wins over it. By
//! that variable it is known to be a setting, which [`crate::config`] takes from a file too. A
//! group is written once and used by every role that has it, so that a flag means the same
//! everywhere.

pub(crate) mod address;
#[cfg(feature = "application")]
pub(crate) mod application;
pub(crate) mod bounds;
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
#[cfg(feature = "application")]
pub(crate) mod task_options;
#[cfg(feature = "application")]
pub(crate) mod traces;

pub(crate) use address::parse_address;
#[cfg(feature = "application")]
pub use application::{QueueOptions, TaskFlags, WorkerOptions};
#[cfg(feature = "application")]
pub(crate) use application::{ReceiveOptions, ResultOptions};
#[cfg(feature = "application")]
pub(crate) use broker::BrokerRoleOptions;
pub use broker::{BrokerHealthOptions, StandaloneOptions};
#[cfg(feature = "application")]
pub(crate) use data::DataOptions;
pub use data::{BackupOptions, DirectoryOptions, SalvageOptions};
#[cfg(feature = "application")]
pub(crate) use endpoint::EndpointOptions;
pub(crate) use groups::{BrokerOptions, DrainOptions};
#[cfg(feature = "application")]
pub(crate) use http::{HttpOptions, PageOptions};
pub(crate) use origin::parse_origin;
pub(crate) use program::LogFormat;
pub use program::ProgramOptions;
pub(crate) use region::broker_region;
#[cfg(feature = "application")]
pub(crate) use role::{
    AppOptions, ConcurrencyChoice, HealthOptions, QueueConcurrencyOptions, QueueOrderOptions,
    QueuesApplyOptions, Role, UpOptions, WorkerRoleOptions,
};
#[cfg(feature = "application")]
pub use task_options::TaskOverride;
#[cfg(feature = "application")]
pub(crate) use traces::TraceOptions;

use std::time::Duration;

use longshore_types::duration_text::{DurationTextError, parse_duration};

/// Reads a flag's duration.
pub fn duration(text: &str) -> Result<Duration, DurationTextError> {
    parse_duration(text)
}
