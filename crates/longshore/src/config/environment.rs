//! Variables that look like settings and are none: most are misspelled.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Command;

use super::keys::did_you_mean;

/// What the variables of settings begin with.
const PREFIX: &str = "LONGSHORE_";
/// What Kubernetes sets in every container beside a service that is called `longshore`.
const OF_KUBERNETES: [&str; 2] = ["LONGSHORE_PORT", "LONGSHORE_SERVICE_"];
/// Variables that are warned of one by one.
const WARNINGS_MAX: usize = 10;

/// A sentence for each variable that begins like a setting's and belongs to no flag. Values are not
/// told: they may be secrets.
pub(crate) fn unknown<'a>(
    command: &Command,
    variables: impl Iterator<Item = &'a OsString>,
) -> Vec<String> {
    let known = known(command);
    let suspect = |name: &&str| {
        let of_kubernetes = OF_KUBERNETES.iter().any(|prefix| name.starts_with(prefix));
        name.starts_with(PREFIX) && !of_kubernetes && !known.contains(*name)
    };
    let unknown: BTreeSet<_> = variables.filter_map(|name| name.to_str()).filter(suspect).collect();
    let sentence = |name: &&str| {
        let bare = |name| str::strip_prefix(name, PREFIX).unwrap_or(name);
        let near = did_you_mean(PREFIX, bare(name), known.iter().map(|known| bare(known)));
        format!("no flag has the environment variable {name}, so it does nothing{near}")
    };
    let mut sentences: Vec<_> = unknown.iter().take(WARNINGS_MAX).map(sentence).collect();
    if unknown.len() > WARNINGS_MAX {
        let more = unknown.len() - WARNINGS_MAX;
        sentences.push(format!("{more} more variables begin with {PREFIX} and do nothing"));
    }
    sentences
}

/// The variables of a command's flags, and of those below it.
fn known(command: &Command) -> BTreeSet<String> {
    let own =
        command.get_arguments().filter_map(|flag| flag.get_env()?.to_str()).map(str::to_owned);
    command.get_subcommands().flat_map(known).chain(own).collect()
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn warnings(names: &[&str]) -> Vec<String> {
        let below = Command::new("b").arg(Arg::new("data").long("data").env("LONGSHORE_DATA"));
        let names: Vec<_> = names.iter().map(OsString::from).collect();
        unknown(&Command::new("a").subcommand(below), names.iter())
    }

    #[test]
    fn a_variable_that_no_flag_has_is_named_with_the_one_that_was_meant() {
        let found = warnings(&["LONGSHORE_DATE", "LONGSHORE_DATA", "PATH"]);
        assert_eq!(found.len(), 1);
        assert!(found[0].contains("LONGSHORE_DATE,") && found[0].ends_with("LONGSHORE_DATA?"));
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_is_no_mistake() {
        assert!(warnings(&["LONGSHORE_SERVICE_HOST", "LONGSHORE_PORT_9324_TCP"]).is_empty());
    }

    #[test]
    fn many_unknown_variables_are_counted_rather_than_named() {
        let names: Vec<_> = (0..15).map(|number| format!("LONGSHORE_X{number:02}")).collect();
        let found = warnings(&names.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found.len(), WARNINGS_MAX + 1);
        assert!(found[WARNINGS_MAX].starts_with("5 more"));
    }
}
