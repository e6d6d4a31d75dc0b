//! Licences, sources and crate arrows, by cargo-deny.
//!
//! The advisory database is left out: it lives in a git repository that a build machine may not reach, and a check
//! that depends on the day does not belong in the check of a change.

use anyhow::Result;

use crate::{tool, workspace};

/// The version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny if this machine has no such version, and runs it.
pub(crate) fn run() -> Result<()> {
    let program = tool::installed("cargo-deny", VERSION)?;
    let checks = ["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    workspace::succeed(workspace::command(program).args(checks))
}
