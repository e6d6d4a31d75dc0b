//! Makes records durable and brings them back.
//!
//! A [`Store`] is one append-only log in one directory, cut into segments. A caller reserves room
//! ([`Store::reserve`]), appends a [`Record`] (events, and the bodies they speak of), and learns by
//! [`Progress`] when the record is written and when it is durable. One thread writes: all that is
//! appended while a sync is under way shares the next one. [`Store::open`] replays every record in
//! order. What the events mean is the caller's affair: nothing here knows SQS.
//!
//! ```text
//! reserve ─► append ─► pending ─► writer: one batch, one write, one sync ─► Progress
//!    ▲                                │
//!  space ◄── allocator: the next segments, ready before they are needed
//! ```
//!
//! # Reading order
//!
//! `store` (what is promised), `on_disk` → `record`, `batch`, `segment` (the format, drawn) → `log` (what is
//! written where) → `writer` (group commit) → `allocator` and `space` (disk full) → `manifest` and
//! `checkpoint` (where replaying begins, and what is given up) → `moving` → `recovery` (opening after a crash) →
//! `bodies` (where a body is) → `rot` and `quarantine` (one that is not as it was written). `docs/storage.md` tells the same story.
//!
//! # Invariants
//!
//! - Records come back in the order of their [`Lsn`]s, without a gap: a prefix of what was appended
//!   that holds at least everything reported durable.
//! - A failed write or sync poisons the store: nothing is written, and nothing called durable, after it.
//! - Damage to durable data is an error that names file and offset. Nothing is deleted because of it.
//!   Where nothing but a body is damaged, that body alone is refused ([`Quarantined`]).
//! - Only the allocation of a segment can find the disk full, and it happens before it is needed.
#![forbid(unsafe_code)]

mod activity;
mod allocator;
mod backup;
mod batch;
mod bodies;
mod cache;
mod checkpoint;
pub mod disk;
mod epoch;
mod error;
mod hands;
mod identity;
mod index;
mod lock;
mod log;
mod lsn;
mod manifest;
mod memory;
mod moving;
mod on_disk;
mod open_files;
mod options;
mod pace;
mod progress;
mod quarantine;
mod record;
mod recovery;
mod reservation;
mod rot;
mod salvage;
mod scan;
mod segment;
mod shared;
mod space;
#[cfg(feature = "faults")]
mod stepped;
mod store;
mod tail;
mod verify;
mod writer;

pub use activity::Activity;
pub use backup::{BackupError, Watch, backup};
pub use bodies::Usage;
pub use checkpoint::{Checkpoint, CheckpointError, Published};
pub use disk::Disk;
pub use error::{CloseError, OpenError, ReadError, ReplayError, ReserveError};
pub use lsn::{BodyKey, Lsn};
pub use options::{Options, SyncMode};
pub use progress::Progress;
pub use quarantine::Quarantined;
pub use record::Record;
pub use recovery::{Rebuild, Recovered, Replay, TornTail};
pub use reservation::{Purpose, Reservation};
pub use salvage::{Salvaged, salvage};
pub use store::Store;
pub use verify::{Report, verify};
