//! A file with a line for every computation that began: for audits of what was computed how often.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore::Fault;
use longshore::tasks::TaskId;

/// The file of computations. Cheap to clone; processes can share a file.
#[derive(Clone, Debug)]
pub(crate) struct WorkLog {
    file: Arc<File>,
    path: Arc<PathBuf>,
}

impl WorkLog {
    /// Opens the file to append to it, and creates it if missing.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|fault| {
            let path = path.display();
            Fault::cannot_start(format!(
                "the work log {path} cannot be opened: {fault}; name another with --work-log"
            ))
        })?;
        Ok(Self { file: Arc::new(file), path: Arc::new(path.to_owned()) })
    }

    /// Appends `<task id> <argument>`.
    ///
    /// A line is one write to a file that is only appended to, so lines of several processes do
    /// not mix.
    pub(crate) fn begun(&self, task: &TaskId, argument: u64) -> io::Result<()> {
        let line = format!("{task} {argument}\n");
        (&*self.file).write_all(line.as_bytes()).map_err(|fault| {
            let path = self.path.display();
            io::Error::new(fault.kind(), format!("the work log {path} cannot be written: {fault}"))
        })
    }
}
