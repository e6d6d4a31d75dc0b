//! `longshore` is built without what only applications need: whoever installs it waits for no AWS SDK.

use anyhow::{Result, ensure};

use crate::workspace;

/// Crates that an application brings, and nothing of the broker needs.
const OF_APPLICATIONS: [&str; 9] = [
    "aws-sdk-dynamodb",
    "aws-sdk-sqs",
    "axum",
    "longshore-gateway",
    "longshore-tasks",
    "opentelemetry",
    "redis",
    "rusqlite",
    "tokio-postgres",
];

/// Looks through all that `longshore-cli` is built from.
pub(super) fn run() -> Result<()> {
    let arguments =
        ["tree", "--package", "longshore-cli", "--edges", "normal,build", "--prefix", "none"];
    let tree = workspace::output_of(&mut workspace::cargo(arguments))?;
    let found = of_applications(&tree);
    ensure!(found.is_empty(), "longshore-cli is built from {}", found.join(", "));
    Ok(())
}

fn of_applications(tree: &str) -> Vec<&'static str> {
    let crates: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    OF_APPLICATIONS.into_iter().filter(|name| crates.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_of_applications_is_found_by_its_whole_name() {
        let tree = "longshore-cli v0.1.0 (/w)\naxum v0.8.0\naxum-core v0.5.0\nrusqlite-like v1.0.0";
        assert_eq!(of_applications(tree), ["axum"]);
    }
}
