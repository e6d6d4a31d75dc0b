//! Cargo's tools that the chores need, each in the version that it was tried with.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace;

/// The program of that name and version: this machine's, or one that is built into the cache, once.
///
/// # Errors
///
/// It is not there and cannot be built.
pub(crate) fn installed(name: &'static str, version: &str) -> Result<PathBuf> {
    let kept = workspace::cache()?.join("tools");
    let built = kept.join("bin").join(name);
    let candidates = [PathBuf::from(name), built.clone()];
    if let Some(found) = candidates.into_iter().find(|program| is_right(program, name, version)) {
        return Ok(found);
    }
    println!("installing {name} {version} into {} (a few minutes, once)", kept.display());
    let root = kept.to_str().context("the cache directory's name is not UTF-8")?;
    let arguments = ["install", name, "--version", version, "--locked", "--quiet", "--root", root];
    // Without the target directory of the workspace: what is built for a tool is used once.
    workspace::succeed(workspace::cargo(arguments).env_remove("CARGO_TARGET_DIR"))?;
    Ok(built)
}

fn is_right(program: &PathBuf, name: &str, version: &str) -> bool {
    workspace::output_of(workspace::command(program).arg("--version"))
        .is_ok_and(|said| said == format!("{name} {version}"))
}
