//! The files of segments that are only read: few of them are open at a time.
//!
//! A long backlog has thousands of segments, and a process may have a thousand files open. So what is
//! behind the active segment is opened when it is read, and closed when others were read since.
//!
//! # Invariants
//!
//! - At most [`OPEN_MAX`] such files are open, beside those that somebody reads at this moment.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Disk, disk::DiskFile};

/// How many files are kept open for reading.
const OPEN_MAX: usize = 64;

/// Files by name, the ones that were read last at the end.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    disk: Arc<dyn Disk>,
    open: Mutex<VecDeque<(String, Arc<dyn DiskFile>)>>,
}

impl OpenFiles {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Arc<Self> {
        Arc::new(Self { disk, open: Mutex::new(VecDeque::new()) })
    }

    /// A file that is opened whenever it is read. It must be there.
    pub(crate) fn open(self: &Arc<Self>, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.get(name)?;
        Ok(self.later(name))
    }

    /// A file that is opened whenever it is read, as yet not.
    pub(crate) fn later(self: &Arc<Self>, name: &str) -> Arc<dyn DiskFile> {
        Arc::new(OpenedLater { files: Arc::clone(self), name: name.to_owned() })
    }

    /// Closes a file that is no longer of use, so that its space is given back.
    pub(crate) fn close(&self, name: &str) {
        self.files().retain(|(other, _)| other != name);
    }

    fn get(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut files = self.files();
        if let Some(at) = files.iter().rposition(|(other, _)| other == name) {
            let found = files.remove(at).expect("it was found there");
            files.push_back(found.clone());
            return Ok(found.1);
        }
        drop(files);
        let file = self.disk.open(name)?;
        let mut files = self.files();
        files.push_back((name.to_owned(), Arc::clone(&file)));
        if files.len() > OPEN_MAX {
            files.pop_front();
        }
        Ok(file)
    }

    /// A file, if it is open.
    fn opened(&self, name: &str) -> Option<Arc<dyn DiskFile>> {
        let files = self.files();
        let (_, file) = files.iter().rev().find(|(other, _)| other == name)?;
        Some(Arc::clone(file))
    }

    /// The list is whole at all times.
    fn files(&self) -> MutexGuard<'_, VecDeque<(String, Arc<dyn DiskFile>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct OpenedLater {
    files: Arc<OpenFiles>,
    name: String,
}

impl DiskFile for OpenedLater {
    fn len(&self) -> io::Result<u64> {
        self.files.get(&self.name)?.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.files.get(&self.name)?.read_at(buffer, offset)
    }

    fn read_at_hand(&self, buffer: &mut [u8], offset: u64) -> bool {
        self.files.opened(&self.name).is_some_and(|file| file.read_at_hand(buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.files.get(&self.name)?.write_at(bytes, offset)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.files.get(&self.name)?.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.files.get(&self.name)?.sync_data()
    }
}
