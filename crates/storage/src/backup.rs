//! A copy of a whole store, made while a broker writes to it.
//!
//! ```text
//! hold ─► manifest ─► segments of bodies ─► segments of the log, up to the active one ─► checkpoint
//!                                         ─► manifest and identity of the copy ─► verify the copy
//! ```
//!
//! The hold keeps the manifest as it is: no checkpoint takes the place of the one that is copied, and so
//! nothing that it needs is given up. The log goes on meanwhile. It is copied in order, up to the segment that was
//! written to at the beginning, and that as far as it is written when it is read: the copy is what a kill at that
//! moment would have left.
//!
//! # Invariants
//!
//! - Nothing of the source is changed.
//! - The copy has all that was written before it was begun, and of what came later a beginning.
//! - A copy that was not finished is no store, and none is made of it: it has segments and no identity.
//! - One segment is in memory at a time.

use crate::{
    Disk, OpenError, Report,
    checkpoint::NAMES as CHECKPOINTS,
    disk::Hold,
    epoch::{Epoch, SegmentNumber},
    identity::{self, Identity},
    manifest::{Manifest, ManifestFile},
    scan,
    segment::{FORMAT_SEALED, SegmentFile},
};

/// How often the end of the log is read anew if it does not check: what is written while it is read may be there
/// in part.
const END_TRIES: u32 = 8;
/// Bytes of a checkpoint that are copied in one go.
const PIECE_BYTES: usize = 1 << 20;

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The source, or the copy, cannot be read or written.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nothing was ever kept there.
    #[error("{directory} holds no store: name the directory of a broker")]
    NoStore {
        /// The directory.
        directory: String,
    },
    /// It is of an early format, and was not opened by this version yet.
    #[error(
        "{directory} has an earlier format: start a broker of this version on it once, or copy it while none runs"
    )]
    EarlierFormat {
        /// The directory.
        directory: String,
    },
    /// There is something in the place of the copy.
    #[error("{directory} is not empty: name a new directory for the copy")]
    NotEmpty {
        /// The directory.
        directory: String,
    },
    /// Somebody changes which files count, just now.
    #[error("{directory} is changing: try again")]
    Changing {
        /// The directory.
        directory: String,
    },
}

/// What is done on the way: somebody is told how many segments are copied, and the copy is verified.
pub trait Watch {
    /// So many segments are copied.
    fn copied(&mut self, segments: usize);

    /// Reads all of the copy, as [`verify`](crate::verify) does.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn verify(&mut self) -> Result<Report, OpenError>;
}

/// Copies the store in `from`, which may be open, into `to`, which must be empty; then has all of the copy read, and
/// answers what it holds. Blocks.
///
/// # Errors
///
/// [`BackupError`]. What is in `to` then is no store, and can be removed.
pub fn backup(
    from: &dyn Disk,
    to: &dyn Disk,
    watch: &mut dyn Watch,
) -> Result<Report, BackupError> {
    let lock = crate::lock::take(to)?;
    check_empty(to)?;
    let directory = || from.describe("");
    let _hold = from.hold(Hold::Copy).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => BackupError::Changing { directory: directory() },
        _ => OpenError::io("hold", directory())(source).into(),
    })?;
    let names = from.list().map_err(OpenError::io("list", directory()))?;
    let found = identity::open(from, &names)?;
    let Identity { format, salt } = found.ok_or(BackupError::NoStore { directory: directory() })?;
    if format < FORMAT_SEALED {
        return Err(BackupError::EarlierFormat { directory: directory() });
    }
    let manifest = ManifestFile::open(from, &names, salt)?.current().clone();
    let mut copy = Copy { from, to, salt, copied: 0, watch };
    for number in &manifest.older {
        copy.segment(*number)?;
    }
    let newest = copy.log(manifest.first)?;
    copy.checkpoint(&manifest)?;
    let manifest = Manifest { newest: newest.or(manifest.newest), ..manifest };
    drop(ManifestFile::create(to, &[], salt, manifest)?);
    identity::write(to, &[], salt)?;
    drop(lock);
    copy.check(newest)
}

/// The lock's file alone is nothing.
fn check_empty(to: &dyn Disk) -> Result<(), BackupError> {
    let names = to.list().map_err(OpenError::io("list", to.describe("")))?;
    if names.iter().all(|name| name == "lock") {
        return Ok(());
    }
    Err(BackupError::NotEmpty { directory: to.describe("") })
}

struct Copy<'a> {
    from: &'a dyn Disk,
    to: &'a dyn Disk,
    salt: u64,
    copied: usize,
    watch: &'a mut dyn Watch,
}

impl Copy<'_> {
    fn checkpoint(&self, manifest: &Manifest) -> Result<(), OpenError> {
        let Some(place) = &manifest.checkpoint else { return Ok(()) };
        let name = CHECKPOINTS[place.slot % 2];
        let source =
            self.from.open(name).map_err(OpenError::io("open", self.from.describe(name)))?;
        let failed = |action| OpenError::io(action, self.to.describe(name));
        let copy = self.to.create(name).map_err(failed("create"))?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut at = 0;
        while at < place.len {
            let len = usize::try_from(place.len - at).unwrap_or(usize::MAX).min(PIECE_BYTES);
            let read = source.read_full_at(&mut piece[..len], at);
            let read = read.map_err(OpenError::io("read", self.from.describe(name)))?;
            copy.write_all_at(&piece[..read], at).map_err(failed("write"))?;
            if read < len {
                break;
            }
            at += len as u64;
        }
        copy.sync_data().map_err(failed("sync"))
    }

    /// Copies the segments from `first` to the one that is written to now, and says which that is. None, if there
    /// is not one.
    fn log(&mut self, first: SegmentNumber) -> Result<Option<SegmentNumber>, OpenError> {
        let Some(newest) = self.newest(first)? else { return Ok(None) };
        let mut number = first;
        while number < newest {
            self.left(number)?;
            number = number.next();
        }
        self.segment(newest)?;
        self.unseal(newest)?;
        Ok(Some(newest))
    }

    /// The last segment that has a header.
    fn newest(&self, first: SegmentNumber) -> Result<Option<SegmentNumber>, OpenError> {
        let names = self.from.list().map_err(OpenError::io("list", self.from.describe("")))?;
        let numbers = names.iter().filter_map(|name| SegmentNumber::parse(name));
        let mut numbers: Vec<_> = numbers.filter(|number| *number >= first).collect();
        numbers.sort_unstable();
        for number in numbers.into_iter().rev() {
            if segment(self.from, self.salt, number)?.header()?.is_some() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Copies a segment that the log has left. It is looked at again if it is not sealed: that may happen just now.
    fn left(&mut self, number: SegmentNumber) -> Result<(), OpenError> {
        for _ in 0..END_TRIES {
            self.segment(number)?;
            if scan::is_left(&segment(self.to, self.salt, number)?)?.1 {
                return Ok(());
            }
        }
        let segment = segment(self.from, self.salt, number)?;
        Err(scan::damaged(&segment, 0, "it cannot be read to its end, and the log goes on"))
    }

    /// Takes the seal off the copy's last segment, which the log may have left meanwhile: there is no next one.
    fn unseal(&self, number: SegmentNumber) -> Result<(), OpenError> {
        let segment = segment(self.to, self.salt, number)?;
        let (offset, true) = scan::is_left(&segment)? else { return Ok(()) };
        let rest = usize::try_from(segment.len()?.saturating_sub(offset)).unwrap_or(0);
        let cut = segment.file.write_all_at(&vec![0; rest], offset);
        cut.and_then(|()| segment.file.sync_data()).map_err(OpenError::io("write", &*segment.path))
    }

    fn segment(&mut self, number: SegmentNumber) -> Result<(), OpenError> {
        let bytes = segment(self.from, self.salt, number)?.load()?;
        let name = number.file_name();
        let failed = |action| OpenError::io(action, self.to.describe(&name));
        let copy = match self.to.open(&name) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.to.create(&name),
            there => there,
        };
        let copy = copy.map_err(failed("create"))?;
        copy.write_all_at(&bytes, 0).map_err(failed("write"))?;
        copy.sync_data().map_err(failed("sync"))?;
        self.copied += 1;
        self.watch.copied(self.copied);
        Ok(())
    }

    /// Reads all of the copy. What does not check at the open end may have been written while it was read.
    fn check(&mut self, newest: Option<SegmentNumber>) -> Result<Report, BackupError> {
        let mut tries = 1;
        loop {
            let mut report = self.watch.verify()?;
            let Some(damage) = report.damage.take() else { return Ok(report) };
            let end = newest.filter(|number| damage.is_in(&self.to.describe(&number.file_name())));
            let Some(end) = end.filter(|_| tries < END_TRIES) else { return Err(damage.into()) };
            self.segment(end)?;
            self.unseal(end)?;
            tries += 1;
        }
    }
}

fn segment(disk: &dyn Disk, salt: u64, number: SegmentNumber) -> Result<SegmentFile, OpenError> {
    let name = number.file_name();
    let path = disk.describe(&name);
    let file = disk.open(&name).map_err(OpenError::io("open", &path))?;
    Ok(SegmentFile { number, file, epoch: Epoch::new(salt, number), path: path.into() })
}
