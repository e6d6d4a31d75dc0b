//! The file of a store: for its owner alone.

use std::fs::{self, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What the owner may do, and nobody else anything. `SQLite` gives its journal the same.
const PRIVATE: u32 = 0o600;

/// Makes the file if there is none, and takes it from everybody but its owner.
///
/// # Errors
///
/// It cannot be made or changed.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(PRIVATE).open(path)?;
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        take_from_others(Path::new(&name))?;
    }
    Ok(())
}

/// An earlier version left its files open to everybody.
#[expect(clippy::verbose_bit_mask, reason = "a mode is read in octal")]
fn take_from_others(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::metadata(path) else { return Ok(()) };
    let mode = found.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o700))
}
