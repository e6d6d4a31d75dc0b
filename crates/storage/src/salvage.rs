//! Reading what is whole of a store that cannot be opened.
//!
//! Opening stops at the first thing that is not as it was written. This goes on behind it: with the next record
//! of the batch, the next batch that checks, the next segment, the other checkpoint. So a caller is
//! handed records with gaps between them. What is missing is told by the numbers of the records that are there.
//!
//! # Invariants
//!
//! - Nothing in the directory is changed.
//! - Every record that is handed over checks, and comes after the one before it.
//! - One segment is in memory at a time, and where each body is.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::{
    BodyKey, Disk, Lsn, OpenError, Rebuild,
    batch::{ALIGNMENT, BATCH_HEADER_BYTES, BatchHeader, Position, batch_bytes},
    bodies::{Wrong, read_body},
    checkpoint::{self, pages::Page},
    disk::DiskLock,
    epoch::SegmentNumber,
    identity,
    index::{Index, Location},
    lock,
    manifest::{CheckpointPlace, Manifest, ManifestFile},
    open_files::OpenFiles,
    record::{self, DecodedRecord},
    scan::{self, rest},
    segment::{FORMAT_SEALED, SEGMENT_HEADER_BYTES, SegmentFile, SegmentHeader},
};

/// How many losses are kept in words.
const LOSSES_MAX: usize = 1000;
/// What is read alone of a segment that cannot be read at once.
const PIECE_BYTES: usize = 4 << 10;

/// What could be read of a store.
#[derive(Debug)]
pub struct Salvaged {
    /// Records that were handed over.
    pub records: u64,
    /// The last of them.
    pub last: Lsn,
    /// What is missing, in words: at most a thousand of them.
    pub losses: Vec<String>,
    /// How many losses there are.
    pub loss_count: u64,
    index: Index,
    segments: BTreeMap<SegmentNumber, SegmentFile>,
    _lock: Box<dyn DiskLock>,
}

impl Salvaged {
    /// The body of that key; the error says why there is none.
    pub fn read(&self, key: BodyKey) -> Result<Bytes, String> {
        let place = self.index.get(key);
        let Some((segment, at)) = place.and_then(|at| Some((self.segments.get(&at.segment)?, at)))
        else {
            return Err("it is in no part of the log that can be read".to_owned());
        };
        let (file, offset) = (&segment.path, at.offset);
        read_body(segment, key, at).map_err(|wrong| match wrong {
            Wrong::Rotten(reason) => format!("{file} at byte {offset}: {reason}"),
            Wrong::Unread(error) => format!("{file} at byte {offset} cannot be read: {error}"),
        })
    }

    fn lose(&mut self, loss: String) {
        self.loss_count += 1;
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(loss);
        }
    }
}

/// Hands over what can be read of a store: the state of a checkpoint, and the records after it. `told` is called
/// for each segment, with how many are read and how many there are.
///
/// # Errors
///
/// [`OpenError`] if there is no store in the directory, or another process has it open.
pub fn salvage(
    disk: &Arc<dyn Disk>,
    rebuild: &mut dyn Rebuild,
    told: &mut dyn FnMut(usize, usize),
) -> Result<Salvaged, OpenError> {
    let lock = lock::take(&**disk)?;
    let names = disk.list().map_err(OpenError::io("list", disk.describe("")))?;
    let mut salvaged = Salvaged {
        records: 0,
        last: Lsn::ZERO,
        losses: Vec::new(),
        loss_count: 0,
        index: Index::default(),
        segments: BTreeMap::new(),
        _lock: lock,
    };
    let salt = find_salt(&**disk, &names, &mut salvaged)?;
    let opened = OpenFiles::new(Arc::clone(disk));
    let open = |name: &str| opened.open(name);
    let files = scan::Files { disk: &**disk, open: &open, names: &names, salt };
    let manifest = find_manifest(&files, &mut salvaged);
    let after = restore(&files, manifest.as_ref(), rebuild, &mut salvaged);
    let mut reader = Reader { after, next: after.next(), rebuild, salvaged };
    reader.read_all(&files, told);
    reader.compare(manifest.as_ref());
    Ok(reader.salvaged)
}

/// The store's salt: without the file that says it, from a segment.
fn find_salt(disk: &dyn Disk, names: &[String], salvaged: &mut Salvaged) -> Result<u64, OpenError> {
    let error = match identity::open(disk, names) {
        Ok(Some(identity)) => return Ok(identity.salt),
        Ok(None) => return Err(OpenError::Missing { file: disk.describe("identity") }),
        Err(error @ OpenError::NewerFormat { .. }) => return Err(error),
        Err(error) => error,
    };
    let segments = names.iter().filter(|name| SegmentNumber::parse(name).is_some());
    let mut salts = segments.filter_map(|name| {
        let mut header = [0; SEGMENT_HEADER_BYTES];
        disk.open(name).ok()?.read_full_at(&mut header, 0).ok()?;
        SegmentHeader::salt_in(&header)
    });
    let salt = salts.next().ok_or(error)?;
    salvaged.lose(format!("{} cannot be read: a segment says the same", disk.describe("identity")));
    Ok(salt)
}

fn find_manifest(files: &scan::Files<'_>, salvaged: &mut Salvaged) -> Option<Manifest> {
    match ManifestFile::open(files.disk, files.names, files.salt) {
        Ok(manifest) => Some(manifest.current().clone()),
        Err(error) => {
            let had_one = files.segments().any(|segment| {
                let header = segment.and_then(|segment| segment.header());
                matches!(header, Ok(Some(header)) if header.format >= FORMAT_SEALED)
            });
            if had_one {
                salvaged.lose(format!("{error}: what must be there is not known"));
            }
            None
        }
    }
}

/// Hands over the checkpoint that counts, or else another that is whole, and says of which record it is.
fn restore(
    files: &scan::Files<'_>,
    manifest: Option<&Manifest>,
    rebuild: &mut dyn Rebuild,
    salvaged: &mut Salvaged,
) -> Lsn {
    let counts = manifest.and_then(|manifest| manifest.checkpoint);
    let mut whole = checkpoint::whole(files.disk, files.salt);
    whole.sort_by_key(|place: &CheckpointPlace| (Some(*place) == counts, place.lsn));
    let found = whole.pop();
    if counts.is_some() && found != counts {
        let lost = "the checkpoint that counts cannot be read";
        salvaged.lose(match found {
            Some(_) => {
                format!("{lost}: another one is used, and what was deleted since may be here")
            }
            None => format!("{lost}, and there is no other: only what the log tells is here"),
        });
    }
    let Some(place) = found else { return Lsn::ZERO };
    let read = checkpoint::read(files.disk, files.salt, &place, &mut |page| {
        if let Page::State(piece) = page {
            let file = checkpoint::path_of(files.disk, &place);
            let refused = |source| OpenError::Replay { file, lsn: place.lsn, source };
            rebuild.restore(&piece).map_err(refused)?;
        }
        Ok(())
    });
    if let Err(error) = read {
        salvaged.lose(error.to_string());
    }
    place.lsn
}

/// Goes through the segments.
struct Reader<'a> {
    /// The records up to this one are in the checkpoint.
    after: Lsn,
    /// The record that is missing if a later one comes.
    next: Lsn,
    rebuild: &'a mut dyn Rebuild,
    salvaged: Salvaged,
}

impl Reader<'_> {
    fn read_all(&mut self, files: &scan::Files<'_>, told: &mut dyn FnMut(usize, usize)) {
        let mut segments: Vec<_> = files.segments().collect();
        segments.sort_by_key(|segment| segment.as_ref().map(|segment| segment.number).ok());
        let all = segments.len();
        for (done, segment) in segments.into_iter().enumerate() {
            told(done, all);
            match segment {
                Ok(segment) => self.read_segment(segment),
                Err(error) => self.salvaged.lose(error.to_string()),
            }
        }
        told(all, all);
    }

    fn read_segment(&mut self, segment: SegmentFile) {
        let bytes = match load(&segment) {
            Ok((bytes, 0)) => bytes,
            Ok((bytes, unread)) => {
                let path = &segment.path;
                self.salvaged.lose(format!("{unread} bytes of {path} cannot be read"));
                bytes
            }
            Err(error) => return self.salvaged.lose(error.to_string()),
        };
        let mut offset = SEGMENT_HEADER_BYTES;
        while let Some((at, header)) = next_batch(&segment, &bytes, offset) {
            self.read_batch(&segment, &bytes, at, &header);
            // A length that has come through a checksum is right, but a file can be shorter.
            offset = at + batch_bytes(header.len as usize);
        }
        self.salvaged.segments.insert(segment.number, segment);
    }

    /// Each record that checks. One that does not is passed over by what it says of its length.
    fn read_batch(
        &mut self,
        segment: &SegmentFile,
        bytes: &[u8],
        start: usize,
        header: &BatchHeader,
    ) {
        let end = bytes.len().min(start + BATCH_HEADER_BYTES + header.len as usize);
        let mut at = Position { next: header.first_lsn, prev: header.prev };
        let mut offset = start + BATCH_HEADER_BYTES;
        for _ in 0..header.count {
            let frame = rest(&bytes[..end], offset);
            let (crc, len) = match record::decode(segment.epoch, at.next, at.prev, frame) {
                Ok(record) => {
                    self.take(segment, offset, &record);
                    (record.crc, record.len)
                }
                Err(_) => match record::stated(frame) {
                    Some(stated) => stated,
                    None => return,
                },
            };
            at = Position { next: at.next.next(), prev: crc };
            offset += len;
        }
    }

    fn take(&mut self, segment: &SegmentFile, offset: usize, record: &DecodedRecord<'_>) {
        for (body, at) in &record.bodies {
            let place = (u32::try_from(offset + at), u32::try_from(body.len));
            if let (Ok(offset), Ok(len)) = place {
                self.salvaged
                    .index
                    .insert(body.key, Location { segment: segment.number, offset, len });
            }
        }
        if record.lsn < self.next || record.lsn <= self.after {
            return;
        }
        self.note_gap(record.lsn);
        self.next = record.lsn.next();
        let mut released = Vec::new();
        match self.rebuild.record(record.lsn, record.events, &mut released) {
            Ok(()) => self.salvaged.records += 1,
            Err(error) => self.salvaged.lose(format!("record {}: {error}", record.lsn)),
        }
        self.salvaged.last = record.lsn;
        for key in released {
            self.salvaged.index.remove(key);
        }
    }

    fn note_gap(&mut self, found: Lsn) {
        if found > self.next {
            let (first, last) = (self.next, found.previous());
            let records = if first == last {
                format!("record {first}")
            } else {
                format!("records {first} to {last}")
            };
            self.salvaged.lose(format!("{records} cannot be read"));
        }
    }

    /// The log must reach as far as the manifest says.
    fn compare(&mut self, manifest: Option<&Manifest>) {
        if let Some(durable) = manifest.map(|manifest| manifest.durable) {
            self.note_gap(durable.next());
        }
    }
}

/// The first batch from `offset` on of which the header checks.
fn next_batch(segment: &SegmentFile, bytes: &[u8], offset: usize) -> Option<(usize, BatchHeader)> {
    let starts = (offset..bytes.len()).step_by(ALIGNMENT);
    let mut found =
        starts.filter_map(|at| Some((at, BatchHeader::decode(segment.epoch, rest(bytes, at))?)));
    found.next()
}

/// The bytes of a segment, and how many of them cannot be read: those are zeros.
fn load(segment: &SegmentFile) -> Result<(Vec<u8>, usize), OpenError> {
    if let Ok(bytes) = segment.load() {
        return Ok((bytes, 0));
    }
    let len = usize::try_from(segment.len()?).unwrap_or(usize::MAX);
    let (mut bytes, mut unread) = (vec![0; len], 0);
    for (at, piece) in bytes.chunks_mut(PIECE_BYTES).enumerate() {
        if segment.file.read_full_at(piece, (at * PIECE_BYTES) as u64).is_err() {
            piece.fill(0);
            unread += piece.len();
        }
    }
    Ok((bytes, unread))
}
