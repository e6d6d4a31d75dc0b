//! Where the values of flags come from: the command line, the environment, a file, the defaults.
//!
//! ```text
//! --config, else LONGSHORE_CONFIG ──▶ file (keys, lines) ──▶ fit (one key, one flag)
//!                                                              │ defaults of the flags
//! command line, environment ──────▶ clap ◀─────────────────────┘
//!                                     └──▶ the flags, or print (what they are, and why)
//! ```
//!
//! A setting is a flag that has an environment variable; its key in a file is the flag's name in
//! snake case. What a file says becomes the default of the flag before clap reads anything, so a new
//! flag is a setting without a further line. One file may serve several commands: a key that only
//! another command knows is left alone, and a key that none knows is an error.
//!
//! A flag that itself is a secret must have `hide_env_values`, which keeps it out of what is
//! printed; a file that holds secrets is named, not read. Rules between flags (`requires`,
//! `conflicts_with`) do not see a file's values, for they are defaults: such rules belong into the
//! command.
//!
//! # Invariants
//!
//! - A flag wins over its variable, that over the file, and the file over the default.
//! - Nothing is begun while a file has an unknown key or a value that makes no sense.
//! - What is printed, used as the file, is the same configuration.

mod environment;
mod file;
mod fit;
mod keys;
mod print;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, Error};

use self::file::File;

/// The flag that names the file, and its variable.
const FLAG: &str = "config";
const VARIABLE: &str = "LONGSHORE_CONFIG";
/// The flag that asks for the configuration; see [`crate::options::ProgramOptions`].
const PRINT: &str = "print_config";

/// What came of the command line, the environment and the file.
#[derive(Debug)]
pub enum Configured {
    /// A command, with all its flags.
    Run {
        /// The flags.
        matches: ArgMatches,
        /// Sentences about what is probably a mistake.
        warnings: Vec<String>,
    },
    /// The configuration, as a file's text: it was asked for, and nothing else.
    Print(String),
}

/// Reads what was typed, under the values of the file that it or the environment names.
///
/// `variables` is the environment. (Clap reads the variables of flags itself, and when the flags
/// are described; here it is looked through for the file's name, and for names that no flag has.)
///
/// # Errors
///
/// What clap says: wrong usage, or a request for help. A file that cannot be read, an unknown key,
/// a value that makes no sense: these name the file and the line.
pub fn read(
    mut command: Command,
    arguments: impl IntoIterator<Item = OsString>,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Configured, Error> {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let variables: Vec<_> = variables.into_iter().collect();
    let warnings = environment::unknown(&command, variables.iter().map(|(name, _)| name));
    let mut file = None;
    if let Some(path) = named_file(&arguments, &variables) {
        let refused = |text: String| command.clone().error(ErrorKind::InvalidValue, text);
        let read = File::read(&path).map_err(refused)?;
        command = fit::with_defaults(command.clone(), &read).map_err(refused)?;
        file = Some(read);
    }
    let matches = command.try_get_matches_from_mut(arguments);
    let matches = matches.map_err(|error| placed(error, &mut command, file.as_ref()))?;
    if leaf(&matches).try_get_one(PRINT).ok().flatten() == Some(&true) {
        command.build();
        return Ok(Configured::Print(print::text(&command, &matches, file.as_ref())));
    }
    Ok(Configured::Run { matches, warnings })
}

/// The flags of the innermost command.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, below)| leaf(below))
}

/// The file that the command line names, else the environment.
fn named_file(arguments: &[OsString], variables: &[(OsString, OsString)]) -> Option<PathBuf> {
    let flag = format!("--{FLAG}");
    let of_flag = |(at, argument): (usize, &OsString)| {
        let rest = argument.as_bytes().strip_prefix(flag.as_bytes())?;
        match rest.strip_prefix(b"=") {
            Some(value) => Some(OsStr::from_bytes(value).to_owned()),
            None if rest.is_empty() => arguments.get(at + 1).cloned(),
            None => None,
        }
    };
    let of_variable = || variables.iter().find(|(name, _)| name == VARIABLE).map(|(_, it)| it);
    let typed = arguments.iter().take_while(|argument| *argument != "--");
    let named = typed.enumerate().find_map(of_flag).or_else(|| of_variable().cloned());
    named.filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The same error, with its place where the value that makes no sense is the file's.
fn placed(error: Error, command: &mut Command, file: Option<&File>) -> Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let flag = context(ContextKind::InvalidArg).and_then(|flag| flag.split([' ', '=']).next());
    let key = flag.map(|flag| keys::key_of(flag.trim_start_matches('-')));
    let (Some(key), Some(value), Some(file)) = (key, context(ContextKind::InvalidValue), file)
    else {
        return error;
    };
    let Some(entry) = file.entry(&key).filter(|entry| entry.says(value)) else { return error };
    let text = error.to_string();
    let said = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default();
    command.error(ErrorKind::ValueValidation, format!("{}: {said}", file.place(entry)))
}

#[cfg(test)]
mod tests;
