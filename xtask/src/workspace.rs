//! Where things are, and how a child process is started: from the root, without input, in a clean environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The root of the workspace that this program was built from.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the manifest lies in xtask/, below the root")
}

/// The directory of the dev profile, absolute: programs built by `cargo build` appear there.
///
/// This program was put there by cargo itself, so it is right whatever moved the target directory
/// (`CARGO_TARGET_DIR`, a configuration file, a build for a named target).
pub(crate) fn dev_profile() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find out where this program lies")?;
    let directory = program.parent().context("this program has no parent directory")?;
    Ok(directory.to_path_buf())
}

/// The directory of the release profile, absolute.
pub(crate) fn release_profile() -> Result<PathBuf> {
    Ok(dev_profile()?.with_file_name("release"))
}

/// Where tools are kept between runs, outside the clone: `LONGSHORE_CACHE`, else the user's cache directory.
pub(crate) fn cache() -> Result<PathBuf> {
    let from =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    from("LONGSHORE_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|directory| directory.join("longshore")))
        .or_else(|| from("HOME").map(|home| home.join(".cache/longshore")))
        .context("no cache directory: set LONGSHORE_CACHE or HOME")
}

/// A command that starts at the root, reads nothing, and does not inherit what `cargo run` told this program.
///
/// Build scripts that watch such variables (ring's does) would rebuild half of the tree whenever a chore and a plain
/// `cargo build` take turns.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_cargo_run) {
            command.env_remove(name);
        }
    }
    command
}

/// A cargo command with the toolchain that started this program.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// Runs a command to its end, with its output on this terminal.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", shown(command)))?;
    ensure!(status.success(), "{} ended with {status}", shown(command));
    Ok(())
}

/// What a command prints, trimmed.
pub(crate) fn output_of(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {}", shown(command)))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{} ended with {}\n{}",
        shown(command),
        output.status,
        complaint.trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_of_cargo_run(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_BIN_NAME", "CARGO_CRATE_NAME"]
            .contains(&name)
        || ["CARGO_PRIMARY_PACKAGE", "OUT_DIR", "LD_LIBRARY_PATH"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_run_tells_this_program_is_not_passed_on_but_settings_are() {
        assert!(is_of_cargo_run("CARGO_PKG_NAME") && is_of_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(!is_of_cargo_run("CARGO_TARGET_DIR") && !is_of_cargo_run("CARGO_INCREMENTAL"));
    }

    #[test]
    fn a_failed_command_is_named_with_its_arguments() {
        let failure = succeed(&mut command("false")).unwrap_err().to_string();
        assert!(failure.starts_with("false ended with"), "{failure}");
    }
}
