//! A store reaches everything that has stores: its feature is passed on, and its suite is run.
//!
//! The stores are those that `store/mod.rs` declares behind a feature of their own name. One that is on by default is
//! everywhere already.

use toml::Table;

use super::Complaint;
use super::tree::Tree;

const STORES: &str = "crates/tasks/src/store/mod.rs";
const TASKS: &str = "crates/tasks/Cargo.toml";
/// What has a feature of the store's name that passes it on.
const PASS_ON: [&str; 2] = ["crates/longshore/Cargo.toml", "crates/testkit/Cargo.toml"];
/// What is built with every store.
const BUILT_WITH: &str = "examples/fibonacci/Cargo.toml";
/// What runs the suites.
const RUNS: &str = "xtask/src/test.rs";

/// Places that leave a store out.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    stores(tree).iter().flat_map(|store| left_out(tree, store)).collect()
}

/// The stores that are behind a feature which is not on by default.
fn stores(tree: &Tree) -> Vec<String> {
    let text = tree.get(STORES).map_or("", |file| &file.text);
    let default = features(tree, TASKS).get("default").map(ToString::to_string).unwrap_or_default();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let behind = |pair: &[&str]| {
        let feature = pair[0].strip_prefix("#[cfg(feature = \"")?.strip_suffix("\")]")?;
        let module = pair[1].strip_prefix("pub mod ")?.strip_suffix(';')?;
        (feature == module && !default.contains(feature)).then(|| feature.to_owned())
    };
    lines.windows(2).filter_map(behind).collect()
}

fn left_out(tree: &Tree, store: &str) -> Vec<Complaint> {
    let wanted = format!("\"longshore-tasks/{store}\"");
    let mut complaints = Vec::new();
    for path in PASS_ON {
        let feature = features(tree, path).get(store).map(ToString::to_string);
        if !feature.is_some_and(|feature| feature.contains(&wanted)) {
            let message =
                format!("the store `{store}` needs a feature of its name here, with {wanted}");
            complaints.push(Complaint::file(path, message));
        }
    }
    for (path, wanted) in
        [(BUILT_WITH, format!("\"{store}\"")), (RUNS, format!("longshore-testkit/{store}"))]
    {
        if !tree.get(path).is_some_and(|file| file.text.contains(&wanted)) {
            complaints.push(Complaint::file(
                path,
                format!("leaves the store `{store}` out: add {wanted}"),
            ));
        }
    }
    complaints
}

fn features(tree: &Tree, manifest: &str) -> Table {
    let manifest = tree.get(manifest).and_then(|file| file.text.parse::<Table>().ok());
    let features = manifest.and_then(|mut manifest| manifest.remove("features"));
    features.and_then(|features| features.as_table().cloned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: &str = "#[cfg(feature = \"ledger\")]\npub mod ledger;\n#[cfg(feature = \"sqlite\")]\npub mod sqlite;\n";
    const OF_TASKS: &str = "[features]\ndefault = ['sqlite']\nledger = []\nsqlite = []\n";
    const PASSED_ON: &str = "[features]\nledger = ['longshore-tasks/ledger']\n";
    const BUILT: &str = "[dependencies]\nlongshore = { features = [\"ledger\"] }\n";
    const RUN: &str = "const SUITES: &str = \"longshore-testkit/ledger\";\n";

    fn complaints(longshore: &str, built: &str, run: &str) -> Vec<String> {
        let tree = Tree::of(&[
            (STORES, DECLARED),
            (TASKS, OF_TASKS),
            (PASS_ON[0], longshore),
            (PASS_ON[1], PASSED_ON),
            (BUILT_WITH, built),
            (RUNS, run),
        ]);
        check(&tree).iter().map(|complaint| complaint.place.clone()).collect()
    }

    #[test]
    fn a_store_that_is_everywhere_is_no_complaint_and_a_default_one_never() {
        assert_eq!(complaints(PASSED_ON, BUILT, RUN), Vec::<String>::new());
    }

    #[test]
    fn a_store_that_is_left_out_is_a_complaint_of_that_place() {
        assert_eq!(complaints("[features]\nledger = []\n", BUILT, RUN), [PASS_ON[0]]);
        assert_eq!(complaints(PASSED_ON, "", RUN), [BUILT_WITH]);
        assert_eq!(complaints(PASSED_ON, BUILT, ""), [RUNS]);
    }
}
