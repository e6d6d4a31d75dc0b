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
//! - Nothing of the source is changed, but that it has the file `hold` then.
//! - The copy has all that was written before it was begun, and of what came later a beginning.
//! - A copy that was not finished is no store, and none is made of it: it has segments and no identity. Nor is one
//!   that turned out to be damaged.
//! - One segment is in memory at a time.

use std::io::ErrorKind;
use std::slice;
use std::time::Duration;

use crate::{
    Disk, Lsn, OpenError, Report,
    batch::BatchHeader,
    checkpoint::NAMES as CHECKPOINTS,
    disk::{DiskLock, Hold},
    epoch::{Epoch, SegmentNumber},
    identity::{self, Identity},
    manifest::{Manifest, ManifestFile},
    scan,
    segment::{FORMAT_SEALED, SegmentFile},
    tail,
};

/// How often something is looked at again that a broker may be changing just now, and how long after the last look.
const TRIES: u32 = 40;
const AGAIN_AFTER: Duration = Duration::from_millis(25);
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

    /// Reads all of the copy, as [`verify`](fn@crate::verify) does.
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
    let names = from.list().map_err(OpenError::io("list", directory()))?;
    let found = identity::open(from, &names)?;
    let Identity { format, salt } = found.ok_or(BackupError::NoStore { directory: directory() })?;
    if format < FORMAT_SEALED {
        return Err(BackupError::EarlierFormat { directory: directory() });
    }
    let _hold = hold(from)?;
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
    let mut report = copy.watch.verify()?;
    match report.damage.take() {
        None => Ok(report),
        Some(damage) => {
            identity::remove(to)?;
            Err(damage.into())
        }
    }
}

/// Keeps the manifest as it is. Where nothing can be written nobody changes it.
fn hold(from: &dyn Disk) -> Result<Option<Box<dyn DiskLock>>, BackupError> {
    for _ in 0..TRIES {
        match from.hold(Hold::Copy) {
            Ok(hold) => return Ok(Some(hold)),
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => return Ok(None),
            Err(error) if error.kind() == ErrorKind::WouldBlock => pause(),
            Err(error) => return Err(OpenError::io("hold", from.describe(""))(error).into()),
        }
    }
    Err(BackupError::Changing { directory: from.describe("") })
}

#[expect(clippy::disallowed_methods, reason = "whoever makes a copy waits for nothing else")]
fn pause() {
    std::thread::sleep(AGAIN_AFTER);
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
            self.left(number, newest)?;
            number = number.next();
        }
        self.end(newest)?;
        Ok(Some(newest))
    }

    /// The last segment that has a header.
    fn newest(&self, first: SegmentNumber) -> Result<Option<SegmentNumber>, OpenError> {
        let names = self.from.list().map_err(OpenError::io("list", self.from.describe("")))?;
        let numbers = names.iter().filter_map(|name| SegmentNumber::parse(name));
        let mut numbers: Vec<_> = numbers.filter(|number| *number >= first).collect();
        numbers.sort_unstable();
        for number in numbers.into_iter().rev() {
            let opened = segment(self.from, self.salt, number);
            // A spare may be gone again by now.
            if !opened.as_ref().is_err_and(is_gone) && opened?.header()?.is_some() {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Copies a segment that the log has left for the next. It is looked at again if it is not sealed: that may
    /// happen just now. Where the next is the newest, and has no batch, the start after a kill seals it.
    fn left(&mut self, number: SegmentNumber, newest: SegmentNumber) -> Result<(), OpenError> {
        for _ in 0..TRIES {
            self.segment(number)?;
            if self.ending(number)?.is_some_and(|ending| ending.sealed || ending.is_early) {
                return Ok(());
            }
            let next = segment(self.from, self.salt, number.next())?;
            let is_begun = scan::ending(&next)?.is_some_and(|ending| ending.has_batches);
            if number.next() == newest && !is_begun {
                return Ok(());
            }
            pause();
        }
        let segment = segment(self.from, self.salt, number)?;
        Err(scan::damaged(&segment, 0, "it cannot be read to its end, and the log goes on"))
    }

    /// Copies the segment that is written to. What is written while it is read may be there in part, and is read
    /// again.
    fn end(&mut self, number: SegmentNumber) -> Result<(), OpenError> {
        for _ in 0..TRIES {
            self.segment(number)?;
            self.unseal(number)?;
            if self.is_whole(number)? {
                break;
            }
            pause();
        }
        // What is wrong all the time is found by who reads all of the copy.
        Ok(())
    }

    /// Takes the seal off the copy's last segment, which the log may have left meanwhile: there is no next one. A batch
    /// takes its place that vouches for the same.
    fn unseal(&self, number: SegmentNumber) -> Result<(), OpenError> {
        let Some(ending) = self.ending(number)?.filter(|ending| ending.sealed) else {
            return Ok(());
        };
        let segment = segment(self.to, self.salt, number)?;
        let batch = BatchHeader::empty(ending.at, false).encode(segment.epoch);
        let written = segment.file.write_all_at(&batch, ending.offset);
        let written = written.and_then(|()| segment.file.sync_data());
        written.map_err(OpenError::io("write", &*segment.path))
    }

    /// Whether the copy's last segment is as a kill could leave it, with no body that has rotted.
    fn is_whole(&self, number: SegmentNumber) -> Result<bool, OpenError> {
        let segment = segment(self.to, self.salt, number)?;
        let alone = Manifest {
            durable: Lsn::ZERO,
            newest: Some(number),
            first: number,
            older: Vec::new(),
            checkpoint: None,
        };
        let mut rotten = false;
        let segments = slice::from_ref(&segment);
        let end = scan::walk(self.to, &alone, segments, &mut |_, _, record| {
            rotten |= record.bodies.iter().any(|(body, _)| body.is_rotten);
            Ok(())
        });
        match end.and_then(|end| tail::judge(segments, &end).map(drop)) {
            Ok(()) => Ok(!rotten),
            Err(OpenError::Damaged { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    fn ending(&self, number: SegmentNumber) -> Result<Option<scan::Ending>, OpenError> {
        scan::ending(&segment(self.to, self.salt, number)?)
    }

    fn segment(&mut self, number: SegmentNumber) -> Result<(), OpenError> {
        let bytes = segment(self.from, self.salt, number)?.load()?;
        let name = number.file_name();
        let failed = |action| OpenError::io(action, self.to.describe(&name));
        let copy = match self.to.open(&name) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.to.create(&name),
            there => there,
        };
        let copy = copy.map_err(failed("create"))?;
        copy.write_all_at(&bytes, 0).map_err(failed("write"))?;
        copy.sync_data().map_err(failed("sync"))?;
        self.copied += 1;
        self.watch.copied(self.copied);
        Ok(())
    }
}

fn is_gone(error: &OpenError) -> bool {
    matches!(error, OpenError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
}

fn segment(disk: &dyn Disk, salt: u64, number: SegmentNumber) -> Result<SegmentFile, OpenError> {
    let name = number.file_name();
    let path = disk.describe(&name);
    let file = disk.open(&name).map_err(OpenError::io("open", &path))?;
    Ok(SegmentFile { number, file, epoch: Epoch::new(salt, number), path: path.into() })
}
