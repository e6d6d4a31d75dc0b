//! Where mails go: a directory, with a file for each, in place of a mail server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use longshore::tasks::TaskId;

/// The directory of mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mails {
    directory: Arc<PathBuf>,
}

impl Mails {
    /// Makes the directory if it is missing.
    ///
    /// # Errors
    ///
    /// It cannot be made.
    pub fn open(gallery: &Path) -> io::Result<Self> {
        let directory = gallery.join("mails");
        fs::create_dir_all(&directory)?;
        Ok(Self { directory: Arc::new(directory) })
    }

    /// Delivers a mail. It is named after its task, so that a task which runs twice writes one mail.
    ///
    /// # Errors
    ///
    /// The directory is gone, or cannot be written.
    pub fn deliver(&self, task: &TaskId, text: &str) -> io::Result<()> {
        let name = task.as_str().replace(':', "_");
        fs::write(self.directory.join(format!("{name}.txt")), text)
    }
}
