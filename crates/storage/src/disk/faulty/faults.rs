//! What goes wrong, and when: the failures that were asked for, and the power switch.
//!
//! Every call is counted, by its kind and, if it would change something, once more. A count that was
//! asked for fails. Once the power is off, every call does.

use std::{collections::BTreeMap, io};

/// A kind of call, to count it or to make one of them fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing the directory.
    SyncDir,
    /// Taking space.
    Allocate,
    /// Creating, renaming or removing a file.
    Name,
}

/// The script of a disk, and how far it has come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    counts: BTreeMap<Operation, u64>,
    failures: Vec<(Operation, u64, io::ErrorKind)>,
    changes: u64,
    power_off_at: Option<u64>,
    off: bool,
}

impl Faults {
    /// Has the `nth` call of this kind from now on fail.
    pub(super) fn fail(&mut self, operation: Operation, nth: u64, kind: io::ErrorKind) {
        let at = self.count(operation) + nth;
        self.failures.push((operation, at, kind));
    }

    /// Has the `nth` change from now on be the last.
    pub(super) fn power_off_at(&mut self, nth: u64) {
        self.power_off_at = Some(self.changes + nth);
    }

    pub(super) fn power_off(&mut self) {
        self.off = true;
    }

    pub(super) fn is_off(&self) -> bool {
        self.off
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn count(&self, operation: Operation) -> u64 {
        self.counts.get(&operation).copied().unwrap_or(0)
    }

    /// Counts a call, and fails it if that was asked for.
    pub(super) fn call(&mut self, operation: Operation) -> io::Result<()> {
        if self.off {
            return Err(io::Error::other("the power is off"));
        }
        *self.counts.entry(operation).or_default() += 1;
        let count = self.count(operation);
        let asked = |(o, at, _): &&(Operation, u64, io::ErrorKind)| *o == operation && *at == count;
        match self.failures.iter().find(asked) {
            Some((_, _, kind)) => Err((*kind).into()),
            None => Ok(()),
        }
    }

    /// Counts a call that changes something, and turns the power off if it was to be the last. A
    /// write is still begun then: it is for the caller to see that the power is off.
    pub(super) fn change(&mut self, operation: Operation) -> io::Result<()> {
        self.call(operation)?;
        self.changes += 1;
        self.off = self.power_off_at.is_some_and(|at| self.changes >= at);
        if self.off && operation != Operation::Write {
            return Err(io::Error::other("the power went off"));
        }
        Ok(())
    }
}
