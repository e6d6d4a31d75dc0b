//! What can go wrong, by who must act: the operator (open), the caller (reserve), the disk (read).

use std::{error::Error, io};

use crate::Lsn;

/// Why a store could not be opened. Nothing was deleted or overwritten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process, or this one, has the directory open.
    #[error(
        "{directory} is in use by another process: stop that one, or choose another data directory"
    )]
    Locked {
        /// The directory.
        directory: String,
    },
    /// Data that had been reported durable is not as it was written.
    #[error(
        "{file} is damaged at byte {offset} ({reason}), inside data that had been made durable: keep \
         a copy of the directory, then restore it from a backup; nothing was changed"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where in the file the first bad byte may be.
        offset: u64,
        /// What was found there.
        reason: String,
    },
    /// A file of the log is gone.
    #[error(
        "{file} is missing from the log: put it back, or restore a backup; nothing was changed"
    )]
    Missing {
        /// The file.
        file: String,
    },
    /// The directory was written by a later version of this program.
    #[error(
        "{file} has format {found}, and this version reads formats up to {known}: use a later version"
    )]
    NewerFormat {
        /// The file.
        file: String,
        /// Its format.
        found: u32,
        /// The latest format known here.
        known: u32,
    },
    /// The caller could not make sense of a record.
    #[error("record {lsn} of {file} cannot be replayed")]
    Replay {
        /// The file.
        file: String,
        /// The record.
        lsn: Lsn,
        /// The caller's reason.
        source: ReplayError,
    },
    /// A size that cannot be.
    #[error("a segment of {bytes} bytes is not possible: choose 4 KiB to 1 GiB")]
    SegmentBytes {
        /// The size asked for.
        bytes: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {file}: check that the disk is healthy and the directory is ours")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// The reason.
        source: io::Error,
    },
}

impl OpenError {
    /// Wraps what the operating system said about `file`.
    pub(crate) fn io(
        action: &'static str,
        file: impl Into<String>,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, file: file.into(), source }
    }
}

/// The caller of [`Store::open`](crate::Store::open) cannot make sense of a record.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ReplayError(Box<dyn Error + Send + Sync>);

impl ReplayError {
    /// Wraps the caller's own error, or its words.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

/// Why no room was reserved. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReserveError {
    /// No segment can be allocated: the disk, a quota or the table of open files is full. The log
    /// says which.
    #[error(
        "no room for the next segment: free disk space, or raise the limit of open files; the store goes on by itself"
    )]
    Full,
    /// Too much is waiting to be written, or the next segment is not ready yet.
    #[error("the store is busy: try again, or wait for room")]
    Busy,
    /// A write or a sync failed.
    #[error("the store has failed to write and takes nothing more: check the disk and restart")]
    Poisoned,
    /// The store is closed, or closing.
    #[error("the store is closed")]
    Closed,
    /// No segment holds a record of this size.
    #[error("a record of {bytes} bytes is beyond the limit of {bytes_max}: use larger segments")]
    TooLarge {
        /// The size asked for.
        bytes: u64,
        /// The largest size.
        bytes_max: u64,
    },
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The bytes found are not the body's. It is in quarantine: others are read as before.
    #[error(
        "{file} is damaged at byte {offset} ({reason}): look at the whole store with verify, and at the disk"
    )]
    Damaged {
        /// The file.
        file: String,
        /// Where the body begins.
        offset: u64,
        /// What was found there.
        reason: &'static str,
        /// Whether it is found for the first time since the store was opened.
        is_new: bool,
    },
    /// The operating system refused.
    #[error("cannot read {file} at byte {offset}: check the disk")]
    Io {
        /// The file.
        file: String,
        /// Where the body begins.
        offset: u64,
        /// The reason.
        source: io::Error,
    },
}

/// The store did not come to an orderly end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// A write or a sync failed, now or before: what was not reported durable may be lost.
    #[error("the store has failed to write: what was not reported durable may be lost")]
    Poisoned,
}
