//! Every member of the workspace inherits its lints: a crate without them is checked by nobody.

use toml::{Table, Value};

use super::Complaint;
use super::tree::{File, Tree};

/// Manifests that cannot be read or do not inherit the lints.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.manifests().filter_map(complaint).collect()
}

fn complaint(file: &File) -> Option<Complaint> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return Some(Complaint::file(&file.path, format!("cannot be read: {error}"))),
    };
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace"))
        == Some(&Value::Boolean(true));
    let message = "does not inherit the lints: add `[lints]` with `workspace = true`";
    (!inherits).then(|| Complaint::file(&file.path, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_does_not_inherit_the_lints_is_a_complaint() {
        let good = "[package]\nname = 'a'\n[lints]\nworkspace = true\n";
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", good),
            ("crates/b/Cargo.toml", "[package]\nname = 'b'\n"),
        ]);
        let complaints = check(&tree);
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0]
                .to_string()
                .starts_with("crates/b/Cargo.toml: does not inherit the lints")
        );
    }

    #[test]
    fn a_workspace_of_its_own_keeps_its_own_lints() {
        let alone = "[package]\nname = 'a'\n\n[workspace]\n";
        assert_eq!(check(&Tree::of(&[("clients/a/Cargo.toml", alone)])), []);
    }
}
