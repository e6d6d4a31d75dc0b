//! The directory twice: the names that a reader sees now, and those the disk is sure to have.
//!
//! A file is a number in the disk's list; a name stands for one. What was created, renamed or removed
//! since the last sync of the directory is kept or dropped by a power cut, each on its own.

use std::{collections::BTreeMap, io};

use super::{image::PowerCut, random::Random};

/// Which file a name stands for.
type Table = BTreeMap<String, usize>;

/// The names of a disk.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    live: Table,
    durable: Table,
    unsynced: Vec<NameChange>,
}

#[derive(Debug, Clone)]
enum NameChange {
    /// The only name of the file from now on.
    Add(String, usize),
    Remove(String),
}

impl Names {
    /// Gives `file` this name and no other.
    pub(super) fn add(&mut self, name: &str, file: usize) {
        self.change(NameChange::Add(name.to_owned(), file));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(NameChange::Remove(name.to_owned()));
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.live);
        self.unsynced.push(change);
    }

    /// Gives `file` this name, on the disk too.
    pub(super) fn add_synced(&mut self, name: &str, file: usize) {
        self.live.insert(name.to_owned(), file);
        self.durable.insert(name.to_owned(), file);
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.live.contains_key(name)
    }

    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        self.live.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn list(&self) -> Vec<String> {
        self.live.keys().cloned().collect()
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.live);
        self.unsynced.clear();
    }

    /// The same names, all of them synced.
    pub(super) fn synced(&self) -> Self {
        let mut names = self.clone();
        names.sync();
        names
    }

    /// The names after a power cut.
    pub(super) fn after(&self, cut: PowerCut, random: &mut Random) -> Self {
        let mut left = self.durable.clone();
        for change in &self.unsynced {
            if cut.keeps(random) {
                change.apply(&mut left);
            }
        }
        Self { live: left.clone(), durable: left, unsynced: Vec::new() }
    }
}

impl NameChange {
    fn apply(&self, names: &mut Table) {
        match self {
            Self::Add(name, file) => {
                names.retain(|_, other| other != file);
                names.insert(name.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}
