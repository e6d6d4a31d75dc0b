//! Copying a broker's directory, while the broker runs or not.

use std::path::Path;
use std::sync::Arc;

use longshore_storage::disk::RealDisk;
use longshore_storage::{Disk, OpenError, Report, Watch, verify as verify_store};

use crate::core::Replay;
use crate::verify::sentence;

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Records of the log in the copy.
    pub records: u64,
    /// Message bodies in the copy, those of deleted messages that are still in its segments too.
    pub bodies: u64,
    /// Segments with records or bodies.
    pub segments: usize,
    /// Messages whose contents have rotted, in the source too: `verify` names them.
    pub rotten: usize,
}

/// Copies a broker's directory into another, which must be empty or not there yet, and reads all of the copy. It has
/// all that the broker had acknowledged when the copy was begun. `copied` is told each time that another segment is
/// copied, and how many are by then. Blocks.
///
/// The broker goes on meanwhile, and gives no space back until the copy is made.
///
/// # Errors
///
/// A sentence that says why there is no copy.
pub fn backup(from: &Path, to: &Path, copied: &mut dyn FnMut(usize)) -> Result<BackedUp, String> {
    let cannot = |what, path: &Path| {
        let shown = path.display().to_string();
        move |failure: std::io::Error| format!("cannot {what} {shown}: {failure}")
    };
    let source = RealDisk::open_existing(from).map_err(cannot("open", from))?;
    let copy: Arc<dyn Disk> = Arc::new(RealDisk::open(to).map_err(cannot("make", to))?);
    let mut watch = Watching { copy: Arc::clone(&copy), copied };
    let made = longshore_storage::backup(&source, &*copy, &mut watch);
    let made = made.map_err(|failure| sentence(&failure))?;
    let Report { records, bodies, segments, quarantined, .. } = made;
    Ok(BackedUp { records, bodies, segments, rotten: quarantined.len() })
}

struct Watching<'a> {
    copy: Arc<dyn Disk>,
    copied: &'a mut dyn FnMut(usize),
}

impl Watch for Watching<'_> {
    fn copied(&mut self, segments: usize) {
        (self.copied)(segments);
    }

    fn verify(&mut self) -> Result<Report, OpenError> {
        verify_store(&self.copy, &mut Replay::default())
    }
}
