//! The guide is whole: its table of contents names every chapter, what a chapter includes is there, and every chapter with
//! Rust code is among the documentation tests.
//!
//! mdBook would complain of the first two, and nobody of the third. Links are [`links`](super::links)' matter.

use super::Complaint;
use super::tree::{File, Tree};

const CHAPTERS: &str = "docs/guide/src/";
const CONTENTS: &str = "docs/guide/src/SUMMARY.md";
/// Where chapters are included as documentation: a crate that has all that their code needs.
const TESTS: &str = "examples/gallery/src/lib.rs";
const INCLUDE: &str = "{{#include ";

/// Chapters that are not in the contents or not tried, and includes of what is not there.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let text = |path| tree.get(path).map_or("", |file| file.text.as_str());
    let (contents, tests) = (text(CONTENTS), text(TESTS));
    let chapters = tree.files.iter().filter(|file| file.path != CONTENTS);
    let chapters = chapters.filter_map(|file| Some((file, file.path.strip_prefix(CHAPTERS)?)));
    chapters
        .filter(|(file, _)| file.ends_in(&[".md"]))
        .flat_map(|(file, name)| {
            let of_file = [unlisted(file, name, contents), untried(file, tests)];
            of_file.into_iter().flatten().chain(missing(tree, file)).collect::<Vec<_>>()
        })
        .collect()
}

fn unlisted(file: &File, name: &str, contents: &str) -> Option<Complaint> {
    let is_listed = contents.contains(&format!("]({name})"));
    let message = format!("is no chapter: name it in {CONTENTS}");
    (!is_listed).then(|| Complaint::file(&file.path, message))
}

fn untried(file: &File, tests: &str) -> Option<Complaint> {
    let has_code = file.text.lines().any(|line| line.starts_with("```rust"));
    let is_tried = tests.contains(&format!("include_str!(\"../../../{}\")", file.path));
    let message = format!("has code that nobody compiles: include it in {TESTS}");
    (has_code && !is_tried).then(|| Complaint::file(&file.path, message))
}

/// Includes of files, or of parts of them, that are not there.
fn missing(tree: &Tree, file: &File) -> Vec<Complaint> {
    let included = |(number, line): (usize, &str)| {
        let target = line.split_once(INCLUDE)?.1.split_once("}}")?.0.to_owned();
        let (path, part) = target.split_once(':').unwrap_or((&target, ""));
        let found = tree.get(&path.replace("../../../", ""));
        let is_there = found.is_some_and(|found| {
            part.is_empty() || found.text.contains(&format!("ANCHOR: {part}"))
        });
        let message = format!("includes `{target}`, which is not there");
        (!is_there).then(|| Complaint::line(&file.path, number, message))
    };
    file.numbered().filter_map(included).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(chapter: &str, contents: &str, tests: &str) -> Vec<String> {
        let tree = Tree::of(&[
            ("docs/guide/src/tasks.md", chapter),
            (CONTENTS, contents),
            (TESTS, tests),
            ("README.md", "<!-- ANCHOR: all -->\n"),
        ]);
        check(&tree).iter().map(ToString::to_string).collect()
    }

    const LISTED: &str = "- [Tasks](tasks.md)\n";

    #[test]
    fn a_chapter_that_the_contents_leave_out_is_a_complaint() {
        assert_eq!(complaints("# Tasks\n", LISTED, ""), Vec::<String>::new());
        let unlisted = complaints("# Tasks\n", "- [Other](other.md)\n", "");
        assert_eq!(
            unlisted,
            [format!("docs/guide/src/tasks.md: is no chapter: name it in {CONTENTS}")]
        );
    }

    #[test]
    fn code_that_no_documentation_test_includes_is_a_complaint() {
        let chapter = "# Tasks\n```rust\nf();\n```\n";
        assert!(complaints(chapter, LISTED, "")[0].contains("has code that nobody compiles"));
        let tests = "#[doc = include_str!(\"../../../docs/guide/src/tasks.md\")]\n";
        assert_eq!(complaints(chapter, LISTED, tests), Vec::<String>::new());
    }

    #[test]
    fn an_include_of_what_is_not_there_is_a_complaint() {
        for (target, is_there) in [
            ("../../../README.md", true),
            ("../../../README.md:all", true),
            ("../../../README.md:some", false),
            ("../../../OTHER.md", false),
        ] {
            let found = complaints(&format!("# Tasks\n{{{{#include {target}}}}}\n"), LISTED, "");
            assert_eq!(found.is_empty(), is_there, "{found:?}");
        }
    }
}
