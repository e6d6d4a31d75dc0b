//! `verify`: reads a broker's directory, and says whether it is whole.

use crate::announce;
use crate::exit::Fault;
use crate::options::DataOptions;

/// Reads the broker's directory and prints what it holds.
///
/// # Errors
///
/// A directory that cannot be read or is in use cannot start; one that is damaged has failed.
pub fn verify(data: &DataOptions) -> Result<(), Fault> {
    let directory = data.broker();
    let verified = longshore_broker::verify(&directory).map_err(Fault::cannot_start)?;
    announce::say(&verified.to_string());
    if verified.is_whole() {
        return Ok(());
    }
    Err(Fault::failed(format!("{} is damaged, see above", directory.display())))
}
