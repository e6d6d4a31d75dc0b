//! The file of a store: for its owner alone.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// What the owner may do, and nobody else anything. `SQLite` gives its journal the same.
const PRIVATE: u32 = 0o600;

/// What a file of `SQLite` begins with, unless nothing has been written to it.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// Whether something is there, and it begins as a database does.
///
/// # Errors
///
/// It cannot be read.
pub(super) fn is_database(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(begins_with(File::open(path)?)? == MAGIC),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the file if there is none, and takes it from everybody but its owner. A file of something
/// else, which was named by mistake, keeps its mode: `SQLite` refuses it.
///
/// # Errors
///
/// It cannot be made or changed.
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file =
        options.create(true).truncate(false).read(true).write(true).mode(PRIVATE).open(path)?;
    if !can_be_a_store(file)? {
        return Ok(());
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        take_from_others(Path::new(&name))?;
    }
    Ok(())
}

fn can_be_a_store(file: File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let begins = begins_with(file)?;
    Ok(begins.is_empty() || begins == MAGIC)
}

/// The first bytes, as many as tell a database.
fn begins_with(file: File) -> io::Result<Vec<u8>> {
    let mut begins = Vec::with_capacity(MAGIC.len());
    file.take(MAGIC.len() as u64).read_to_end(&mut begins)?;
    Ok(begins)
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
