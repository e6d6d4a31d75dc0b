//! Nothing unfinished is committed: what is missing is written down where plans are kept, not in the code.

use super::Complaint;
use super::tree::Tree;

const CODE: [&str; 7] = [".rs", ".py", ".sh", ".js", ".ts", ".toml", "/run"];

/// Markers of unfinished work; spelled in halves, so that this file does not find itself.
const MARKERS: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
];

/// Lines with a marker of unfinished work.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.ends_in(&CODE)) {
        for (number, line) in file.numbered() {
            if let Some(marker) = MARKERS.iter().find(|marker| line.contains(**marker)) {
                let message = format!("`{marker}`: finish it, or take it out");
                complaints.push(Complaint::line(&file.path, number, message));
            }
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_of_unfinished_work_is_found_where_code_is() {
        for marker in MARKERS {
            let line = format!("//! Docs.\n// {marker}\n");
            let complaints = check(&Tree::of(&[
                ("a.rs", &line),
                ("conformance/run", &line),
                ("notes.md", &line),
            ]));
            let places: Vec<_> =
                complaints.iter().map(|complaint| complaint.place.as_str()).collect();
            assert_eq!(places, ["a.rs:2", "conformance/run:2"]);
        }
    }
}
