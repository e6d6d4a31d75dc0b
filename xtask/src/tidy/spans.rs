//! The feature `otlp` reaches what makes spans, what is shipped with it, and what tries it; and no build of the broker.

use toml::{Table, Value};

use super::Complaint;
use super::tree::Tree;

/// A file, and what it must say of the feature.
const SAY: [(&str, &str); 3] = [
    // What exports spans is built with what makes them.
    ("crates/longshore/Cargo.toml", "\"longshore-tasks/otlp\""),
    // The tests of what is exported.
    ("xtask/src/test.rs", "\"longshore/otlp\""),
    // The crate that a lean build must not have.
    ("xtask/src/ci/lean.rs", "\"opentelemetry\""),
];
/// What is built with it, so that a workspace is built once.
const BUILT_WITH: &str = "examples/fibonacci/Cargo.toml";

/// Places that leave the feature out.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let said = |path: &str, wanted: &str| tree.get(path).is_some_and(|it| it.text.contains(wanted));
    let left_out = SAY.into_iter().filter(|(path, wanted)| !said(path, wanted));
    let message = |wanted| format!("leaves the feature `otlp` out: add {wanted}");
    let mut complaints: Vec<_> =
        left_out.map(|(path, wanted)| Complaint::file(path, message(wanted))).collect();
    if !is_built_with(tree) {
        complaints.push(Complaint::file(BUILT_WITH, message("\"otlp\" to longshore's features")));
    }
    complaints
}

fn is_built_with(tree: &Tree) -> bool {
    let manifest = tree.get(BUILT_WITH).and_then(|file| file.text.parse::<Table>().ok());
    let features = manifest.as_ref().and_then(|manifest| {
        manifest.get("dependencies")?.get("longshore")?.get("features")?.as_array()
    });
    features.is_some_and(|features| features.contains(&Value::from("otlp")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(left_out: Option<usize>, built_with: &str) -> Vec<String> {
        let texts = (0..).zip(SAY);
        let files = texts.filter(|(n, _)| Some(*n) != left_out).map(|(_, file)| file);
        let files: Vec<_> = files.chain([(BUILT_WITH, built_with)]).collect();
        check(&Tree::of(&files)).into_iter().map(|complaint| complaint.place).collect()
    }

    const BUILT: &str = "[dependencies]\nlongshore = { features = ['otlp'] }\n";

    #[test]
    fn a_feature_that_is_everywhere_is_no_complaint() {
        assert_eq!(complaints(None, BUILT), Vec::<String>::new());
    }

    #[test]
    fn a_place_that_leaves_it_out_is_a_complaint() {
        for (place, (path, _)) in (0..).zip(SAY) {
            assert_eq!(complaints(Some(place), BUILT), [path]);
        }
        let without = "[dependencies]\nlongshore = { features = ['otlpx'] }\n";
        assert_eq!(complaints(None, without), [BUILT_WITH]);
    }
}
