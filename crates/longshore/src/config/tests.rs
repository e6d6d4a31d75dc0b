//! Which value wins, and what is said of values that make no sense.

use std::path::Path;

use clap::{Arg, ArgAction, ValueHint, value_parser};

use super::*;

/// A variable that is set wherever the tests run: to the directory of this crate.
const SET: &str = "CARGO_MANIFEST_DIR";
const UNSET: &str = "LONGSHORE_NOT_SET_IN_ANY_TEST";

fn flag(name: &'static str) -> Arg {
    Arg::new(name).long(name).env(UNSET).default_value("built in")
}

/// `program serve` with a flag of each kind, and `program other` with one of its own.
fn program() -> Command {
    let serve = Command::new("serve").args([
        flag("level"),
        flag("place").env(SET),
        Arg::new("two-words")
            .long("two-words")
            .env(UNSET)
            .default_value("1")
            .value_parser(value_parser!(u16)),
        Arg::new("loud").long("loud").env(UNSET).action(ArgAction::SetTrue),
        Arg::new("names").long("names").env(UNSET).action(ArgAction::Append),
        Arg::new("queues").long("queues").env(UNSET).value_hint(ValueHint::FilePath),
        Arg::new("secret").long("secret").env(UNSET).hide_env_values(true),
        Arg::new("dry").long("dry").action(ArgAction::SetTrue),
    ]);
    let other = Command::new("other").arg(flag("elsewhere"));
    Command::new("program").subcommands([serve, other]).args([
        Arg::new(FLAG).long(FLAG).env(UNSET).global(true),
        Arg::new(PRINT).long("print-config").action(ArgAction::SetTrue).global(true),
    ])
}

/// What comes of a line and a file's text; `FILE` in the line is the file.
fn configured(text: &str, line: &str) -> Result<Configured, Error> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, text).unwrap();
    configured_by(&path, line)
}

fn configured_by(path: &Path, line: &str) -> Result<Configured, Error> {
    let line = line.replace("FILE", path.to_str().unwrap());
    read(program(), line.split(' ').map(OsString::from), [])
}

#[track_caller]
fn value_of(flag: &str, text: &str, line: &str) -> String {
    match configured(text, line).unwrap() {
        Configured::Run { matches, .. } => {
            leaf(&matches).get_raw(flag).unwrap().next().unwrap().to_str().unwrap().to_owned()
        }
        Configured::Print(text) => panic!("{text}"),
    }
}

#[track_caller]
fn refused(text: &str) -> String {
    let error = configured(text, "program serve --config FILE").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn a_file_wins_over_a_default_and_a_flag_over_a_file() {
    let text = "level = 'of the file'\n";
    assert_eq!(value_of("level", text, "program serve"), "built in");
    assert_eq!(value_of("level", text, "program serve --config FILE"), "of the file");
    assert_eq!(value_of("level", text, "program --config=FILE serve"), "of the file");
    assert_eq!(value_of("level", text, "program serve --config FILE --level f"), "f");
}

#[test]
fn a_variable_wins_over_a_file_and_a_flag_over_a_variable() {
    let text = "place = 'of the file'\n";
    let of_variable = std::env::var(SET).unwrap();
    assert_eq!(value_of("place", text, "program serve --config FILE"), of_variable);
    assert_eq!(value_of("place", text, "program serve --config FILE --place f"), "f");
}

#[test]
fn the_environment_may_name_the_file_and_the_command_line_another() {
    let variables = [(OsString::from(VARIABLE), OsString::from("v.toml"))];
    let named = |line: &str| {
        named_file(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), &variables)
    };
    assert_eq!(named("program serve"), Some("v.toml".into()));
    assert_eq!(named("program serve --config f.toml"), Some("f.toml".into()));
    assert_eq!(named("program --config=f.toml serve"), Some("f.toml".into()));
    assert_eq!(named("program serve -- --config f.toml"), Some("v.toml".into()));
    assert_eq!(named("program serve --configuration f.toml"), Some("v.toml".into()));
}

#[test]
fn numbers_booleans_and_lists_are_written_as_toml_writes_them() {
    let text = "two_words = 7\nloud = true\nnames = ['a', 'b']\n";
    assert_eq!(value_of("two-words", text, "program serve --config FILE"), "7");
    assert_eq!(value_of("loud", text, "program serve --config FILE"), "true");
    let Configured::Run { matches, .. } = configured(text, "program serve --config FILE").unwrap()
    else {
        panic!("nothing was to be printed");
    };
    let names: Vec<_> = leaf(&matches).get_many::<String>("names").unwrap().collect();
    assert_eq!(names, ["a", "b"]);
    assert!(leaf(&matches).get_flag("loud"));
}

#[test]
fn a_key_of_another_command_is_left_alone() {
    assert_eq!(value_of("level", "elsewhere = 'x'\n", "program serve --config FILE"), "built in");
}

#[test]
fn a_key_that_nobody_knows_names_its_line_and_the_key_that_was_meant() {
    let said = refused("loud = true\nlevle = 'x'\n");
    assert!(said.contains("c.toml:2: levle is not a setting; did you mean level?"), "{said}");
    // Neither is a flag without a variable, nor the flag that names the file.
    assert!(refused("dry = true\n").contains("dry is not a setting"));
    assert!(refused("config = 'x'\n").contains("config is not a setting"));
}

#[test]
fn a_value_of_the_wrong_sort_names_its_line() {
    for (text, reason) in [
        ("loud = 'yes'\n", "c.toml:1: loud is true or false"),
        ("level = ['a', 'b']\n", "c.toml:1: level is a string"),
        ("level = 2026-01-01\n", "c.toml:1: level is a string"),
        ("names = [['a']]\n", "c.toml:1: names is a list"),
        ("[level.a]\n", "c.toml:1: level is a string"),
        ("\ntwo_words = 'many'\n", "c.toml:2: invalid value 'many' for '--two-words"),
        ("\ntwo_words = 70000\n", "c.toml:2: invalid value '70000'"),
        ("a = \n", "line 1"),
    ] {
        let said = refused(text);
        assert!(said.contains(reason), "{text}: {said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error =
        configured_by(Path::new("no/such.toml"), "program serve --config FILE").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("no/such.toml"), "{error}");
}

#[test]
fn a_path_begins_where_the_file_is_and_queues_may_be_tables_of_the_file() {
    let file = value_of("queues", "queues = 'q.toml'\n", "program serve --config FILE");
    assert!(Path::new(&file).is_absolute() && file.ends_with("/q.toml"), "{file}");
    let file = value_of("queues", "[queues.A]\n", "program serve --config FILE");
    assert!(file.ends_with("/c.toml#queues"), "{file}");
}

#[track_caller]
fn printed(path: &Path, line: &str) -> String {
    match configured_by(path, line).unwrap() {
        Configured::Print(text) => text,
        Configured::Run { .. } => panic!("the configuration was to be printed"),
    }
}

#[test]
fn what_is_printed_says_where_each_value_is_from() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    std::fs::write(&path, "two_words = 7\n").unwrap();
    let text = printed(&path, "program serve --config FILE --print-config --level 007");
    for line in [
        "level = \"007\"  # flag".to_owned(),
        format!("two_words = 7  # file {}:1", path.display()),
        format!("place = \"{}\"  # environment {SET}", env!("CARGO_MANIFEST_DIR")),
        "loud = false  # default".to_owned(),
        "# names is not set".to_owned(),
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(!text.contains("dry") && !text.contains("config ="), "{text}");
}

#[test]
fn a_secret_is_not_printed() {
    let text = printed(Path::new("none"), "program serve --print-config --secret s3cr3t");
    assert!(text.contains("# secret is set (flag), and not shown"), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn what_is_printed_says_the_same_when_it_is_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.toml");
    let line =
        "program serve --print-config --level a\"b --loud --names x --names 1 --queues q.toml";
    let first = printed(&path, line);
    std::fs::write(&path, &first).unwrap();
    let second = printed(&path, "program serve --print-config --config FILE");
    let values = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
    assert_eq!(values(&first), values(&second));
    assert!(second.contains("# file"), "{second}");
}
