//! How the program ends: its exit codes, and the sentence that goes with each.
//!
//! A [`Fault`] is what ends the program other than well. Its text is one or more whole sentences
//! for the person at the terminal: what happened, to what, what to do. The cause is part of the
//! sentence; nobody is shown a backtrace.

use std::fmt;
use std::process::ExitCode;

/// What the exit codes mean; shown at the end of `--help`.
pub const EXIT_CODES_HELP: &str = "\
Exit codes:
  0  ended well, also after SIGTERM or Ctrl-C
  1  failed while running; `health`: the role is not well; `queues apply`: refused;
     `verify`: damaged; `salvage`: something is missing
  2  wrong usage: a flag, an environment variable or a file that makes no sense
  3  could not start: a port or the data directory is in use, the data is damaged, or
     the queues are not there; `verify`, `salvage`: the directory cannot be read;
     `backup`: the copy cannot be made
  70  the broker's disk failed, or a fault of its own: what was acknowledged is kept";

/// The sorts of exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something that ran failed.
    Failed,
    /// What was asked for makes no sense.
    Usage,
    /// Something that has to be there at the start is not, or belongs to somebody else.
    CannotStart,
    /// The broker cannot be trusted to write any more, which is what BSD's sysexits call an internal
    /// software error.
    Broken,
}

impl Exit {
    /// The code that the system is told.
    pub const fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::CannotStart => 3,
            Self::Broken => 70,
        }
    }
}

/// Why the program ends other than well.
///
/// A command of one's own that ends as the others do:
///
/// ```
/// use std::process::ExitCode;
///
/// use longshore::Fault;
///
/// fn migrate(version: &str) -> Result<(), Fault> {
///     let version: u32 = version.parse().map_err(|_| {
///         Fault::usage(format!("`{version}` is no version: give a whole number"))
///     })?;
///     println!("migrated to {version}");
///     Ok(())
/// }
///
/// let fault = migrate("two").unwrap_err();
/// eprintln!("{fault}");
/// assert_eq!(fault.exit().code(), 2);
/// let code: ExitCode = (&fault).into(); // what `main` answers
/// # drop(code);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    exit: Exit,
    text: String,
}

impl Fault {
    /// Something that ran failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, text: text.into() }
    }

    /// What was asked for makes no sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }

    /// The program cannot start.
    pub fn cannot_start(text: impl Into<String>) -> Self {
        Self { exit: Exit::CannotStart, text: text.into() }
    }

    /// The broker cannot be trusted to write any more.
    pub fn broken(text: impl Into<String>) -> Self {
        Self { exit: Exit::Broken, text: text.into() }
    }

    /// The sort of exit.
    pub fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

impl From<&Fault> for ExitCode {
    fn from(fault: &Fault) -> Self {
        Self::from(fault.exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_has_the_code_that_help_gives_it() {
        let documented = |exit: Exit| EXIT_CODES_HELP.contains(&format!("\n  {}  ", exit.code()));
        assert!(
            [Exit::Failed, Exit::Usage, Exit::CannotStart, Exit::Broken]
                .into_iter()
                .all(documented)
        );
    }
}
