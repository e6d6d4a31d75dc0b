//! Looking at a whole store without changing anything.

use crate::{Disk, Lsn, OpenError, identity, lock, scan, tail};

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
    let Some(salt) = identity::open(disk, &names)? else { return Ok(()) };
    let segments = scan::open_segments(disk, &names, salt)?;
    let end = scan::walk(&segments, &mut |_, _, record| {
        report.records += 1;
        report.last = record.lsn;
        report.bodies += record.bodies.len() as u64;
        Ok(())
    })?;
    report.segments = end.used;
    report.spares = segments.len() - end.used;
    report.batches = end.batches;
    report.torn_bytes = tail::judge(&segments, &end)?.iter().map(|piece| piece.bytes).sum();
    Ok(())
}
