//! Looking at a broker's directory without changing it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use longshore_engine::MessageKey;
use longshore_storage::disk::RealDisk;
use longshore_storage::{Disk, Quarantined, Report, verify as verify_store};

use crate::core::Replay;

/// How many messages are named whose contents have rotted.
const NAMED_MAX: usize = 10_000;

/// What a directory holds, by reading all of it.
#[derive(Debug)]
pub struct Verified {
    report: Report,
    /// The messages whose contents have rotted, a line for each.
    rotten: Vec<String>,
}

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
    let disk: Arc<dyn Disk> = Arc::new(disk);
    let mut replay = Replay::default();
    let report = verify_store(&disk, &mut replay).map_err(|failure| failure.to_string())?;
    let named = report.quarantined.iter().take(NAMED_MAX);
    let rotten = named.map(|body| name(&replay, body)).collect();
    Ok(Verified { report, rotten })
}

/// Whose content has rotted, and where that is.
fn name(replay: &Replay, Quarantined { key, file, offset, bytes }: &Quarantined) -> String {
    let whose = match replay.named(MessageKey::new(key.0)) {
        Some((queue, id)) => format!("message {id} of {queue}"),
        None => format!("body {key}, which no queue has"),
    };
    format!("{whose}: {bytes} bytes at byte {offset} of {file} are not as they were written")
}

impl Verified {
    /// Whether all that was made durable is there as it was written.
    pub fn is_whole(&self) -> bool {
        self.report.damage.is_none() && self.report.quarantined.is_empty()
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { segments, spares, records, bodies, rotten, .. } = &self.report;
        writeln!(f, "{segments} segments in use and {spares} spare")?;
        let whole = bodies - rotten;
        writeln!(f, "{records} records and {whole} message bodies read, each as it was written")?;
        self.write_tail(f)?;
        self.write_rotten(f)?;
        match &self.report.damage {
            Some(damage) => write!(f, "damaged: {}", sentence(damage)),
            None if self.is_whole() => f.write_str("whole"),
            None => f.write_str("a broker starts with this directory, without those messages"),
        }
    }
}

impl Verified {
    fn write_tail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let torn_bytes = self.report.torn_bytes;
        if torn_bytes == 0 {
            return Ok(());
        }
        writeln!(
            f,
            "{torn_bytes} bytes at the end were being written when the broker stopped: the \
             next start cuts them, and nothing in them had been acknowledged"
        )
    }

    fn write_rotten(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { rotten, quarantined, .. } = &self.report;
        let unwanted = rotten.saturating_sub(quarantined.len() as u64);
        if unwanted > 0 {
            writeln!(
                f,
                "bodies that no message needs any more, and that have rotted: {unwanted}; look at the disk"
            )?;
        }
        for line in &self.rotten {
            writeln!(f, "{line}")?;
        }
        let unnamed = quarantined.len() - self.rotten.len();
        if unnamed > 0 {
            writeln!(f, "and {unnamed} more messages")?;
        }
        Ok(())
    }
}

/// What an error says, and what each of its causes says.
pub(crate) fn sentence(error: &dyn std::error::Error) -> String {
    let first = Some(error);
    let chain = std::iter::successors(first, |error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
