//! How long this disk takes to make a small write durable: no number of a durable broker means anything without it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::fleet::Record;
use crate::stopwatch::Stopwatch;

const BLOCK: [u8; 4096] = [0; 4096];
const BLOCK_COUNT: u64 = 64;
const SYNC_COUNT: u64 = 256;

/// Times of a 4 KiB write with fdatasync into blocks that were written before, as samples of a record.
pub(super) fn measure(directory: &Path) -> Result<Record> {
    let path = directory.join("sync");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    for block in 0..BLOCK_COUNT {
        file.write_all_at(&BLOCK, block * BLOCK.len() as u64)?;
    }
    file.sync_all()?;
    let mut record = Record::default();
    for write in 0..SYNC_COUNT {
        let watch = Stopwatch::start();
        file.write_all_at(&BLOCK, write % BLOCK_COUNT * BLOCK.len() as u64)?;
        file.sync_data()?;
        record.sample(watch.elapsed());
    }
    record.samples.sort_unstable();
    std::fs::remove_file(path)?;
    Ok(record)
}
