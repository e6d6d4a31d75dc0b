//! Looking at a whole store without changing anything.

use crate::{
    Disk, Lsn, OpenError, checkpoint,
    identity::{self, Identity},
    lock,
    manifest::{Manifest, ManifestFile},
    recovery, scan,
    segment::FORMAT_SEALED,
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
    /// Bodies read, each of which was right.
    pub bodies: u64,
    /// The last record.
    pub last: Lsn,
    /// Bytes of a torn tail, which the next opening would cut.
    pub torn_bytes: u64,
    /// What is wrong, where, and what to do. Without it, the store can be opened.
    pub damage: Option<OpenError>,
}

/// Reads everything in a store, checks it, and changes nothing. A store that is open elsewhere is
/// [`OpenError::Locked`]; damage is in the report.
pub fn verify(disk: &dyn Disk) -> Result<Report, OpenError> {
    let _lock = lock::take(disk)?;
    let mut report = Report::default();
    report.damage = look(disk, &mut report).err();
    Ok(report)
}

fn look(disk: &dyn Disk, report: &mut Report) -> Result<(), OpenError> {
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let Some(Identity { format, salt }) = identity::open(disk, &names)? else { return Ok(()) };
    let has_manifest = format >= FORMAT_SEALED;
    let manifest = has_manifest.then(|| ManifestFile::open(disk, &names, salt)).transpose()?;
    let files = scan::Files { disk, open: &|name| disk.open(name), names: &names, salt };
    let found = look_at_log(&files, manifest.as_ref(), report);
    found.map_err(|error| match &manifest {
        Some(manifest) => manifest.explain(error),
        None => error,
    })
}

/// The checkpoint, and the segments that only hold bodies for it.
fn look_at_older(
    files: &scan::Files<'_>,
    wanted: &Manifest,
    report: &mut Report,
) -> Result<(), OpenError> {
    if let Some(place) = &wanted.checkpoint {
        checkpoint::read(files.disk, files.salt, place, &mut |_| Ok(()))?;
    }
    for segment in scan::open_older(files, wanted)? {
        scan::walk_alone(&segment, &mut |_, _, record| {
            report.records += 1;
            report.bodies += record.bodies.len() as u64;
            Ok(())
        })?;
    }
    Ok(())
}

fn look_at_log(
    files: &scan::Files<'_>,
    manifest: Option<&ManifestFile>,
    report: &mut Report,
) -> Result<(), OpenError> {
    let wanted = recovery::wanted(manifest);
    let segments = scan::open_segments(files, &wanted)?;
    let end = scan::walk(files.disk, &wanted, &segments, &mut |_, _, record| {
        report.records += 1;
        report.last = record.lsn;
        report.bodies += record.bodies.len() as u64;
        Ok(())
    })?;
    look_at_older(files, &wanted, report)?;
    report.segments = end.used + wanted.older.len();
    report.spares = segments.len() - end.used;
    report.batches = end.batches;
    report.torn_bytes = tail::judge(&segments, &end)?.iter().map(|piece| piece.bytes).sum();
    recovery::check_reach(&segments, &end, &wanted)
}
