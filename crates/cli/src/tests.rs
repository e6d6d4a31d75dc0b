//! What the guide says of the flags is what the program says of them.

use clap::{Arg, FromArgMatches as _};
use longshore::config::{self, Configured};

use super::*;

const GUIDE: &str = include_str!("../../../docs/broker.md");

fn parsed(line: &str) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches_from(line.split(' '))?)
}

/// The rows of the guide's table of flags: their cells.
fn rows() -> Vec<Vec<&'static str>> {
    let rows = GUIDE.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The row that the guide must have for a flag of `longshore broker`, up to what it does.
fn row(flag: &Arg) -> [String; 3] {
    let code = |text: &str| format!("`{text}`");
    let variable = flag.get_env().map(|variable| code(variable.to_str().unwrap()));
    let default = match flag.get_default_values() {
        [value] if flag.get_action().takes_values() => code(value.to_str().unwrap()),
        _ => "–".to_owned(),
    };
    let name = code(&format!("--{}", flag.get_long().unwrap()));
    [name, variable.unwrap_or_else(|| "–".to_owned()), default]
}

#[test]
fn every_flag_is_declared_once_in_each_command() {
    command().debug_assert();
}

#[test]
fn the_guides_table_has_every_flag_of_the_broker_and_no_other() {
    let mut command = command();
    command.build();
    let broker = command.find_subcommand("broker").unwrap();
    let flags = broker.get_arguments().filter(|flag| flag.get_id() != "help");
    let mut expected: Vec<_> = flags.map(row).collect();
    let mut found: Vec<_> =
        rows().iter().map(|cells| [0, 1, 2].map(|at| cells[at].to_owned())).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn every_flag_that_has_a_variable_has_the_one_of_its_name() {
    for [flag, variable, _] in
        command().get_subcommands().flat_map(clap::Command::get_arguments).map(row)
    {
        let name = flag.trim_matches(['`', '-']).replace('-', "_").to_uppercase();
        assert!(variable == "–" || variable == format!("`LONGSHORE_{name}`"), "{variable}");
    }
}

#[test]
fn the_broker_has_no_flags_of_an_application() {
    for flag in ["--task-queue T", "--status-queue S", "--store s", "--endpoint-url http://h"] {
        assert_eq!(
            parsed(&format!("longshore broker {flag}")).unwrap_err().exit_code(),
            2,
            "{flag}"
        );
    }
    assert!(parsed("longshore broker --queues q.toml --data d --region eu-west-1").is_ok());
}

#[test]
fn no_command_is_a_question_for_help() {
    let error = command().try_get_matches_from([NAME]).unwrap_err();
    assert!(error.to_string().contains("broker"), "{error}");
}

#[test]
fn the_configuration_in_the_guide_is_one_and_its_queues_are_declared() {
    let (_, example) = GUIDE.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("longshore.toml");
    std::fs::write(&path, example).unwrap();
    let line = [NAME, "broker", "--config", path.to_str().unwrap()].map(Into::into);
    let Configured::Run { matches, .. } = config::read(command(), line, []).unwrap() else {
        panic!("nothing was to be printed");
    };
    assert!(matches.subcommand_matches("broker").unwrap().get_flag("in_memory"));
    let Command::Broker(options) = Cli::from_arg_matches(&matches).unwrap().command else {
        panic!("the line names the broker");
    };
    let role = BrokerRole::standalone(NAME, *options).unwrap();
    let declared: Vec<_> = role.declared.iter().map(|queue| queue.name.as_str()).collect();
    assert_eq!(declared, ["work-failed", "work"]);
}
