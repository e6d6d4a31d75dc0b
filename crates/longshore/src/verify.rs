//! `verify`: reads a broker's directory, and says whether it is whole.

use std::path::Path;

use crate::announce;
use crate::exit::Fault;

/// Reads the broker's own directory and prints what it holds.
///
/// # Errors
///
/// A directory that cannot be read or is in use cannot start; one that is damaged has failed.
pub fn verify(directory: &Path) -> Result<(), Fault> {
    let verified = longshore_broker::verify(directory).map_err(Fault::cannot_start)?;
    announce::say(&verified.to_string());
    if verified.is_whole() {
        return Ok(());
    }
    Err(Fault::failed(format!("{} is damaged, see above", directory.display())))
}
