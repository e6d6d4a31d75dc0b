//! A directory of the operating system, for its owner's eyes only.
//!
//! Files are made with mode 0600 and the directory with 0700; symbolic links inside it are not
//! followed. The lock is an advisory one on the file `lock`, which the kernel drops with the process.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, FileExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::fs::{self, AtFlags, Dir, FallocateFlags, FlockOperation, Mode, OFlags};
use rustix::io::{ReadWriteFlags, preadv2};
use rustix::rand::{GetRandomFlags, getrandom};

use super::{Disk, DiskFile, DiskLock, Hold};

/// The file that is locked.
const LOCK: &str = "lock";
/// The file that is locked by who copies the directory, and by who changes what counts in it.
const HOLD: &str = "hold";

/// A directory of the operating system.
#[derive(Debug)]
pub struct RealDisk {
    path: PathBuf,
    directory: OwnedFd,
}

impl RealDisk {
    /// Opens the directory at `path`, and makes it (and those above it) if it is not there.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        make_durably(&path)?;
        Self::open_existing(path)
    }

    /// Opens the directory at `path`, which must be there.
    pub fn open_existing(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = fs::open(&path, flags, Mode::empty())?;
        Ok(Self { path, directory })
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(File::from(file))
    }
}

/// Makes a directory and those above it, from the top down. Each outlives a power cut only when the
/// one above it is synced.
fn make_durably(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let above = path.parent().unwrap_or(Path::new(""));
    make_durably(above)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
    File::open(above)?.sync_all()
}

impl Disk for RealDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(self.open_file(name, OFlags::CREATE | OFlags::EXCL)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(self.open_file(name, OFlags::empty())?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.directory, name, AtFlags::empty())?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory)? {
            if let Ok(name) = entry?.file_name().to_str() {
                names.push(name.to_owned());
            }
        }
        names.retain(|name| name != "." && name != "..");
        Ok(names)
    }

    fn sync_dir(&self) -> io::Result<()> {
        Ok(fs::fsync(&self.directory)?)
    }

    fn lock(&self) -> io::Result<Box<dyn DiskLock>> {
        let file = self.open_file(LOCK, OFlags::CREATE)?;
        fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn hold(&self, hold: Hold) -> io::Result<Box<dyn DiskLock>> {
        let file = self.open_file(HOLD, OFlags::CREATE)?;
        let how = match hold {
            Hold::Copy => FlockOperation::NonBlockingLockShared,
            Hold::Change => FlockOperation::NonBlockingLockExclusive,
        };
        fs::flock(file.as_fd(), how)?;
        Ok(Box::new(RealLock { _file: file }))
    }

    fn random(&self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        getrandom(&mut bytes, GetRandomFlags::empty())?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn describe(&self, name: &str) -> String {
        if name.is_empty() {
            return self.path.display().to_string();
        }
        self.path.join(name).display().to_string()
    }
}

/// Holds the file whose lock the kernel drops when it is closed.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn read_at_hand(&self, buffer: &mut [u8], offset: u64) -> bool {
        let len = buffer.len();
        let read = preadv2(&self.0, &mut [IoSliceMut::new(buffer)], offset, ReadWriteFlags::NOWAIT);
        read.is_ok_and(|read| read == len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        match fs::fallocate(&self.0, FallocateFlags::empty(), 0, len) {
            Ok(()) => Ok(()),
            // Some network and user-space file systems cannot: there, only writing takes the space.
            Err(rustix::io::Errno::OPNOTSUPP) => fill(self, len),
            Err(error) => Err(error.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(fs::fdatasync(&self.0)?)
    }
}

/// Takes space by writing zeros beyond what the file holds.
fn fill(file: &RealFile, len: u64) -> io::Result<()> {
    const ZEROS: [u8; 4 << 10] = [0; 4 << 10];
    let mut at = file.len()?;
    while at < len {
        let count = usize::try_from(len - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(&ZEROS[..count], at)?;
        at += count as u64;
    }
    Ok(())
}
