//! The file `identity`: which format a store has, and the salt of its checksums.
//!
//! ```text
//! 0               8         12      16              24
//! ├─ magic ───────┼─ format ┼─ crc ─┼─ salt ────────┤      crc covers all but itself
//! ```
//!
//! It is written under another name, synced, and renamed, before the first segment is made; and once
//! more when a store of an earlier format has got what the present one has beside.

use crate::{
    Disk, OpenError,
    epoch::SegmentNumber,
    record::{read_u32, read_u64},
    segment::FORMAT,
};

const NAME: &str = "identity";
const UNFINISHED: &str = "identity.new";
const BYTES: usize = 24;
const MAGIC: [u8; 8] = *b"Longshor";

/// What the file says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) format: u32,
    pub(crate) salt: u64,
}

/// Makes the name durable, before that of any segment can be: a kill may have come between the two.
pub(crate) fn sync_name(disk: &dyn Disk) -> Result<(), OpenError> {
    disk.sync_dir().map_err(OpenError::io("sync the directory of", disk.describe(NAME)))
}

/// What the store is, or nothing if the directory holds no store. `names` are its files.
pub(crate) fn open(disk: &dyn Disk, names: &[String]) -> Result<Option<Identity>, OpenError> {
    if names.iter().any(|name| name == NAME) {
        return read(disk).map(Some);
    }
    if names.iter().any(|name| SegmentNumber::parse(name).is_some()) {
        return Err(OpenError::Missing { file: disk.describe(NAME) });
    }
    Ok(None)
}

fn read(disk: &dyn Disk) -> Result<Identity, OpenError> {
    let path = disk.describe(NAME);
    let file = disk.open(NAME).map_err(OpenError::io("open", &path))?;
    let mut bytes = [0; BYTES];
    let read = file.read_full_at(&mut bytes, 0).map_err(OpenError::io("read", &path))?;
    let damaged = |reason: &str| OpenError::Damaged {
        file: path.clone(),
        offset: 0,
        reason: reason.to_owned(),
    };
    if read < BYTES || bytes[..8] != MAGIC || read_u32(&bytes, 12) != Some(checksum(&bytes)) {
        return Err(damaged("its checksum is wrong"));
    }
    let short = || damaged("it is cut short");
    let format = read_u32(&bytes, 8).ok_or_else(short)?;
    if format > FORMAT {
        return Err(OpenError::NewerFormat { file: path, found: format, known: FORMAT });
    }
    Ok(Identity { format, salt: read_u64(&bytes, 16).ok_or_else(short)? })
}

/// Makes the directory a store of today's format and of that salt, whatever it was before.
pub(crate) fn write(disk: &dyn Disk, names: &[String], salt: u64) -> Result<(), OpenError> {
    let failed = |action| OpenError::io(action, disk.describe(NAME));
    if names.iter().any(|name| name == UNFINISHED) {
        disk.remove(UNFINISHED).map_err(failed("remove the unfinished"))?;
    }
    let file = disk.create(UNFINISHED).map_err(failed("create"))?;
    file.write_all_at(&encode(salt), 0).map_err(failed("write"))?;
    file.sync_data().map_err(failed("sync"))?;
    disk.rename(UNFINISHED, NAME).map_err(failed("rename"))?;
    sync_name(disk)
}

/// Has the directory be no store any more.
pub(crate) fn remove(disk: &dyn Disk) -> Result<(), OpenError> {
    disk.remove(NAME).map_err(OpenError::io("remove", disk.describe(NAME)))?;
    sync_name(disk)
}

fn encode(salt: u64) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    out[..8].copy_from_slice(&MAGIC);
    out[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    out[16..24].copy_from_slice(&salt.to_le_bytes());
    let crc = checksum(&out);
    out[12..16].copy_from_slice(&crc.to_le_bytes());
    out
}

fn checksum(bytes: &[u8; BYTES]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&bytes[..12]), &bytes[16..])
}
