//! Opening a store after an orderly close, a kill or a power cut: the same steps for all three.
//!
//! 1. Read `identity` and `manifest`, or make them in an empty directory.
//! 2. Open the segments that must be there, and the spares.
//! 3. Read the checkpoint, if there is one: the caller's state, and where bodies are.
//! 4. Walk the segments from there on: replay every record, and note where its bodies are.
//! 5. Judge what lies behind the end: nothing, a torn tail, or damage, which ends it here.
//! 6. Cut a torn tail with zeros; sync. Before this step, nothing was changed.
//! 7. Write the end of the log once more, as it was read, and sync it: a kill may have left records
//!    that the disk does not have yet. So may a sync that failed, and then a sync alone would do
//!    nothing: the kernel calls those pages clean ("Can Applications Recover from fsync Failures?",
//!    Rebello et al., USENIX ATC 2020).
//!    The manifest is written once more for the same reason, before anything is given up by its word.
//! 8. Hand over the end of the log. The allocator takes up the spares that there are.
//! 9. Go on in a segment of today's format, and have the manifest name it. A store of an earlier format
//!    becomes one of today's with that.
//!
//! # Invariants
//!
//! - Recovery can be interrupted anywhere and begun again, with the same result.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    BodyKey, Disk, Lsn, OpenError, Quarantined, ReplayError,
    allocator::SegmentMaker,
    checkpoint::{self, pages::Page},
    disk::is_full,
    epoch::SegmentNumber,
    identity::{self, Identity},
    index::{Index, Location},
    log::{self, Active, Failure, Log},
    manifest::{Manifest, ManifestFile},
    open_files::OpenFiles,
    quarantine::Quarantine,
    record::DecodedRecord,
    scan::{self, End},
    segment::{FORMAT, FORMAT_SEALED, SegmentFile},
    tail::{self, Remains},
};

/// What opening a store found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The last record replayed.
    pub last: Lsn,
    /// How many records were replayed.
    pub records: u64,
    /// How many bodies are kept.
    pub bodies: u64,
    /// Bytes of torn tail that were cut. Nothing of them had been reported durable (in
    /// [`SyncMode::Always`](crate::SyncMode::Always)).
    pub torn_bytes: u64,
    /// Where they were: at most two pieces.
    pub torn: Vec<TornTail>,
    /// Bodies that are kept, and were found not to be as they were written. Only the part of the log that
    /// is replayed is read when it is opened.
    pub quarantined: Vec<Quarantined>,
}

/// A piece of the log that a crash left unfinished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The file.
    pub file: String,
    /// Where the piece began.
    pub offset: u64,
    /// How long it was.
    pub bytes: u64,
}

/// What is called for each record, in order: its place, its events, and a list to which the keys of
/// bodies that are no longer wanted are added.
pub type Replay<'a> = dyn FnMut(Lsn, &[u8], &mut Vec<BodyKey>) -> Result<(), ReplayError> + 'a;

/// A log ready to be written to.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) log: Log,
    pub(crate) index: Index,
    /// What of it is not as it was written.
    pub(crate) rotten: Quarantine,
    /// The segments that hold records or bodies, each with its first record.
    pub(crate) used: BTreeMap<SegmentNumber, (SegmentFile, Lsn)>,
    /// Segments that nobody needs.
    pub(crate) stray: Vec<SegmentFile>,
    /// What the manifest says.
    pub(crate) wanted: Manifest,
    pub(crate) recovered: Recovered,
    pub(crate) maker: SegmentMaker,
    /// None if the store is of a format that had none.
    pub(crate) manifest: Option<ManifestFile>,
}

/// Opens the log in `disk`, whose lock is held.
pub(crate) fn recover(
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    rebuild: &mut dyn Rebuild,
) -> Result<Ready, OpenError> {
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let Base { salt, manifest } = open_base(&*disk, &names)?;
    let wanted = wanted(manifest.as_ref());
    let explain = |error| match &manifest {
        Some(manifest) => manifest.explain(error),
        None => error,
    };
    let files = OpenFiles::new(Arc::clone(&disk));
    let open = |name: &str| files.open(name);
    let there = scan::Files { disk: &*disk, open: &open, names: &names, salt };
    let mut segments = scan::open_segments(&there, &wanted).map_err(explain)?;
    let older = scan::open_older(&there, &wanted).map_err(explain)?;
    let mut replayer = Replayer::new(&wanted, rebuild);
    replayer.restore(&*disk, salt, &wanted).map_err(explain)?;
    let end = scan::walk(&*disk, &wanted, &segments, &mut |segment, offset, record| {
        replayer.record(segment, offset, record)
    });
    let end = end.map_err(explain)?;
    let remains = tail::judge(&segments, &end)?;
    check_reach(&segments, &end, &wanted)?;
    let torn = cut_tail(&remains)?;
    let torn_bytes = torn.iter().map(|piece| piece.bytes).sum();
    secure_end(&segments, &end)?;
    if let Some(manifest) = &manifest {
        manifest.secure().map_err(Failure::into_open_error)?;
    }

    segments.truncate(end.used);
    let log = Log::new(salt, active(&*disk, &segments, &end)?, end.position, end.vouched);
    let used = used(older.into_iter().chain(segments))?;
    check_bodies(&*disk, &replayer.index, &used)?;
    let rotten = replayer.rotten();
    let quarantined = rotten.iter().filter_map(|(key, at)| {
        let (segment, _) = used.get(&at.segment)?;
        Some(Quarantined::new(*key, *at, segment))
    });
    let recovered =
        Recovered { torn, torn_bytes, quarantined: quarantined.collect(), ..replayer.found(&end) };
    let (index, rotten) = (replayer.index, Quarantine::new(rotten.into_iter().map(|(key, _)| key)));
    let stray = scan::open_stray(&there, &wanted)?;
    let maker = SegmentMaker { disk, salt, segment_bytes, files };
    Ok(Ready { log, index, rotten, used, stray, wanted, recovered, maker, manifest })
}

/// The first record of a segment is in its header.
pub(crate) fn used(
    files: impl Iterator<Item = SegmentFile>,
) -> Result<BTreeMap<SegmentNumber, (SegmentFile, Lsn)>, OpenError> {
    let with_first = |file: SegmentFile| {
        let first = file.header()?.map_or(Lsn::ZERO, |header| header.start.next);
        Ok((file.number, (file, first)))
    };
    files.map(with_first).collect()
}

/// Bodies that are still wanted are in segments that are there.
pub(crate) fn check_bodies(
    disk: &dyn Disk,
    index: &Index,
    used: &BTreeMap<SegmentNumber, (SegmentFile, Lsn)>,
) -> Result<(), OpenError> {
    let live = index.live().iter().filter(|(_, live)| live.bodies > 0);
    match live.map(|(number, _)| number).find(|number| !used.contains_key(number)) {
        Some(number) => Err(OpenError::Missing { file: disk.describe(&number.file_name()) }),
        None => Ok(()),
    }
}

/// What says which store the directory holds.
struct Base {
    salt: u64,
    manifest: Option<ManifestFile>,
}

fn open_base(disk: &dyn Disk, names: &[String]) -> Result<Base, OpenError> {
    let Some(Identity { format, salt }) = identity::open(disk, names)? else {
        return create_base(disk, names);
    };
    identity::sync_name(disk)?;
    let has_manifest = format >= FORMAT_SEALED;
    let manifest = has_manifest.then(|| ManifestFile::open(disk, names, salt)).transpose()?;
    Ok(Base { salt, manifest })
}

/// The identity comes last: with it, the directory is a store.
fn create_base(disk: &dyn Disk, names: &[String]) -> Result<Base, OpenError> {
    let salt = disk.random().map_err(OpenError::io("draw a salt for", disk.describe("")))?;
    let empty = Manifest::of_whole_log(None, Lsn::ZERO);
    let manifest = ManifestFile::create(disk, names, salt, empty)?;
    identity::write(disk, names, salt)?;
    Ok(Base { salt, manifest: Some(manifest) })
}

/// What must be there by the manifest. Without one, all of the log.
pub(crate) fn wanted(manifest: Option<&ManifestFile>) -> Manifest {
    let whole = || Manifest::of_whole_log(None, Lsn::ZERO);
    manifest.map_or_else(whole, |manifest| manifest.current().clone())
}

/// The manifest says how far the log must reach.
pub(crate) fn check_reach(
    segments: &[SegmentFile],
    end: &End,
    wanted: &Manifest,
) -> Result<(), OpenError> {
    let missing = end.position.next;
    let Some(last) = end.used.checked_sub(1).filter(|_| missing <= wanted.durable) else {
        return Ok(());
    };
    let reason = format!("record {missing} cannot be read, and the manifest says it was durable");
    Err(scan::damaged(&segments[last], end.offset, &reason))
}

/// Has the log go on in a segment of today's format, and the manifest name it. A store without a manifest
/// gets one, and is of today's format with that; a disk that is too full for it leaves it as it is.
pub(crate) fn settle(
    maker: &SegmentMaker,
    manifest: Option<ManifestFile>,
    next: Manifest,
) -> Result<Option<ManifestFile>, OpenError> {
    if let Some(mut manifest) = manifest {
        manifest.write(next).map_err(Failure::into_open_error)?;
        return Ok(Some(manifest));
    }
    let disk = &*maker.disk;
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let manifest = match ManifestFile::create(disk, &names, maker.salt, next) {
        Err(OpenError::Io { source, .. }) if is_full(&source) => return Ok(None),
        other => other?,
    };
    identity::write(disk, &names, maker.salt)?;
    tracing::info!(
        format = FORMAT,
        "the store has today's format now: earlier versions cannot open it"
    );
    Ok(Some(manifest))
}

fn cut_tail(remains: &[Remains<'_>]) -> Result<Vec<TornTail>, OpenError> {
    let mut torn = Vec::new();
    for piece in remains {
        tail::cut(piece)?;
        let (file, offset, bytes) = (piece.segment.path.to_string(), piece.offset, piece.bytes);
        tracing::warn!(file, offset, bytes, "cut a torn tail, of which nothing had been durable");
        torn.push(TornTail { file, offset, bytes });
    }
    Ok(torn)
}

/// Makes durable what nobody vouches for: some of it may only be in the kernel's memory.
fn secure_end(segments: &[SegmentFile], end: &End) -> Result<(), OpenError> {
    let Some(last) = end.used.checked_sub(1).map(|last| &segments[last]) else { return Ok(()) };
    let bytes = last.load_range(end.unvouched..end.offset)?;
    let written = last.file.write_all_at(&bytes, end.unvouched);
    written.map_err(OpenError::io("write the end of", &*last.path))?;
    last.file.sync_data().map_err(OpenError::io("sync", &*last.path))?;
    let before = end.used.checked_sub(2).map(|before| &segments[before]);
    let Some((before, offset)) = before.zip(end.seal_at) else { return Ok(()) };
    log::seal(before, offset, end.position).map_err(Failure::into_open_error)
}

/// The segment that is written to stays open.
fn active(disk: &dyn Disk, used: &[SegmentFile], end: &End) -> Result<Option<Active>, OpenError> {
    let Some(mut segment) = used.last().cloned() else { return Ok(None) };
    let name = segment.number.file_name();
    segment.file = disk.open(&name).map_err(OpenError::io("open", &*segment.path))?;
    let capacity = segment.len()?;
    Ok(Some(Active { segment, offset: end.offset, capacity, format: end.format }))
}

/// Who makes a state of what a store holds.
pub trait Rebuild {
    /// Takes in a piece of the last checkpoint, as it was written. All of them come before any record.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if it cannot be understood: the store is not opened.
    fn restore(&mut self, piece: &[u8]) -> Result<(), ReplayError>;

    /// Takes in a record: its place, its events, and a list to which the keys of bodies that are no longer
    /// wanted are added.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if it cannot be understood: the store is not opened.
    fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError>;
}

/// A caller that writes no checkpoints, and so finds none.
pub(crate) struct Records<'a, 'r>(pub(crate) &'a mut Replay<'r>);

impl Rebuild for Records<'_, '_> {
    fn restore(&mut self, _piece: &[u8]) -> Result<(), ReplayError> {
        Err(ReplayError::new("the store has a checkpoint, which this program cannot read"))
    }

    fn record(
        &mut self,
        lsn: Lsn,
        events: &[u8],
        released: &mut Vec<BodyKey>,
    ) -> Result<(), ReplayError> {
        (self.0)(lsn, events, released)
    }
}

/// Hands the checkpoint and each record to the caller, and keeps the index of bodies beside.
pub(crate) struct Replayer<'a> {
    /// The records up to this one are in the checkpoint.
    after: Lsn,
    records: u64,
    pub(crate) index: Index,
    /// Bodies of the log that are not as they were written, wanted or not.
    rotten: Vec<(BodyKey, Location)>,
    released: Vec<BodyKey>,
    rebuild: &'a mut dyn Rebuild,
}

impl<'a> Replayer<'a> {
    pub(crate) fn new(wanted: &Manifest, rebuild: &'a mut dyn Rebuild) -> Self {
        let after = wanted.checkpoint.map_or(Lsn::ZERO, |place| place.lsn);
        let (index, rotten, released) = (Index::default(), Vec::new(), Vec::new());
        Self { after, records: 0, index, rotten, released, rebuild }
    }
}

impl Replayer<'_> {
    /// What was read, up to the end of the log.
    fn found(&self, end: &End) -> Recovered {
        let (last, bodies) = (end.position.next.previous(), self.index.len() as u64);
        Recovered { last, records: self.records, bodies, ..Recovered::default() }
    }

    /// The rotten bodies that are wanted, and that have not been moved elsewhere.
    fn rotten(&self) -> Vec<(BodyKey, Location)> {
        let is_wanted = |(key, at): &&(BodyKey, Location)| self.index.get(*key) == Some(*at);
        self.rotten.iter().filter(is_wanted).copied().collect()
    }

    pub(crate) fn restore(
        &mut self,
        disk: &dyn Disk,
        salt: u64,
        wanted: &Manifest,
    ) -> Result<(), OpenError> {
        let Some(place) = &wanted.checkpoint else { return Ok(()) };
        checkpoint::read(disk, salt, place, &mut |page| {
            match page {
                Page::State(piece) => self.rebuild.restore(&piece).map_err(|source| {
                    let file = checkpoint::path_of(disk, place);
                    OpenError::Replay { file, lsn: place.lsn, source }
                })?,
                Page::Places(places) => {
                    for (key, at) in places {
                        self.index.insert(key, at);
                    }
                }
                Page::End => {}
            }
            Ok(())
        })
    }

    pub(crate) fn record(
        &mut self,
        segment: &SegmentFile,
        offset: u64,
        record: &DecodedRecord<'_>,
    ) -> Result<(), OpenError> {
        for (body, at) in record.bodies.iter().filter(|(body, _)| body.is_rotten) {
            self.rotten.push((body.key, location(segment, offset + *at as u64, body.len)?));
        }
        if record.lsn <= self.after {
            return Ok(());
        }
        self.records += 1;
        for (body, at) in &record.bodies {
            self.index.insert(body.key, location(segment, offset + *at as u64, body.len)?);
        }
        let replayed = self.rebuild.record(record.lsn, record.events, &mut self.released);
        replayed.map_err(|source| OpenError::Replay {
            file: segment.path.to_string(),
            lsn: record.lsn,
            source,
        })?;
        self.released.drain(..).for_each(|key| self.index.remove(key));
        Ok(())
    }
}

fn location(segment: &SegmentFile, offset: u64, len: usize) -> Result<Location, OpenError> {
    let too_far = |_| scan::damaged(segment, offset, "the file is larger than a segment can be");
    let len = u32::try_from(len).map_err(too_far)?;
    let offset = u32::try_from(offset).map_err(too_far)?;
    Ok(Location { segment: segment.number, offset, len })
}
