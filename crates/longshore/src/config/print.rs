//! The configuration of a command as a file's text, each value with where it is from.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};
use toml::Value;

use super::file::File;
use super::keys::{is_list, is_path, is_switch, key};

/// The text. Paths are absolute, so that it says the same wherever it is kept; a setting without a
/// value is a comment, and so is a secret.
///
/// `command` must be built, so that it knows the flags that all commands share.
pub(crate) fn text(command: &Command, matches: &ArgMatches, file: Option<&File>) -> String {
    if let Some((name, below)) = matches.subcommand() {
        let command = command.find_subcommand(name).expect("clap found the command by its name");
        return text(command, below, file);
    }
    let mut text = String::new();
    for flag in command.get_arguments().filter(|flag| !flag.is_hide_set()) {
        let Some(key) = key(flag) else { continue };
        let line = line(flag, &key, matches, file);
        writeln!(text, "{line}").expect("a String takes everything");
    }
    text
}

fn line(flag: &Arg, key: &str, matches: &ArgMatches, file: Option<&File>) -> String {
    let Some(source) = source(flag, key, matches, file) else {
        return format!("# {key} is not set");
    };
    if flag.is_hide_env_values_set() {
        return format!("# {key} is set ({source}), and not shown");
    }
    match value(flag, matches) {
        Some(value) => format!("{key} = {value}  # {source}"),
        None => format!("# {key} is set ({source}), to what TOML cannot hold"),
    }
}

fn source(flag: &Arg, key: &str, matches: &ArgMatches, file: Option<&File>) -> Option<String> {
    let entry = file.and_then(|file| Some((file, file.entry(key)?)));
    match (matches.value_source(flag.get_id().as_str())?, entry) {
        (ValueSource::CommandLine, _) => Some("flag".to_owned()),
        (ValueSource::EnvVariable, _) => {
            let variable = flag.get_env().unwrap_or_default().display();
            Some(format!("environment {variable}"))
        }
        (_, Some((file, entry))) => {
            // A comment ends with its line, whatever the file is called.
            Some(format!("file {}", file.place(entry).replace(char::is_control, "?")))
        }
        (_, None) => Some("default".to_owned()),
    }
}

/// The value as TOML; `None` where it is no Unicode.
fn value(flag: &Arg, matches: &ArgMatches) -> Option<Value> {
    let id = flag.get_id().as_str();
    if is_switch(flag) {
        return matches.try_get_one(id).ok().flatten().copied().map(Value::Boolean);
    }
    let raw = matches.get_raw(id).into_iter().flatten();
    let values: Vec<_> = raw.map(|raw| scalar(flag, raw)).collect::<Option<_>>()?;
    if is_list(flag) { Some(Value::Array(values)) } else { values.into_iter().next() }
}

fn scalar(flag: &Arg, raw: &OsStr) -> Option<Value> {
    let text = raw.to_str()?;
    if is_path(flag) {
        let absolute = std::path::absolute(Path::new(text)).ok();
        let text = absolute.and_then(|path| Some(path.to_str()?.to_owned()));
        return Some(Value::String(text.unwrap_or_else(|| raw.to_string_lossy().into_owned())));
    }
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    Some(number.map_or_else(|| Value::String(text.to_owned()), Value::Integer))
}
