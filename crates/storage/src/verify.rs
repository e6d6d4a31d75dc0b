//! Looking at a whole store without changing anything.
//!
//! It is read as opening reads it, and then the rest: the segments that are not replayed, and each body
//! that is still wanted, where it is said to be.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    Disk, Lsn, OpenError, Quarantined, Rebuild,
    bodies::{Wrong, read_body},
    epoch::SegmentNumber,
    identity::{self, Identity},
    index::{Index, Location},
    lock,
    manifest::{Manifest, ManifestFile},
    open_files::OpenFiles,
    record::DecodedRecord,
    recovery::{self, Replayer},
    scan::{self, End},
    segment::{FORMAT_SEALED, SegmentFile},
    tail,
};

/// What a store holds, by reading all of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Segments that have been written to.
    pub segments: usize,
    /// Empty segments kept ready.
    pub spares: usize,
    /// Batches read.
    pub batches: u64,
    /// Records read, each of which was right.
    pub records: u64,
    /// Bodies read, those that nobody wants too.
    pub bodies: u64,
    /// How many of them were not as they were written.
    pub rotten: u64,
    /// Those of them that are still wanted. The store can be opened all the same.
    pub quarantined: Vec<Quarantined>,
    /// The last record.
    pub last: Lsn,
    /// Bytes of a torn tail, which the next opening would cut.
    pub torn_bytes: u64,
    /// What is wrong, where, and what to do. Without it, the store can be opened.
    pub damage: Option<OpenError>,
}

impl Report {
    fn count(&mut self, record: &DecodedRecord<'_>) {
        self.records += 1;
        self.bodies += record.bodies.len() as u64;
        self.rotten += record.bodies.iter().filter(|(body, _)| body.is_rotten).count() as u64;
    }
}

/// Reads everything in a store, checks it, and changes nothing. `rebuild` takes in what opening hands
/// over: which bodies are wanted follows from that. A store that is open elsewhere is
/// [`OpenError::Locked`]; damage is in the report. One segment is in memory at a time.
pub fn verify(disk: &Arc<dyn Disk>, rebuild: &mut dyn Rebuild) -> Result<Report, OpenError> {
    let _lock = lock::take(&**disk)?;
    let mut report = Report::default();
    report.damage = look(disk, rebuild, &mut report).err();
    Ok(report)
}

fn look(
    disk: &Arc<dyn Disk>,
    rebuild: &mut dyn Rebuild,
    report: &mut Report,
) -> Result<(), OpenError> {
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let Some(Identity { format, salt }) = identity::open(&**disk, &names)? else { return Ok(()) };
    let has_manifest = format >= FORMAT_SEALED;
    let manifest = has_manifest.then(|| ManifestFile::open(&**disk, &names, salt)).transpose()?;
    let opened = OpenFiles::new(Arc::clone(disk));
    let open = |name: &str| opened.open(name);
    let files = scan::Files { disk: &**disk, open: &open, names: &names, salt };
    let found = look_at_log(&files, manifest.as_ref(), rebuild, report);
    found.map_err(|error| match &manifest {
        Some(manifest) => manifest.explain(error),
        None => error,
    })
}

fn look_at_log(
    files: &scan::Files<'_>,
    manifest: Option<&ManifestFile>,
    rebuild: &mut dyn Rebuild,
    report: &mut Report,
) -> Result<(), OpenError> {
    let wanted = recovery::wanted(manifest);
    let mut segments = scan::open_segments(files, &wanted)?;
    let older = scan::open_older(files, &wanted)?;
    let mut replayer = Replayer::new(&wanted, rebuild);
    replayer.restore(files.disk, files.salt, &wanted)?;
    let end = scan::walk(files.disk, &wanted, &segments, &mut |segment, offset, record| {
        report.count(record);
        report.last = record.lsn;
        replayer.record(segment, offset, record)
    })?;
    report.torn_bytes = tail::judge(&segments, &end)?.iter().map(|piece| piece.bytes).sum();
    recovery::check_reach(&segments, &end, &wanted)?;
    report.count_files(&segments, &end, &wanted);
    for segment in &older {
        scan::walk_alone(segment, &mut |_, _, record| {
            report.count(record);
            Ok(())
        })?;
    }
    segments.truncate(end.used);
    look_at_bodies(files.disk, &replayer.index, older.into_iter().chain(segments), report)
}

impl Report {
    fn count_files(&mut self, segments: &[SegmentFile], end: &End, wanted: &Manifest) {
        self.segments = end.used + wanted.older.len();
        self.spares = segments.len() - end.used;
        self.batches = end.batches;
    }
}

/// Bodies that are put in the order in which they lie, at once.
const PLACES_MAX: usize = 64 << 10;

/// Reads each body that is wanted, mostly in the order in which they lie.
fn look_at_bodies(
    disk: &dyn Disk,
    index: &Index,
    used: impl Iterator<Item = SegmentFile>,
    report: &mut Report,
) -> Result<(), OpenError> {
    let used = recovery::used(used)?;
    recovery::check_bodies(disk, index, &used)?;
    let used: BTreeMap<SegmentNumber, SegmentFile> =
        used.into_iter().map(|(number, (segment, _))| (number, segment)).collect();
    let mut told = None;
    loop {
        let mut places = index.places_after(told, PLACES_MAX);
        let Some((last, _)) = places.last() else { break };
        told = Some(*last);
        places.sort_unstable_by_key(|(_, at): &(_, Location)| (at.segment, at.offset));
        for (key, at) in places {
            let Some(segment) = used.get(&at.segment) else { continue };
            match read_body(segment, key, at) {
                Ok(_) => {}
                Err(Wrong::Rotten(_)) => {
                    report.quarantined.push(Quarantined::new(key, at, segment));
                }
                Err(Wrong::Unread(source)) => {
                    return Err(OpenError::io("read", &*segment.path)(source));
                }
            }
        }
    }
    Ok(())
}
