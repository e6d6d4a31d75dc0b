//! Crates with features must build with none of them, with each alone, and with all: features only add.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::Table;

use crate::step::Step;
use crate::workspace;

/// One step for each package that has features.
pub(crate) fn steps() -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    for directory in members()? {
        let text = fs::read_to_string(directory.join("Cargo.toml"))?;
        let manifest: Table =
            text.parse().with_context(|| format!("in {}", directory.display()))?;
        if let Some((package, features)) = featured(&manifest) {
            steps.push(Step::call(format!("features of {package}"), move || {
                check(&package, &features)
            }));
        }
    }
    Ok(steps)
}

fn members() -> Result<Vec<std::path::PathBuf>> {
    let mut members = Vec::new();
    for parent in ["crates", "verification", "examples"] {
        for entry in fs::read_dir(workspace::root().join(parent))? {
            members.push(entry?.path());
        }
    }
    members
        .retain(|directory: &std::path::PathBuf| Path::new(&directory.join("Cargo.toml")).exists());
    members.sort();
    Ok(members)
}

/// The package's name and its features, if it has any besides the default.
fn featured(manifest: &Table) -> Option<(String, Vec<String>)> {
    let package = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    let features = manifest.get("features")?.as_table()?.keys();
    let features: Vec<_> = features.filter(|name| *name != "default").cloned().collect();
    (!features.is_empty()).then_some((package, features))
}

fn check(package: &str, features: &[String]) -> Result<()> {
    lint(package, &[])?;
    features.iter().try_for_each(|feature| lint(package, &["--features", feature]))?;
    lint(package, &["--all-features"])
}

/// Clippy rather than a plain check: code that only another feature uses is a warning, and a warning is a failure.
fn lint(package: &str, features: &[&str]) -> Result<()> {
    let mut clippy =
        workspace::cargo(["clippy", "--quiet", "--package", package, "--no-default-features"]);
    workspace::succeed(clippy.args(features).args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_but_the_default_set_is_checked_alone() {
        let manifest = "package = { name = 'p' }\nfeatures = { default = ['b'], a = [], b = [] }"
            .parse()
            .unwrap();
        assert_eq!(
            featured(&manifest),
            Some(("p".to_owned(), vec!["a".to_owned(), "b".to_owned()]))
        );
    }

    #[test]
    fn a_package_without_features_needs_no_step() {
        assert_eq!(featured(&"package = { name = 'p' }".parse().unwrap()), None);
    }
}
