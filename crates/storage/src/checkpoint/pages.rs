//! The pages of a checkpoint file.
//!
//! ```text
//! 0       4       8       12      16              24      28
//! ├─ kind ┼─ len ─┼─ crc ─┼─ prev ┼─ LSN ─────────┼number─┼─ bytes ─┤
//! ```
//!
//! `crc` covers the store's salt and the page but for itself; `prev` is the `crc` of the page before.
//! A file begins again from its start with each checkpoint that it is used for: by the LSN and by
//! `prev`, a page of a former one never passes for one of the present. Of what kind pages are:
//! pieces of the caller's state (1), in its words; places of bodies (2), each as key (8), segment (4),
//! offset (4), length (4); and the end (3).

use std::{io, sync::Arc};

use crate::{
    BodyKey, Lsn, OpenError,
    disk::DiskFile,
    epoch::{Epoch, SegmentNumber},
    index::Location,
    manifest::CheckpointPlace,
    record::{read_u32, read_u64},
};

const HEADER_BYTES: usize = 28;
const PLACE_BYTES: usize = 20;
/// Room is taken in pieces of this size, ahead of the pages.
const GROWTH_BYTES: u64 = 256 << 10;

const STATE: u32 = 1;
const PLACES: u32 = 2;
const END: u32 = 3;

/// What a page holds.
#[derive(Debug)]
pub(crate) enum Page {
    /// A piece of the caller's state.
    State(Vec<u8>),
    /// Where bodies are.
    Places(Vec<(BodyKey, Location)>),
    /// Nothing: it is the last.
    End,
}

/// Writes the pages of one checkpoint.
#[derive(Debug)]
pub(crate) struct PageWriter {
    file: Arc<dyn DiskFile>,
    epoch: Epoch,
    lsn: Lsn,
    offset: u64,
    /// Bytes of the file that have room on the disk.
    allocated: u64,
    prev: u32,
    number: u32,
}

impl PageWriter {
    pub(crate) fn new(file: Arc<dyn DiskFile>, salt: u64, lsn: Lsn) -> io::Result<Self> {
        let allocated = file.len()?;
        let epoch = epoch(salt);
        Ok(Self { file, epoch, lsn, offset: 0, allocated, prev: 0, number: 0 })
    }

    pub(crate) fn write_state(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(STATE, bytes)
    }

    pub(crate) fn write_places(&mut self, places: &[(BodyKey, Location)]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(places.len() * PLACE_BYTES);
        for (key, location) in places {
            bytes.extend_from_slice(&key.0.to_le_bytes());
            bytes.extend_from_slice(&location.segment.0.to_le_bytes());
            bytes.extend_from_slice(&location.offset.to_le_bytes());
            bytes.extend_from_slice(&location.len.to_le_bytes());
        }
        self.write(PLACES, &bytes)
    }

    /// Ends the checkpoint durably, and says where it is.
    pub(crate) fn finish(mut self, slot: usize) -> io::Result<CheckpointPlace> {
        self.write(END, &[])?;
        self.file.sync_data()?;
        Ok(CheckpointPlace { slot, lsn: self.lsn, len: self.offset, crc: self.prev })
    }

    fn write(&mut self, kind: u32, bytes: &[u8]) -> io::Result<()> {
        let mut page = Vec::with_capacity(HEADER_BYTES + bytes.len());
        page.extend_from_slice(&kind.to_le_bytes());
        let len = u32::try_from(bytes.len()).expect("pages are small");
        page.extend_from_slice(&len.to_le_bytes());
        page.extend_from_slice(&[0; 4]);
        page.extend_from_slice(&self.prev.to_le_bytes());
        page.extend_from_slice(&self.lsn.0.to_le_bytes());
        page.extend_from_slice(&self.number.to_le_bytes());
        page.extend_from_slice(bytes);
        let crc = self.epoch.checksum(&[&page[..8], &page[12..]]);
        page[8..12].copy_from_slice(&crc.to_le_bytes());
        self.make_room(page.len() as u64)?;
        self.file.write_all_at(&page, self.offset)?;
        self.offset += page.len() as u64;
        (self.prev, self.number) = (crc, self.number + 1);
        Ok(())
    }

    /// Only this can find the disk full.
    fn make_room(&mut self, bytes: u64) -> io::Result<()> {
        let needed = self.offset + bytes;
        if needed > self.allocated {
            let room = needed.next_multiple_of(GROWTH_BYTES);
            let much = self.file.allocate(room).map(|()| room);
            self.allocated = much.or_else(|_| self.file.allocate(needed).map(|()| needed))?;
        }
        Ok(())
    }
}

/// Hands every page of a checkpoint to `visit`, in order. Each is checked before.
pub(crate) fn read(
    file: &dyn DiskFile,
    path: &str,
    salt: u64,
    place: &CheckpointPlace,
    visit: &mut dyn FnMut(Page) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let mut reader = PageReader { file, path, epoch: epoch(salt), place, offset: 0, prev: 0 };
    loop {
        let page = reader.next()?;
        let is_end = matches!(page, Page::End);
        visit(page)?;
        if is_end {
            return reader.check_end();
        }
    }
}

/// Where the checkpoint is that a file begins with, if it is whole.
pub(crate) fn find(file: &dyn DiskFile, salt: u64, slot: usize) -> Option<CheckpointPlace> {
    let mut header = [0; HEADER_BYTES];
    file.read_full_at(&mut header, 0).ok()?;
    let lsn = Lsn(read_u64(&header, 16)?);
    let place = CheckpointPlace { slot, lsn, len: file.len().ok()?, crc: 0 };
    let mut reader =
        PageReader { file, path: "", epoch: epoch(salt), place: &place, offset: 0, prev: 0 };
    while !matches!(reader.next().ok()?, Page::End) {}
    let (len, crc) = (reader.offset, reader.prev);
    Some(CheckpointPlace { len, crc, ..place })
}

struct PageReader<'a> {
    file: &'a dyn DiskFile,
    path: &'a str,
    epoch: Epoch,
    place: &'a CheckpointPlace,
    offset: u64,
    prev: u32,
}

impl PageReader<'_> {
    fn next(&mut self) -> Result<Page, OpenError> {
        let header = self.load(self.offset, HEADER_BYTES)?;
        let field = |at| read_u32(&header, at).unwrap_or(0);
        let len = field(4) as usize;
        let after = self.offset + (HEADER_BYTES + len) as u64;
        if after > self.place.len {
            return Err(self.damaged("a page is longer than the checkpoint"));
        }
        let bytes = self.load(self.offset + HEADER_BYTES as u64, len)?;
        let crc = self.epoch.checksum(&[&header[..8], &header[12..], &bytes]);
        let is_next = field(12) == self.prev && read_u64(&header, 16) == Some(self.place.lsn.0);
        if crc != field(8) || !is_next {
            return Err(self.damaged("a page is not as it was written"));
        }
        let page = match field(0) {
            STATE => Page::State(bytes),
            PLACES => Page::Places(bytes.chunks_exact(PLACE_BYTES).filter_map(place).collect()),
            END => Page::End,
            _ => return Err(self.damaged("a page is of no known kind")),
        };
        (self.offset, self.prev) = (after, crc);
        Ok(page)
    }

    fn load(&self, offset: u64, len: usize) -> Result<Vec<u8>, OpenError> {
        let mut bytes = vec![0; len];
        let read = self.file.read_full_at(&mut bytes, offset);
        if read.map_err(OpenError::io("read", self.path))? < len {
            return Err(self.damaged("it is cut short"));
        }
        Ok(bytes)
    }

    fn check_end(&self) -> Result<(), OpenError> {
        if (self.offset, self.prev) == (self.place.len, self.place.crc) {
            return Ok(());
        }
        Err(self.damaged("it ends elsewhere than the manifest says"))
    }

    fn damaged(&self, reason: &str) -> OpenError {
        let (file, reason) = (self.path.to_owned(), reason.to_owned());
        OpenError::Damaged { file, offset: self.offset, reason }
    }
}

fn place(bytes: &[u8]) -> Option<(BodyKey, Location)> {
    let key = BodyKey(read_u64(bytes, 0)?);
    let segment = SegmentNumber(read_u32(bytes, 8)?);
    Some((key, Location { segment, offset: read_u32(bytes, 12)?, len: read_u32(bytes, 16)? }))
}

/// No segment has the number 0.
fn epoch(salt: u64) -> Epoch {
    Epoch::new(salt, SegmentNumber(0))
}
