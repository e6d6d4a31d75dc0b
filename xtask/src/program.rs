//! A program that a chore starts and stops: what it says goes into a file, and it is stopped by its id, never by name.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::stopwatch::Stopwatch;
use crate::workspace;

const STOP_MAX: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

/// A running program; dropped, it is asked to stop, and killed if it does not within 30 seconds.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    log: PathBuf,
    signal: &'static str,
}

impl Program {
    /// Starts it; its log is a file of its name in `directory`.
    pub(crate) fn start(name: &str, command: &mut Command, directory: &Path) -> Result<Self> {
        let log = directory.join(format!("{}.log", name.replace(' ', "-")));
        let file = File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start the {name} program"))?;
        Ok(Self { name: name.to_owned(), child, log, signal: "TERM" })
    }

    /// Asks it to stop by this signal instead of TERM.
    pub(crate) fn stopped_by(mut self, signal: &'static str) -> Self {
        self.signal = signal;
        self
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    ///
    /// The program ended, or was not ready within `limit`; the error holds the end of its log.
    pub(crate) fn wait_until(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let watch = Stopwatch::start();
        while !ready() {
            let ended = self.child.try_wait()?;
            if ended.is_some() || watch.elapsed() > limit {
                let how = ended.map_or("gave no answer in time".to_owned(), |status| {
                    format!("ended with {status}")
                });
                bail!("the {} program {how}; it said:\n{}", self.name, self.said());
            }
            thread::park_timeout(PAUSE);
        }
        Ok(())
    }

    /// The end of its log.
    pub(crate) fn said(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn stop(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let mut kill = workspace::command("kill");
        workspace::succeed(kill.args(["-s", self.signal, &self.child.id().to_string()]))?;
        let watch = Stopwatch::start();
        while watch.elapsed() < STOP_MAX {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::park_timeout(PAUSE);
        }
        bail!("it did not stop within {} s of being asked", STOP_MAX.as_secs())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(failure) = self.stop() {
            println!("the {} program is killed: {failure:#}", self.name);
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// An address of the loopback interface. Its port is free now; nothing else on a quiet machine takes it before the
/// program does that it is for.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(script: &str) -> (tempfile::TempDir, Program) {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let program = Program::start("the one", command.args(["-c", script]), directory.path());
        (directory, program.unwrap())
    }

    #[test]
    fn a_program_that_ends_at_once_is_reported_with_what_it_said() {
        let (_directory, mut program) = started("echo 'no such disk'; exit 3");
        let failure = program.wait_until(STOP_MAX, || false).unwrap_err().to_string();
        assert!(failure.contains("ended with exit status: 3; it said:\nno such disk"), "{failure}");
    }

    #[test]
    fn a_program_that_is_dropped_has_ended() {
        let (_directory, program) = started("exec sleep 60");
        let process = PathBuf::from(format!("/proc/{}", program.id()));
        drop(program);
        assert!(!process.exists());
    }
}
