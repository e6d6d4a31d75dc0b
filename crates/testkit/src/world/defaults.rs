//! The default values of an application's own flags.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::{Args, Command};

/// What the flags are when none is typed. Their variables are not read: a test is the same wherever it
/// runs.
///
/// # Panics
///
/// A flag must be typed.
pub(super) fn of_flags<O: Args>() -> O {
    let command = O::augment_args(Command::new("test").no_binary_name(true));
    let command = command.mut_args(|flag| flag.env(Resettable::<clap::builder::OsStr>::Reset));
    let matches = command.try_get_matches_from(Vec::<OsString>::new());
    let read = matches.and_then(|matches| O::from_arg_matches(&matches));
    read.unwrap_or_else(|fault| {
        panic!("the application's flags need values, which start_with takes: {fault}")
    })
}
