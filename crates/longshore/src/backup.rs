//! `backup`: copies a broker's directory, while the broker runs or not.

use crate::announce;
use crate::exit::Fault;
use crate::options::BackupOptions;

/// Segments after which it is said how far the copy has come: two gigabytes, of segments of 32 MiB.
const SAID_EVERY: usize = 64;

/// Copies the broker's own directory, reads the copy, and prints what it holds.
///
/// # Errors
///
/// A directory that cannot be read, or a place for the copy that is not empty, cannot start; a copy that did not
/// come to its end has failed.
pub fn backup(options: &BackupOptions) -> Result<(), Fault> {
    let (from, to) = options.directories();
    let copied = &mut |segments: usize| {
        if segments.is_multiple_of(SAID_EVERY) {
            announce::say(&format!("{segments} segments copied"));
        }
    };
    let made = longshore_broker::backup(&from, &to, copied).map_err(Fault::cannot_start)?;
    announce::say(&format!(
        "{} has {} segments, {} records and {} message bodies: `broker --data {}` serves them",
        to.display(),
        made.segments,
        made.records,
        made.bodies,
        options.to.display(),
    ));
    if made.rotten > 0 {
        announce::say(&format!(
            "{} messages have contents that rotted before they were copied: `verify --data {}` names them",
            made.rotten,
            options.to.display(),
        ));
    }
    Ok(())
}
