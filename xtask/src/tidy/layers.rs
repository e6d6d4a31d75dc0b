//! Arrows between crates point only downward, as ARCHITECTURE.md draws them.
//!
//! `wire`, `engine` and `storage` never see one another: they meet in the broker and in `verification/`. The framework
//! reaches a broker only through its transport. What a crate may use is listed here; a new crate must say so too.

use toml::{Table, Value};

use super::Complaint;
use super::tree::{File, Tree};

/// A member and the members that it may depend on.
struct Layer {
    member: &'static str,
    may_use: &'static [&'static str],
    /// Beside `may_use`, in its tests only.
    tests_may_use: &'static [&'static str],
}

const fn layer(member: &'static str, may_use: &'static [&'static str]) -> Layer {
    Layer { member, may_use, tests_may_use: &[] }
}

const LAYERS: &[Layer] = &[
    layer("longshore-types", &[]),
    layer("longshore-metrics", &[]),
    layer("longshore-wire", &["longshore-types"]),
    layer("longshore-engine", &["longshore-types"]),
    layer("longshore-storage", &["longshore-metrics"]),
    layer(
        "longshore-broker",
        &[
            "longshore-types",
            "longshore-metrics",
            "longshore-wire",
            "longshore-engine",
            "longshore-storage",
        ],
    ),
    Layer {
        member: "longshore-macros",
        may_use: &[],
        // What it writes is code for the framework, and what it reads is spelled as `types` does.
        tests_may_use: &["longshore-tasks", "longshore-types"],
    },
    layer("longshore-tasks", &["longshore-macros", "longshore-metrics", "longshore-types"]),
    // What users test their applications with is built on the front door, and on what SQS says of a queue.
    layer(
        "longshore-testkit",
        &["longshore", "longshore-tasks", "longshore-types", "longshore-wire"],
    ),
    layer("longshore-gateway", &["longshore-tasks", "longshore-types"]),
    layer(
        "longshore",
        &[
            "longshore-broker",
            "longshore-gateway",
            "longshore-metrics",
            "longshore-tasks",
            "longshore-types",
            "longshore-wire",
        ],
    ),
    Layer {
        member: "longshore-model",
        may_use: &["longshore-types"],
        // The comparison knows both; the model itself must not know what it is the yardstick of.
        tests_may_use: &["longshore-engine"],
    },
    // The world knows everybody but the broker: queues are the engine's own.
    layer(
        "longshore-world",
        &["longshore-engine", "longshore-tasks", "longshore-testkit", "longshore-types"],
    ),
    // The simulator asks the broker what a client would, and knows the store by what the broker hands on of it.
    layer("longshore-simulator", &["longshore-broker", "longshore-types", "longshore-wire"]),
    layer("longshore-cli", &["longshore"]),
    layer("fibonacci", &["longshore"]),
    layer("longshore-peer", &["longshore"]),
    Layer {
        member: "gallery",
        may_use: &["longshore"],
        // It is tested as a user's application is.
        tests_may_use: &["longshore-testkit"],
    },
    // The broker is a program to it.
    layer("longshore-crashkit", &[]),
    layer("xtask", &["longshore-crashkit"]),
];

/// Arrows that are not drawn, and crates that are not listed.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let members: Vec<_> = tree.manifests().filter_map(parse).collect();
    let names: Vec<_> = members.iter().map(|(_, name, _)| name.as_str()).collect();
    members
        .iter()
        .flat_map(|(file, name, manifest)| complaints(file, name, manifest, &names))
        .collect()
}

fn parse(file: &File) -> Option<(&File, String, Table)> {
    let manifest: Table = file.text.parse().ok()?;
    let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    Some((file, name, manifest))
}

fn complaints(file: &File, name: &str, manifest: &Table, members: &[&str]) -> Vec<Complaint> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.member == name) else {
        let message =
            format!("say in xtask/src/tidy/layers.rs which crates `{name}` may depend on");
        return vec![Complaint::file(&file.path, message)];
    };
    let mut complaints = Vec::new();
    for (section, also) in sections(layer) {
        for used in used(manifest, section).filter(|used| members.contains(&used.as_str())) {
            let allowed = layer.may_use.contains(&used.as_str()) || also.contains(&used.as_str());
            if !allowed && used != name {
                let message = format!(
                    "`{name}` may not depend on `{used}` ({section}): arrows point only downward"
                );
                complaints.push(Complaint::file(&file.path, message));
            }
        }
    }
    complaints
}

fn sections(layer: &Layer) -> [(&'static str, &'static [&'static str]); 3] {
    [("dependencies", &[]), ("build-dependencies", &[]), ("dev-dependencies", layer.tests_may_use)]
}

fn used(manifest: &Table, section: &str) -> impl Iterator<Item = String> {
    manifest
        .get(section)
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|table| table.keys().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, dependency: &str) -> String {
        format!("[package]\nname = '{name}'\n[dependencies]\n{dependency}.workspace = true\n")
    }

    #[track_caller]
    fn check_arrow(from: &str, to: &str, expected: bool) {
        let (from, to) = (manifest(from, to), manifest(to, "serde"));
        let complaints = check(&Tree::of(&[("a/Cargo.toml", &from), ("b/Cargo.toml", &to)]));
        assert_eq!(complaints.is_empty(), expected, "{complaints:?}");
    }

    #[test]
    fn wire_engine_and_storage_never_see_one_another() {
        for from in ["longshore-wire", "longshore-engine", "longshore-storage"] {
            for to in ["longshore-wire", "longshore-engine", "longshore-storage"] {
                check_arrow(from, to, from == to);
            }
        }
    }

    #[test]
    fn the_framework_reaches_no_broker() {
        check_arrow("longshore-tasks", "longshore-broker", false);
        check_arrow("longshore-gateway", "longshore-broker", false);
        check_arrow("longshore", "longshore-broker", true);
    }

    #[test]
    fn the_model_meets_the_engine_in_its_tests_only() {
        let engine = manifest("longshore-engine", "serde");
        let model = manifest("longshore-model", "longshore-engine");
        let tested = model.replace("[dependencies]", "[dev-dependencies]");
        let arrows = |model: &str| {
            check(&Tree::of(&[("a/Cargo.toml", model), ("b/Cargo.toml", &engine)])).len()
        };
        assert_eq!((arrows(&model), arrows(&tested)), (1, 0));
    }

    #[test]
    fn a_crate_that_is_not_listed_is_a_complaint() {
        let complaints =
            check(&Tree::of(&[("crates/new/Cargo.toml", &manifest("longshore-new", "serde"))]));
        assert!(
            complaints[0].message.contains("say in xtask/src/tidy/layers.rs"),
            "{complaints:?}"
        );
    }
}
