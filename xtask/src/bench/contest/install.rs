//! What the peers need, installed into the cache: a directory for each state of their files, so that none is half right.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::test::servers;
use crate::workspace;

/// Marks a directory that is complete.
const COMPLETE: &str = "complete";

/// The programs that entrants are started with.
#[derive(Debug)]
pub(super) struct Installed {
    /// Longshore's program.
    pub(super) longshore: PathBuf,
    /// The directory of the programs for Node, beside their packages.
    pub(super) node: Option<PathBuf>,
    /// The Python that has Celery.
    pub(super) python: Option<PathBuf>,
}

impl Installed {
    /// Longshore's alone.
    pub(super) fn new(longshore: &Path) -> Self {
        Self { longshore: longshore.to_path_buf(), node: None, python: None }
    }

    /// The packages for Node, by `npm ci`.
    pub(super) fn need_node(&mut self) -> Result<()> {
        if self.node.is_none() {
            self.node = Some(installed(
                "node",
                &["node", "npm"],
                "npm ci --ignore-scripts --no-fund --no-audit --loglevel=error",
            )?);
        }
        Ok(())
    }

    /// Celery, by pip into an environment of its own.
    pub(super) fn need_python(&mut self) -> Result<()> {
        if self.python.is_none() {
            let pip = "python3 -m venv venv && venv/bin/python -m pip install --quiet --disable-pip-version-check \
                       --requirement requirements.txt";
            self.python = Some(installed("celery", &["python3"], pip)?.join("venv/bin/python"));
        }
        Ok(())
    }
}

/// Where the peers' programs are in the checkout.
pub(super) fn peers() -> PathBuf {
    workspace::root().join("benches/peers")
}

/// A copy of a peer's files in the cache, in which the commands have ended well.
fn installed(name: &str, tools: &[&str], commands: &str) -> Result<PathBuf> {
    for tool in tools {
        ensure!(servers::on_path(tool).is_some(), "{tool} is not installed");
    }
    let files = files(&peers().join(name))?;
    let place = workspace::cache()?
        .join("peers")
        .join(format!("{name}-{:016x}", digest(&files, commands)?));
    if place.join(COMPLETE).exists() {
        return Ok(place);
    }
    println!("installing {name} into {}", place.display());
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    for file in &files {
        fs::copy(file, place.join(file.file_name().unwrap_or_default()))?;
    }
    workspace::succeed(workspace::command("sh").args(["-ec", commands]).current_dir(&place))?;
    fs::write(place.join(COMPLETE), "")?;
    Ok(place)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|path| path.is_file());
    files.sort();
    Ok(files)
}

fn digest(files: &[PathBuf], commands: &str) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    commands.hash(&mut hasher);
    for file in files {
        (file.file_name(), fs::read(file)?).hash(&mut hasher);
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_installed_anew_and_the_same_files_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let digest = || digest(&files(directory.path()).unwrap(), "npm ci").unwrap();
        fs::write(directory.path().join("package.json"), "{}").unwrap();
        let before = digest();
        assert_eq!(before, digest());
        fs::write(directory.path().join("package.json"), "{ }").unwrap();
        assert_ne!(before, digest());
    }

    #[test]
    fn a_tool_that_is_missing_is_named() {
        let failure = installed("celery", &["no-such-tool"], "true").unwrap_err();
        assert_eq!(failure.to_string(), "no-such-tool is not installed");
    }
}
