//! `cargo xtask tidy`: the house rules that neither the compiler nor clippy knows.
//!
//! [`tree`] reads the files that git knows (and new ones that it does not ignore); each rule is a file below this one,
//! a pure function from the tree to complaints; [`exceptions`] takes out what is allowed, each with its reason.
//!
//! # Invariants
//!
//! - A complaint names the place and what to do about it.
//! - An exception that excuses nothing any more is a complaint itself.

mod examples;
mod exceptions;
mod files;
mod functions;
mod guide;
mod layers;
mod links;
mod manifests;
mod map;
mod mask;
mod rust;
mod spans;
mod stores;
mod traces;
mod tree;
mod unfinished;
mod words;

use std::fmt;

use anyhow::{Result, ensure};

use tree::Tree;

/// Something that a rule does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Complaint {
    /// Path from the root, with the line where there is one: `crates/wire/src/json.rs:12`.
    place: String,
    /// What an exception would name: a path, or an item's name.
    subject: String,
    /// What is wrong, and what to do.
    message: String,
}

impl Complaint {
    /// About a whole file.
    fn file(path: &str, message: impl Into<String>) -> Self {
        Self { place: path.to_owned(), subject: path.to_owned(), message: message.into() }
    }

    /// About one line of a file; lines count from 1.
    fn line(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), subject: path.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

/// A rule, by the name that exceptions use.
struct Rule {
    name: &'static str,
    check: fn(&Tree) -> Vec<Complaint>,
}

const RULES: [Rule; 13] = [
    Rule { name: "unfinished", check: unfinished::check },
    Rule { name: "words", check: words::check },
    Rule { name: "functions", check: functions::check },
    Rule { name: "files", check: files::check },
    Rule { name: "links", check: links::check },
    Rule { name: "guide", check: guide::check },
    Rule { name: "traces", check: traces::check },
    Rule { name: "manifests", check: manifests::check },
    Rule { name: "layers", check: layers::check },
    Rule { name: "map", check: map::check },
    Rule { name: "stores", check: stores::check },
    Rule { name: "spans", check: spans::check },
    Rule { name: "examples", check: examples::check },
];

/// Checks every rule and prints the complaints.
///
/// # Errors
///
/// Says how many complaints there are.
pub(crate) fn run() -> Result<()> {
    let tree = Tree::read()?;
    let complaints = complaints(&tree);
    for complaint in &complaints {
        println!("{complaint}");
    }
    println!("tidy: {}", functions::summary(&tree));
    ensure!(complaints.is_empty(), "{} things are not tidy", complaints.len());
    Ok(())
}

fn complaints(tree: &Tree) -> Vec<Complaint> {
    let found = RULES
        .iter()
        .flat_map(|rule| (rule.check)(tree).into_iter().map(|complaint| (rule.name, complaint)));
    exceptions::apply(found.collect())
}
