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

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use crate::{
    BodyKey, ReadError,
    cache::Cache,
    epoch::SegmentNumber,
    index::{Index, Live, Location},
    open_files::OpenFiles,
    record::{self, BODY_HEADER_BYTES},
    segment::SegmentFile,
};

/// What the bodies of a store cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Segment files, spares included.
    pub segments: usize,
    /// Bodies that are written and not released. In memory: all that are not released.
    pub bodies: u64,
    /// Their bytes.
    pub body_bytes: u64,
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
        Self(Mutex::new(Known { unwritten: HashMap::new(), index, cache, segments, files }))
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
        let known = self.known();
        known.unwritten.get(&key).cloned().or_else(|| known.cache.get(key))
    }

    pub(crate) fn release(&self, key: BodyKey) {
        let mut known = self.known();
        known.unwritten.remove(&key);
        known.cache.remove(key);
        known.index.remove(key);
    }

    /// What the cache holds, as it counts it.
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.known().cache.bytes() as u64
    }

    /// What is on the disk and wanted.
    pub(crate) fn usage(&self) -> Usage {
        let known = self.known();
        let mut usage = Usage { segments: known.segments.len(), ..Usage::default() };
        for live in known.index.live().values() {
            usage.bodies += u64::from(live.bodies);
            usage.body_bytes += live.bytes;
        }
        usage
    }

    pub(crate) fn read(&self, key: BodyKey) -> Result<Option<Bytes>, ReadError> {
        if let Some(body) = self.cached(key) {
            return Ok(Some(body));
        }
        while let Some((segment, location)) = self.pin(key) {
            match read_body(&segment, key, location) {
                Ok(body) => {
                    self.remember(key, &body);
                    return Ok(Some(body));
                }
                Err(error) if self.is_at(key, location) => return Err(error),
                // It was released, or moved on, while it was read.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The location of a body, and its segment, which stays readable as long as it is held.
    fn pin(&self, key: BodyKey) -> Option<(SegmentFile, Location)> {
        let known = self.known();
        let location = known.index.get(key)?;
        let segment = known.segments.get(&location.segment)?.clone();
        Some((segment, location))
    }

    fn is_at(&self, key: BodyKey, location: Location) -> bool {
        self.known().index.get(key) == Some(location)
    }

    /// Caches a body that was read, unless it was released while it was read.
    fn remember(&self, key: BodyKey, body: &Bytes) {
        let mut known = self.known();
        if known.index.get(key).is_some() {
            known.cache.insert(key, body.clone());
        }
    }
}

fn read_body(segment: &SegmentFile, key: BodyKey, location: Location) -> Result<Bytes, ReadError> {
    let offset = u64::from(location.offset);
    let mut frame = vec![0; BODY_HEADER_BYTES + location.len as usize];
    let read = segment.file.read_full_at(&mut frame, offset).map_err(|source| ReadError::Io {
        file: segment.path.to_string(),
        offset,
        source,
    })?;
    frame.truncate(read);
    record::check_body(segment.epoch, key, &frame).map_err(|reason| ReadError::Damaged {
        file: segment.path.to_string(),
        offset,
        reason,
    })?;
    Ok(Bytes::from(frame).slice(BODY_HEADER_BYTES..))
}
