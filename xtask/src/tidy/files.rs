//! Every Rust file says at its top what it is, and stays about one idea.

use super::Complaint;
use super::rust::RustFile;
use super::tree::Tree;

/// Lines outside tests; a flat catalogue may be longer, as an exception with its reason.
const LINES_MAX: usize = 500;

/// Files without `//!` docs, and files that are too long.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.rust().flat_map(|file| [undocumented(&file), too_long(&file)]).flatten().collect()
}

fn undocumented(file: &RustFile<'_>) -> Option<Complaint> {
    let message =
        "does not begin with `//!`: say what it is, how data moves through it, and its invariants";
    (!file.file.text.starts_with("//!")).then(|| Complaint::file(&file.file.path, message))
}

fn too_long(file: &RustFile<'_>) -> Option<Complaint> {
    let lines = file.lines_without_tests();
    let message = format!(
        "has {lines} lines outside tests, at most {LINES_MAX} are allowed: one idea a file"
    );
    (lines > LINES_MAX).then(|| Complaint::file(&file.file.path, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_module_docs_is_a_complaint() {
        let complaints = check(&Tree::of(&[
            ("a.rs", "// A comment.\nfn f() {}\n"),
            ("b.rs", "//! What it is.\n"),
        ]));
        assert_eq!(complaints.len(), 1);
        assert!(complaints[0].to_string().starts_with("a.rs: does not begin with `//!`"));
    }

    #[test]
    fn a_file_over_the_limit_is_a_complaint_and_its_tests_do_not_count() {
        let long = format!("//! Docs.\n{}", "const A: u8 = 1;\n".repeat(500));
        let tested =
            format!("//! Docs.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn s() {}\n".repeat(600));
        let complaints = check(&Tree::of(&[("long.rs", &long), ("tested.rs", &tested)]));
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0].to_string().starts_with("long.rs: has 501 lines outside tests"),
            "{complaints:?}"
        );
    }
}
