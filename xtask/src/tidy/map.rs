//! ARCHITECTURE.md is the map: it names every crate.

use super::Complaint;
use super::tree::Tree;

const MAP: &str = "ARCHITECTURE.md";

/// Crates that the map leaves out.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let map = tree.get(MAP).map_or("", |file| file.text.as_str());
    let directories = tree.manifests().filter_map(|file| file.path.strip_suffix("/Cargo.toml"));
    let missing = directories.filter(|directory| !map.contains(*directory));
    missing
        .map(|directory| {
            Complaint::file(MAP, format!("does not name `{directory}`: say what it holds"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_the_map_does_not_name_is_a_complaint() {
        let tree = Tree::of(&[
            (MAP, "`crates/a/` holds a.\n"),
            ("crates/a/Cargo.toml", ""),
            ("crates/b/Cargo.toml", ""),
        ]);
        let complaints: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(complaints, ["ARCHITECTURE.md: does not name `crates/b`: say what it holds"]);
    }
}
