//! The file of what ran: a line for each run, with the task's number in twenty digits.
//!
//! Every peer writes it, one write a run, so that when the last task is done, and whether one ran twice, is counted
//! outside of all of them by the same means.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

/// Names the file.
const VARIABLE: &str = "PEER_RAN";

/// The file. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Ran(Arc<File>);

impl Ran {
    /// Opens the file that the environment names.
    pub(crate) fn open() -> io::Result<Self> {
        let path = std::env::var_os(VARIABLE);
        let unnamed = || io::Error::other(format!("{VARIABLE} must name the file of what ran"));
        Self::at(Path::new(&path.ok_or_else(unnamed)?))
    }

    fn at(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self(Arc::new(file)))
    }

    /// Appends the number of a task that runs.
    pub(crate) fn note(&self, number: u64) -> io::Result<()> {
        (&*self.0).write_all(format!("{number:020}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_is_a_line_of_one_length() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ran");
        let ran = Ran::at(&path).unwrap();
        ran.note(7).unwrap();
        ran.note(u64::MAX).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text, "00000000000000000007\n18446744073709551615\n");
    }
}
