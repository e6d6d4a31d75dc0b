//! `cargo xtask advisories`: whether a dependency has a known vulnerability, by cargo-deny.
//!
//! The advisory database is a git repository of its own. Where it cannot be fetched, nothing is known, and the chore
//! fails and says so: it is no part of CI, because what it finds depends on the day and not on the change.

use anyhow::{Context, Result};

use crate::ci::deny;
use crate::workspace;

/// Fetches the database and compares every workspace's lock file with it.
///
/// # Errors
///
/// A dependency has an advisory, or the database cannot be fetched.
pub(crate) fn run() -> Result<()> {
    let program = deny::installed()?;
    let check = ["deny", "check", "--hide-inclusion-graph", "advisories"];
    workspace::succeed(workspace::command(program).args(check)).context(
        "a dependency has an advisory, or the database could not be fetched, and then nothing is known: what is above says which",
    )
}
