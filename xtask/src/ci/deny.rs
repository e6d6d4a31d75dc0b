//! Licences, sources and crate arrows, by cargo-deny.
//!
//! The advisory database is left out: it lives in a git repository that a build machine may not reach, and a check
//! that depends on the day does not belong in the check of a change.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

/// The version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

/// Installs cargo-deny if this machine has no such version, and runs it.
pub(crate) fn run() -> Result<()> {
    let program = program()?;
    let checks = ["deny", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    workspace::succeed(workspace::command(program).args(checks))
}

fn program() -> Result<PathBuf> {
    let kept = workspace::cache()?.join("tools");
    let candidates = [PathBuf::from("cargo-deny"), kept.join("bin/cargo-deny")];
    if let Some(found) = candidates.iter().find(|program| is_right(program)) {
        return Ok(found.clone());
    }
    println!("installing cargo-deny {VERSION} into {} (a few minutes, once)", kept.display());
    let root = kept.to_str().context("the cache directory's name is not UTF-8")?;
    let arguments =
        ["install", "cargo-deny", "--version", VERSION, "--locked", "--quiet", "--root", root];
    // Without the target directory of the workspace: what is built for a tool is used once.
    workspace::succeed(workspace::cargo(arguments).env_remove("CARGO_TARGET_DIR"))?;
    Ok(kept.join("bin/cargo-deny"))
}

fn is_right(program: &PathBuf) -> bool {
    workspace::output_of(workspace::command(program).arg("--version"))
        .is_ok_and(|version| version == format!("cargo-deny {VERSION}"))
}
