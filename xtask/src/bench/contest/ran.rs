//! The file of what ran, which every worker appends to: a line of twenty digits and a line feed for each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::stopwatch::Stopwatch;

const LINE_BYTES: u64 = 21;
const PAUSE: Duration = Duration::from_millis(2);

/// The file.
#[derive(Debug)]
pub(super) struct Ran(PathBuf);

impl Ran {
    /// An empty file.
    pub(super) fn create(path: PathBuf) -> Result<Self> {
        fs::write(&path, "").with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until there were so many runs.
    pub(super) fn wait_for(&self, count: u64, limit: Duration) -> Result<()> {
        let watch = Stopwatch::start();
        while self.count()? < count {
            ensure!(
                watch.elapsed() < limit,
                "{} of {count} tasks had run after {} s more",
                self.count()?,
                limit.as_secs()
            );
            thread::park_timeout(PAUSE);
        }
        Ok(())
    }

    fn count(&self) -> Result<u64> {
        Ok(fs::metadata(&self.0)?.len() / LINE_BYTES)
    }

    /// The numbers of the tasks that ran, a number for each run.
    pub(super) fn numbers(&self) -> Result<Vec<u64>> {
        let text = fs::read_to_string(&self.0)?;
        text.lines()
            .map(|line| line.parse().with_context(|| format!("{line} is no number")))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_while_they_are_written_and_then_read() {
        let directory = tempfile::tempdir().unwrap();
        let ran = Ran::create(directory.path().join("ran")).unwrap();
        assert!(ran.wait_for(1, Duration::ZERO).is_err());
        fs::write(ran.path(), format!("{:020}\n{:020}\n", 7, 8)).unwrap();
        ran.wait_for(2, Duration::ZERO).unwrap();
        assert_eq!(ran.numbers().unwrap(), [7, 8]);
    }
}
