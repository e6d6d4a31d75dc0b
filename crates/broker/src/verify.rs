//! Looking at a broker's directory without changing it.

use std::fmt;
use std::path::Path;

use longshore_storage::disk::RealDisk;
use longshore_storage::{OpenError, Report, verify as verify_store};

/// What a directory holds, by reading all of it.
#[derive(Debug)]
pub struct Verified(Report);

/// Reads everything in a broker's directory, checks it, and changes nothing. Blocks.
///
/// # Errors
///
/// A sentence that says why the directory cannot be read: it is not there, or a broker has it
/// open. Damage is no error here: [`Verified::is_whole`] tells.
pub fn verify(directory: &Path) -> Result<Verified, String> {
    let shown = directory.display();
    let disk = RealDisk::open_existing(directory)
        .map_err(|failure| format!("cannot open {shown}: {failure}"))?;
    verify_store(&disk).map(Verified).map_err(|failure| failure.to_string())
}

impl Verified {
    /// Whether all that was made durable is there as it was written.
    pub fn is_whole(&self) -> bool {
        self.0.damage.is_none()
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { segments, spares, records, bodies, torn_bytes, damage, .. } = &self.0;
        writeln!(f, "{segments} segments in use and {spares} spare")?;
        writeln!(f, "{records} records and {bodies} message bodies read, each as it was written")?;
        if *torn_bytes > 0 {
            writeln!(
                f,
                "{torn_bytes} bytes at the end were being written when the broker stopped: the \
                 next start cuts them, and nothing in them had been acknowledged"
            )?;
        }
        match damage {
            Some(damage) => write!(f, "damaged: {}", sentence(damage)),
            None => f.write_str("whole"),
        }
    }
}

/// What an error says, and what each of its causes says.
fn sentence(error: &OpenError) -> String {
    let first: Option<&dyn std::error::Error> = Some(error);
    let chain = std::iter::successors(first, |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
