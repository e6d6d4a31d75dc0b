//! Processes that end with this one, whatever ends it, and that run as another user if they refuse to run as root.
//!
//! `setpriv` asks the kernel for the one and does the other, and then becomes the program: the process that was
//! started is the server itself. Where there is no `setpriv`, as on macOS, a server outlives a chore that is killed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::on_path;
use crate::workspace;

/// A command in `directory` whose process is sent `signal` when this process ends.
pub(crate) fn command(program: &Path, signal: &str, directory: &Path) -> Command {
    let mut command = match on_path("setpriv") {
        Some(setpriv) => {
            let mut command = workspace::command(setpriv);
            command.args(["--pdeathsig", signal, "--"]).arg(program);
            command
        }
        None => workspace::command(program),
    };
    command.current_dir(directory);
    command
}

/// As [`command`], as this user and no other.
///
/// # Errors
///
/// Nothing here can change the user.
pub(super) fn command_as(
    user: &str,
    program: &Path,
    signal: &str,
    directory: &Path,
) -> Result<Command> {
    let setpriv =
        on_path("setpriv").context("it refuses to run as root, and setpriv is missing")?;
    let mut command = workspace::command(setpriv);
    command.args(["--reuid", user, "--regid", user, "--init-groups"]);
    command.args(["--pdeathsig", signal, "--"]).arg(program).current_dir(directory);
    Ok(command)
}

/// Whether this process may do everything.
pub(super) fn is_root() -> Result<bool> {
    Ok(workspace::output_of(workspace::command("id").arg("-u"))? == "0")
}

/// Gives a directory to a user.
pub(super) fn give(directory: &Path, user: &str) -> Result<()> {
    let mut chown = workspace::command("chown");
    let status = chown.arg(user).arg(directory).status().context("cannot start chown")?;
    ensure!(status.success(), "cannot give {} to {user}", directory.display());
    Ok(())
}

/// Lets other users reach what lies in a directory by its name, and not list it.
pub(crate) fn let_others_pass(directory: &Path) -> Result<()> {
    let passable = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(directory, passable)
        .with_context(|| format!("cannot set the permissions of {}", directory.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::program::Program;

    #[test]
    fn a_server_ends_when_the_process_that_started_it_is_killed() {
        let directory = tempfile::tempdir().unwrap();
        let tied = command(Path::new("sleep"), "TERM", directory.path());
        if on_path("setpriv").is_none() {
            return;
        }
        // A shell that starts it, tells its id, and waits until it is killed, as a chore might be.
        let words: Vec<_> = tied.get_args().filter_map(|word| word.to_str()).collect();
        let script = format!("setpriv {} 60 & echo $! >id; mv id told; wait", words.join(" "));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(directory.path());
        let mut chore =
            Program::start("chore", &mut shell, directory.path()).unwrap().stopped_by("KILL");
        let told = directory.path().join("told");
        let id = || std::fs::read_to_string(&told).map(|id| id.trim().to_owned());
        let of_process = |file| std::fs::read_to_string(format!("/proc/{}/{file}", id()?));
        // Until then it is setpriv, which may not have asked the kernel yet.
        let runs = || of_process("comm").is_ok_and(|comm| comm == "sleep\n");
        chore.wait_until(Duration::from_secs(10), runs).unwrap();
        drop(chore);
        let ended = || of_process("stat").map_or(true, |stat| stat.contains(") Z "));
        let mut meanwhile = Command::new("sleep");
        let mut meanwhile =
            Program::start("meanwhile", meanwhile.arg("60"), directory.path()).unwrap();
        meanwhile.wait_until(Duration::from_secs(10), ended).unwrap();
    }
}
