//! A durable broker that speaks SQS: embeddable, and served over HTTP.
//!
//! ```text
//! HTTP ─► wire decodes ─► operation ─► core: engine decides ─► log ─► engine applies
//!                                        │
//! HTTP ◄─ wire encodes ◄─────────────── answer, once all that it depends on is durable
//! ```
//!
//! This is where `wire`, `engine` and `storage` meet, which do not know one another.
//!
//! # Reading order
//!
//! `broker` (what a user calls) → `operation` (a file per SQS action) → `core` (append, apply, wait,
//! wake) → `driver` (the lock, the clock, the threads) → `server` (HTTP). `journal` and `content`
//! are what is written; `receipt` and `queue_url` what is handed out; `attribute` what a queue is
//! set to. `access` says whose a key is, `policy` who may do what, and `metrics` is what is counted.
//!
//! # Invariants
//!
//! - Every answer waits until the log is durable up to what it says.
//! - One place reads the clock and one makes random bytes; both are passed in.

mod access;
mod attribute;
mod backup;
mod bind;
mod blocking;
mod bounds;
mod bounds_met;
mod broker;
mod caller;
mod checkpointer;
pub mod clock;
mod clock_watch;
mod content;
mod core;
mod dead_letters;
mod driver;
mod founding;
mod journal;
mod listening;
mod log;
mod metrics;
mod operation;
mod options;
pub mod policy;
mod quarantine;
mod queue_url;
pub mod random;
mod receipt;
mod runtime;
mod salvage;
mod server;
#[cfg(feature = "simulation")]
pub mod simulated;
mod stray;
mod verify;

pub use access::{AccessKey, AccessKeyError, Identity, KeyFileError, KeyRing};
pub use backup::{BackedUp, backup};
pub use bind::bind;
pub use broker::Broker;
pub use caller::{Caller, Place, Rights};
pub use listening::Listening;
pub use longshore_storage::{Options as StoreOptions, SyncMode};
pub use longshore_wire::signature::SecretKey;
pub use operation::Serve;
pub use options::{BrokerOptions, OpenError};
pub use salvage::{Salvaged, Step as SalvageStep, salvage};
pub use server::{
    AllowedHost, AllowedHostError, ServeError, ServerOptions, TrustedProxy, TrustedProxyError,
    serve, serve_metrics,
};
pub use verify::{Verified, verify};
