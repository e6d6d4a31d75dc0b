//! The second kind of thing that a store keeps: small values by key, each with a version and a time
//! to live. What is paused, which workers there are, how many of a key may run.

use longshore_types::Timestamp;

use crate::life::When;

/// A value that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its key: up to 256 characters of ASCII without control characters.
    pub key: String,
    /// How often it was put: 1 for the first time.
    pub version: u64,
    /// What its last writer marked it with.
    pub mark: u64,
    /// The value: up to 64 KiB.
    pub text: String,
    /// When it goes.
    pub keep: Timestamp,
}

/// What has to be there for a value to be put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there, or nothing.
    Anything,
    /// No value.
    Nothing,
    /// The value of that version.
    Version(u64),
}

impl Expected {
    /// Whether it is met where a value of `version` is, or none.
    pub fn is_met(self, version: Option<u64>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => version.is_none(),
            Self::Version(expected) => version == Some(expected),
        }
    }
}

/// A value to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutValue {
    /// Its key.
    pub key: String,
    /// What has to be there.
    pub expected: Expected,
    /// A random number that is this write's own.
    pub mark: u64,
    /// The value.
    pub text: String,
    /// When it goes. A time that has passed removes it.
    pub keep: When,
}

/// What became of a value that was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueWritten {
    /// It is there, as this version.
    Done(u64),
    /// Something else is there, or nothing.
    Conflict(Option<Value>),
}
