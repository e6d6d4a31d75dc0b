//! A file's values become the defaults of the flags that they are for.

use clap::{Arg, Command};

use super::file::{Entry, File, scalar};
use super::keys::{did_you_mean, is_list, is_path, is_switch, key, settings};
use crate::queues::file::WITHIN;

/// The setting whose value may be tables in the file itself.
const QUEUES: &str = "queues";

/// The command with the file's values as defaults, and so are the commands below it.
///
/// # Errors
///
/// A key that no command knows, or a value of the wrong sort for its flag.
pub(crate) fn with_defaults(command: Command, file: &File) -> Result<Command, String> {
    let settings = settings(&command);
    for (key, entry) in file.entries() {
        let wrong = |what: &str| format!("{}: {key} {what}", file.place(entry));
        let Some(flag) = settings.get(key) else {
            let near = did_you_mean("", key, settings.keys().map(String::as_str));
            return Err(wrong(&format!("is not a setting{near}")));
        };
        values(file, key, entry, flag).map_err(wrong)?;
    }
    Ok(fitted(command, file))
}

fn fitted(command: Command, file: &File) -> Command {
    let command = command.mut_args(|flag| {
        let entry = key(&flag).and_then(|key| Some((file.entry(&key)?, key)));
        let values = entry.and_then(|(entry, key)| values(file, &key, entry, &flag).ok());
        match values {
            Some(values) => flag.default_values(values),
            None => flag,
        }
    });
    command.mut_subcommands(|command| fitted(command, file))
}

/// What the flag would be given on the command line.
fn values(file: &File, key: &str, entry: &Entry, flag: &Arg) -> Result<Vec<String>, &'static str> {
    if key == QUEUES && entry.value.is_table() {
        return Ok(vec![format!("{}{WITHIN}", file.path().display())]);
    }
    let placed = |text: String| if is_path(flag) { file.relative(&text) } else { text };
    if is_switch(flag) {
        let on = entry.value.as_bool().ok_or("is true or false")?;
        return Ok(vec![on.to_string()]);
    }
    if let Some(values) = entry.value.as_array().filter(|_| is_list(flag)) {
        let values = values.iter().map(|value| scalar(value).map(placed));
        return values.collect::<Option<_>>().ok_or("is a list of strings or numbers");
    }
    let value = scalar(&entry.value).ok_or("is a string, a number, true or false")?;
    Ok(vec![placed(value)])
}
