//! `salvage`: writes what is whole of a broker's directory to a file.

use longshore_broker::SalvageStep;

use crate::announce;
use crate::exit::Fault;
use crate::options::SalvageOptions;

/// How often it says how far it has come while it reads.
const SAID: usize = 20;

/// Writes the queues and messages of a stopped broker that can be read, and says what cannot.
///
/// # Errors
///
/// A directory that cannot be read or is in use, and a file that cannot be made, cannot start. If something is
/// missing, it has failed: all else is in the file.
pub fn salvage(options: &SalvageOptions) -> Result<(), Fault> {
    let directory = options.data.broker();
    let salvaged = longshore_broker::salvage(&directory, &options.to, &mut tell);
    let salvaged = salvaged.map_err(Fault::cannot_start)?;
    announce::say(&salvaged.to_string());
    if salvaged.is_all() {
        return Ok(());
    }
    Err(Fault::failed(format!(
        "not all of {} could be read, see above: the rest is in {}",
        directory.display(),
        options.to.display()
    )))
}

fn tell(step: SalvageStep) {
    match step {
        SalvageStep::Read(done, all) => {
            if all > SAID && done % (all / SAID) == 0 {
                announce::say(&format!("{done} of {all} files read"));
            }
        }
        SalvageStep::Written(messages) => announce::say(&format!("{messages} messages written")),
    }
}
