//! Debian's packages, installed where they are missing, this user is root, and there is `apt-get`.

use std::fs::File;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{on_path, tied};
use crate::workspace;

/// Installs packages without what they recommend, and without starting the services that they bring.
///
/// # Errors
///
/// This is no Debian, this user may not, or the packages cannot be had.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let what = packages.join(" ");
    ensure!(on_path("apt-get").is_some(), "not installed; Debian's packages are {what}");
    ensure!(tied::is_root()?, "not installed; root may: apt-get install {what}");
    println!("installing {what}");
    let log = workspace::cache()?.join("apt-stores.log");
    std::fs::create_dir_all(workspace::cache()?)?;
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let run = |command: &mut Command| {
        let command = command.stdout(file.try_clone()?).stderr(file.try_clone()?);
        workspace::succeed(command).with_context(|| format!("see {}", log.display()))
    };
    run(apt_get().arg("update"))?;
    run(apt_get().args(["install", "-y", "--no-install-recommends"]).args(packages))
}

fn apt_get() -> Command {
    let mut command = workspace::command("apt-get");
    // In this run level Debian starts no services.
    command.arg("-q").envs([("DEBIAN_FRONTEND", "noninteractive"), ("RUNLEVEL", "1")]);
    command
}
