//! Which settings a program has, by their keys.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command, ValueHint};

use super::FLAG;

/// How like a known name an unknown one must be to be a misspelling of it, from 0 to 1.
const LIKENESS_MIN: f64 = 0.6;
/// Known names that are offered for an unknown one.
const OFFERED_MAX: usize = 3;

/// The key of the flag that is called `long`.
pub(crate) fn key_of(long: &str) -> String {
    long.replace('-', "_")
}

/// The key of a flag that is a setting: one with a variable, but not the one that names the file.
pub(crate) fn key(flag: &Arg) -> Option<String> {
    let long = flag.get_long().filter(|long| *long != FLAG)?;
    flag.get_env().map(|_| key_of(long))
}

/// Whether the flag takes no value.
pub(crate) fn is_switch(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

/// Whether the flag takes several values.
pub(crate) fn is_list(flag: &Arg) -> bool {
    let values = flag.get_num_args().is_some_and(|count| count.max_values() > 1);
    matches!(flag.get_action(), ArgAction::Append) || flag.get_value_delimiter().is_some() || values
}

/// Whether the value is the name of a file or directory.
pub(crate) fn is_path(flag: &Arg) -> bool {
    let hint = flag.get_value_hint();
    matches!(hint, ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
}

/// The settings of a command and of those below it. Where several have one, any of them.
pub(crate) fn settings(command: &Command) -> BTreeMap<String, Arg> {
    let own = command.get_arguments().filter_map(|flag| Some((key(flag)?, flag.clone())));
    command.get_subcommands().flat_map(settings).chain(own).collect()
}

/// The names most like `name`, as the end of a sentence, each after `prefix`; empty where none is.
pub(crate) fn did_you_mean<'a>(
    prefix: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> String {
    let likeness = |known| strsim::normalized_damerau_levenshtein(name, known);
    let mut near: Vec<_> = known.map(|known| (likeness(known), known)).collect();
    near.retain(|(likeness, _)| *likeness >= LIKENESS_MIN);
    near.sort_by(|left, right| right.0.total_cmp(&left.0));
    let near: Vec<_> =
        near.iter().take(OFFERED_MAX).map(|(_, known)| format!("{prefix}{known}")).collect();
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_are_offered_the_likest_first() {
        let known = ["listen", "broker_listen", "data"];
        assert_eq!(
            did_you_mean("", "brokr_listen", known.into_iter()),
            "; did you mean broker_listen?"
        );
        assert_eq!(did_you_mean("L_", "listen_", known.into_iter()), "; did you mean L_listen?");
        assert_eq!(did_you_mean("", "zzz", known.into_iter()), "");
    }
}
