//! One process opens a directory, or none.
//!
//! The lock itself is the disk's affair: a real one locks the file `lock`, and the kernel drops that
//! lock with the process, however it ends.

use std::io;

use crate::{Disk, OpenError, disk::DiskLock};

/// Takes the directory, or says who has it.
pub(crate) fn take(disk: &dyn Disk) -> Result<Box<dyn DiskLock>, OpenError> {
    let directory = disk.describe("");
    disk.lock().map_err(|source| {
        if source.kind() == io::ErrorKind::WouldBlock {
            return OpenError::Locked { directory };
        }
        OpenError::io("lock", directory)(source)
    })
}
