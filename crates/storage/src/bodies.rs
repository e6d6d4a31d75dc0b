//! Where a body is: not yet written, in the cache, or only on the disk.
//!
//! A body is held in memory until its record is written; then its location takes its place, and the
//! cache keeps it as long as there is room. Releasing it forgets all three.
//!
//! # Invariants
//!
//! - A read pins the segment's file before it looks, and checks key and checksum of what it finds. If
//!   that is something else because the file was recycled meanwhile, the body has been released.
//! - A released body is never found again, even when its record is written after the release.
//! - A body that is not as it was written is never handed out, and is in quarantine as long as it is wanted.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use foldhash::HashMap;
use rustix::io::Errno;

use crate::{
    BodyKey, ReadError,
    cache::Cache,
    epoch::SegmentNumber,
    index::{Index, Live, Location},
    open_files::OpenFiles,
    quarantine::Quarantine,
    record::{self, BODY_HEADER_BYTES},
    segment::SegmentFile,
};

/// Bytes of a body that is copied from the system's memory by who must not wait.
const AT_HAND_BYTES_MAX: u32 = 64 << 10;

/// What the bodies of a store cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Segment files, spares included.
    pub segments: usize,
    /// Bodies that are written and not released. In memory: all that are not released.
    pub bodies: u64,
    /// Their bytes.
    pub body_bytes: u64,
    /// How many of them are known not to be as they were written.
    pub quarantined: u64,
}

/// All bodies of a store that are still wanted.
#[derive(Debug)]
pub(crate) struct Bodies(Mutex<Known>);

#[derive(Debug)]
struct Known {
    unwritten: HashMap<BodyKey, Bytes>,
    index: Index,
    cache: Cache,
    segments: BTreeMap<SegmentNumber, SegmentFile>,
    files: Option<Arc<OpenFiles>>,
    rotten: Quarantine,
}

impl Known {
    /// A body that is in memory.
    fn held(&self, key: BodyKey) -> Option<Bytes> {
        self.unwritten.get(&key).cloned().or_else(|| self.cache.get(key))
    }

    /// The location of a body, and its segment, which stays readable as long as it is held.
    fn pin(&self, key: BodyKey) -> Option<(SegmentFile, Location)> {
        let location = self.index.get(key)?;
        let segment = self.segments.get(&location.segment)?.clone();
        Some((segment, location))
    }
}

impl Bodies {
    pub(crate) fn new(
        cache_bytes: usize,
        index: Index,
        segments: &[SegmentFile],
        files: Option<Arc<OpenFiles>>,
    ) -> Self {
        let segments = segments.iter().map(|s| (s.number, s.clone())).collect();
        let cache = Cache::new(cache_bytes);
        let (unwritten, rotten) = (HashMap::default(), Quarantine::default());
        Self(Mutex::new(Known { unwritten, index, cache, segments, files, rotten }))
    }

    /// The same, of which these bodies are known not to be as they were written.
    pub(crate) fn with_rotten(self, rotten: Quarantine) -> Self {
        self.known().rotten = rotten;
        self
    }

    /// A panic elsewhere leaves the maps whole: each change of them is a single call.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds bodies whose record is about to be appended.
    pub(crate) fn hold(&self, bodies: &[(BodyKey, Bytes)]) {
        if !bodies.is_empty() {
            self.known().unwritten.extend(bodies.iter().cloned());
        }
    }

    /// Notes where bodies were written. Those released in the meantime stay forgotten.
    pub(crate) fn place(&self, placed: impl Iterator<Item = (BodyKey, Location)>) {
        let mut known = self.known();
        for (key, location) in placed {
            if let Some(body) = known.unwritten.remove(&key) {
                known.index.insert(key, location);
                known.rotten.forget(key);
                known.cache.insert(key, body);
            }
        }
    }

    /// The segments that hold bodies which are still wanted.
    pub(crate) fn live_segments(&self) -> BTreeSet<SegmentNumber> {
        let known = self.known();
        let live = known.index.live().iter().filter(|(_, live)| live.bodies > 0);
        live.map(|(number, _)| *number).collect()
    }

    /// Closes the file of a segment that is no longer written to: it is opened when it is read.
    pub(crate) fn open_later(&self, number: SegmentNumber) {
        let mut known = self.known();
        let Known { segments, files, .. } = &mut *known;
        if let (Some(segment), Some(files)) = (segments.get_mut(&number), files) {
            segment.file = files.later(&number.file_name());
        }
    }

    /// What lives in a segment.
    pub(crate) fn live_in(&self, number: SegmentNumber) -> Live {
        self.known().index.live().get(&number).copied().unwrap_or_default()
    }

    /// A segment's file, as long as it is held.
    pub(crate) fn segment(&self, number: SegmentNumber) -> Option<SegmentFile> {
        self.known().segments.get(&number).cloned()
    }

    /// Where a body is, if it is written and wanted.
    pub(crate) fn place_of(&self, key: BodyKey) -> Option<Location> {
        self.known().index.get(key)
    }

    /// Whether a body is wanted, written or not.
    pub(crate) fn holds(&self, key: BodyKey) -> bool {
        let known = self.known();
        known.index.get(key).is_some() || known.unwritten.contains_key(&key)
    }

    /// Where the bodies behind that key are, or the first bodies, in the order of the keys: at most `count`.
    pub(crate) fn places_after(
        &self,
        key: Option<BodyKey>,
        count: usize,
    ) -> Vec<(BodyKey, Location)> {
        self.known().index.places_after(key, count)
    }

    /// Forgets a segment in which nothing is wanted any more, and hands it over.
    pub(crate) fn retire(&self, number: SegmentNumber) -> Option<SegmentFile> {
        let mut known = self.known();
        known.index.forget_segment(number);
        known.segments.remove(&number)
    }

    /// Makes the bodies of a segment readable from here on.
    pub(crate) fn add_segment(&self, segment: SegmentFile) {
        self.known().segments.insert(segment.number, segment);
    }

    pub(crate) fn cached(&self, key: BodyKey) -> Option<Bytes> {
        self.known().held(key)
    }

    pub(crate) fn release(&self, key: BodyKey) {
        let mut known = self.known();
        known.unwritten.remove(&key);
        known.cache.remove(key);
        known.index.remove(key);
        known.rotten.forget(key);
    }

    /// What the cache holds, as it counts it.
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.known().cache.bytes() as u64
    }

    /// What is on the disk and wanted.
    pub(crate) fn usage(&self) -> Usage {
        let known = self.known();
        let (segments, quarantined) = (known.segments.len(), known.rotten.len() as u64);
        let mut usage = Usage { segments, quarantined, ..Usage::default() };
        for live in known.index.live().values() {
            usage.bodies += u64::from(live.bodies);
            usage.body_bytes += live.bytes;
        }
        usage
    }

    pub(crate) fn read(&self, key: BodyKey) -> Result<Option<Bytes>, ReadError> {
        self.find(key).map_err(|unfound| self.refuse(key, unfound))
    }

    /// A body, if it can be read. One that cannot is not put into quarantine: nobody would be told.
    pub(crate) fn read_if_whole(&self, key: BodyKey) -> Option<Bytes> {
        self.find(key).ok().flatten()
    }

    /// A body that the cache has, or the system, and that is as it was written. Whatever is otherwise with it,
    /// [`Bodies::read`] finds out.
    pub(crate) fn at_hand(&self, key: BodyKey) -> Option<Bytes> {
        let (segment, location) = {
            let known = self.known();
            if let Some(body) = known.held(key) {
                return Some(body);
            }
            known.pin(key).filter(|_| !known.rotten.has(key))?
        };
        if location.len > AT_HAND_BYTES_MAX {
            return None;
        }
        let mut frame = room_for(location);
        if !segment.file.read_at_hand(&mut frame, u64::from(location.offset)) {
            return None;
        }
        // It is in memory as it is: the cache is for what would have to be read.
        body_of(&segment, key, frame).ok()
    }

    fn find(&self, key: BodyKey) -> Result<Option<Bytes>, Unfound> {
        if let Some(body) = self.cached(key) {
            return Ok(Some(body));
        }
        while let Some((segment, location)) = self.pin(key) {
            match read_body(&segment, key, location) {
                Ok(body) => {
                    self.remember(key, &body);
                    return Ok(Some(body));
                }
                Err(wrong) if self.is_at(key, location) => {
                    return Err(Unfound { segment, location, wrong });
                }
                // It was released, or moved on, while it was read.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The location of a body, and its segment, which stays readable as long as it is held.
    fn pin(&self, key: BodyKey) -> Option<(SegmentFile, Location)> {
        self.known().pin(key)
    }

    fn is_at(&self, key: BodyKey, location: Location) -> bool {
        self.known().index.get(key) == Some(location)
    }

    /// Says what is wrong with a body, and has it in quarantine if that is its bytes.
    fn refuse(&self, key: BodyKey, Unfound { segment, location, wrong }: Unfound) -> ReadError {
        let (file, offset) = (segment.path.to_string(), u64::from(location.offset));
        match wrong {
            Wrong::Unread(source) => ReadError::Io { file, offset, source },
            Wrong::Rotten(reason) => {
                let mut known = self.known();
                let is_wanted = known.index.get(key).is_some();
                let is_new = is_wanted && known.rotten.add(key);
                ReadError::Damaged { file, offset, reason, is_new }
            }
        }
    }

    /// Caches a body that was read, unless it was released while it was read.
    fn remember(&self, key: BodyKey, body: &Bytes) {
        let mut known = self.known();
        known.rotten.forget(key);
        if known.index.get(key).is_some() {
            known.cache.insert(key, body.clone());
        }
    }
}

/// A body that was not read where it is.
struct Unfound {
    segment: SegmentFile,
    location: Location,
    wrong: Wrong,
}

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// The disk did not hand it out, and may do so later.
    Unread(io::Error),
    /// It is not as it was written.
    Rotten(&'static str),
}

/// Reads a body where it should be.
pub(crate) fn read_body(
    segment: &SegmentFile,
    key: BodyKey,
    location: Location,
) -> Result<Bytes, Wrong> {
    let mut frame = room_for(location);
    let read = segment.file.read_full_at(&mut frame, u64::from(location.offset));
    frame.truncate(read.map_err(Wrong::from_disk)?);
    body_of(segment, key, frame)
}

/// Room for a body with its header.
fn room_for(location: Location) -> Vec<u8> {
    vec![0; BODY_HEADER_BYTES + location.len as usize]
}

/// The body in what was read, if that is as it was written.
fn body_of(segment: &SegmentFile, key: BodyKey, frame: Vec<u8>) -> Result<Bytes, Wrong> {
    record::check_body(segment.epoch, key, &frame).map_err(Wrong::Rotten)?;
    Ok(Bytes::from(frame).slice(BODY_HEADER_BYTES..))
}

impl Wrong {
    /// A sector that has rotted is one that the disk cannot read any more.
    fn from_disk(error: io::Error) -> Self {
        if error.raw_os_error() == Some(Errno::IO.raw_os_error()) {
            return Self::Rotten("the disk cannot read it");
        }
        Self::Unread(error)
    }
}
