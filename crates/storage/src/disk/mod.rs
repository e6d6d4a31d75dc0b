//! The few calls that storage makes on a disk, as a trait: a real directory, or one that fails.
//!
//! Calls block. Names are those of files directly inside the one directory of a store.
//!
//! # Invariants
//!
//! - What [`DiskFile::write_at`] wrote survives a kill of the process; a power cut it survives only
//!   after [`DiskFile::sync_data`].
//! - A file that was created, renamed or removed is surely so only after [`Disk::sync_dir`].

#[cfg(feature = "faults")]
mod faulty;
mod real;

use std::{fmt::Debug, io, sync::Arc};

#[cfg(feature = "faults")]
pub use faulty::{FaultyDisk, Operation, PowerCut};
pub use real::RealDisk;
use rustix::io::Errno;

/// One directory.
pub trait Disk: Debug + Send + Sync {
    /// Makes a new, empty file, and fails if there is one of that name.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that exists.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name; a file that has that name already is replaced.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names of all files, in no particular order.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Takes the directory for this process until the guard is dropped. `WouldBlock` if it is taken.
    fn lock(&self) -> io::Result<Box<dyn DiskLock>>;

    /// Keeps the manifest as it is, or says that it is about to change, until the guard is dropped: many may
    /// copy at once, and whoever changes it is alone. `WouldBlock` if that cannot be now. A directory that
    /// one process alone can see needs none of it.
    fn hold(&self, _hold: Hold) -> io::Result<Box<dyn DiskLock>> {
        Ok(Box::new(Unshared))
    }

    /// A random number that nobody else can guess.
    fn random(&self) -> io::Result<u64>;

    /// What to call a file in a message, or the directory itself if `name` is empty.
    fn describe(&self, name: &str) -> String;
}

/// What a manifest is held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// It is copied, with all that it names.
    Copy,
    /// Another takes its place, and some of what it names is given up then.
    Change,
}

/// Of a directory that no other process can see.
#[derive(Debug)]
struct Unshared;

impl DiskLock for Unshared {}

/// A taken directory. Dropping it gives the directory back.
pub trait DiskLock: Debug + Send + Sync {}

/// One open file.
#[expect(clippy::len_without_is_empty, reason = "a segment has a size; emptiness means nothing")]
pub trait DiskFile: Debug + Send + Sync {
    /// Its size in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Reads some bytes at `offset`: fewer than asked for perhaps, none at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Fills `buffer` from `offset` if that waits for no disk, as where the system has those bytes in its memory.
    /// `false`, with whatever in `buffer`, if it would wait, or does not know.
    fn read_at_hand(&self, _buffer: &mut [u8], _offset: u64) -> bool {
        false
    }

    /// Writes some of the bytes at `offset`, at least one.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Takes the disk space for `len` bytes, so that writing them cannot find the disk full. What
    /// was not written reads as zeros. `StorageFull` or `QuotaExceeded` if there is not enough.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes everything written before, and the size, durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Reads until `buffer` is full or the file ends, and says how much was read.
    fn read_full_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buffer.len() {
            match self.read_at(&mut buffer[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Writes all of `bytes`.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while done < bytes.len() {
            match self.write_at(&bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether the disk, a quota or the table of open files is full: a state that passes, not a failure
/// of the disk. (Too many connections may take the last file that this process may open.)
pub(crate) fn is_full(error: &io::Error) -> bool {
    let files = [Errno::MFILE, Errno::NFILE].map(|errno| Some(errno.raw_os_error()));
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        || files.contains(&error.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_full_passes_and_what_fails_does_not() {
        for errno in [Errno::NOSPC, Errno::DQUOT, Errno::MFILE, Errno::NFILE] {
            assert!(is_full(&errno.into()), "{errno}");
        }
        for errno in [Errno::IO, Errno::ROFS, Errno::ACCESS] {
            assert!(!is_full(&errno.into()), "{errno}");
        }
    }
}
