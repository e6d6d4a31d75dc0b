//! What a user types has an example: each struct, enum, trait and function at the root of a crate that users name.
//!
//! ```text
//! lib.rs: `pub use path::{A, B}` ──▶ `pub struct A` in the same crate ──▶ its docs have a code block that is tried
//! ```
//!
//! What a root takes from another crate is looked at there. Not asked for: types whose names end in `Error`, which are
//! shown where they are answered, and what [`exceptions`](super::exceptions) excuses.

use super::Complaint;
use super::mask::mask;
use super::tree::{File, Tree};

/// The crates whose roots users name.
const CRATES: [&str; 5] = ["gateway", "longshore", "longshore-macros", "tasks", "testkit"];
/// What such a root can name. Aliases are what they stand for, and modules are pages of their own.
const KINDS: [&str; 6] =
    ["pub struct ", "pub enum ", "pub trait ", "pub fn ", "pub async fn ", "macro_rules! "];
/// What is written behind the fence of a block that is compiled and should work.
const TRIED: [&str; 4] = ["", "rust", "no_run", "should_panic"];

/// Items at a root that have no example.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    CRATES.iter().flat_map(|name| of_crate(tree, name)).collect()
}

fn of_crate(tree: &Tree, name: &str) -> Vec<Complaint> {
    let source = format!("crates/{name}/src/");
    let Some(root) = tree.get(&format!("{source}lib.rs")) else { return Vec::new() };
    let files: Vec<&File> =
        tree.files.iter().filter(|file| file.path.starts_with(&source)).collect();
    let missing = |item: String| {
        let place = files.iter().find_map(|file| Some((*file, declared(file, &item)?)));
        let (file, line) = place.filter(|&(file, line)| !has_example(file, line))?;
        let message =
            format!("`{item}` is at the root of crates/{name} and has no example in its docs");
        let subject = format!("{name}::{item}");
        Some(Complaint { subject, ..Complaint::line(&file.path, line, message) })
    };
    root_names(&root.text)
        .into_iter()
        .filter(|item| !item.ends_with("Error"))
        .filter_map(missing)
        .collect()
}

/// The names that a root shows: what it declares itself, and the last words of its `pub use`.
fn root_names(text: &str) -> Vec<String> {
    let masked = mask(text);
    let used = masked.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = used.flat_map(|path| path.rsplit("::").next().unwrap_or(path).split(','));
    let names = names.map(|name| name.trim_matches(['{', '}', ' ', '\n']));
    let own = masked.lines().filter_map(|line| name_of(line));
    names.filter(|name| !name.is_empty()).chain(own).map(ToOwned::to_owned).collect()
}

/// The line, counted from 1, on which a file declares `item`.
fn declared(file: &File, item: &str) -> Option<usize> {
    file.numbered()
        .find(|(_, line)| name_of(line.trim_start()) == Some(item))
        .map(|(number, _)| number)
}

/// The name that a line declares, if it begins with one of [`KINDS`].
fn name_of(line: &str) -> Option<&str> {
    let rest = KINDS.iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// Whether the docs above that line have a block that is compiled.
fn has_example(file: &File, line: usize) -> bool {
    let lines: Vec<&str> = file.text.lines().take(line - 1).map(str::trim).collect();
    // Docs and attributes stand above the item without a gap.
    let ends_before =
        |line: &&&str| line.is_empty() || line.starts_with('}') || line.ends_with(';');
    let above = lines.iter().rev().take_while(|line| !ends_before(line));
    let fences: Vec<&str> = above.filter_map(|line| line.strip_prefix("/// ```")).collect();
    fences.iter().rev().step_by(2).any(|fence| TRIED.contains(&fence.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "mod a;\npub use a::{Bare, BareError, Shown};\npub use other as renamed;\n";

    fn complaints(root: &str, declared: &str) -> Vec<String> {
        let tree =
            Tree::of(&[("crates/tasks/src/lib.rs", root), ("crates/tasks/src/a.rs", declared)]);
        check(&tree)
            .into_iter()
            .map(|complaint| format!("{} {}", complaint.place, complaint.subject))
            .collect()
    }

    #[test]
    fn an_item_of_a_root_without_an_example_is_named_with_its_place() {
        let declared = "/// A.\npub struct Bare;\n/// B.\npub enum BareError {}\n\
                        /// C.\n///\n/// ```\n/// f();\n/// ```\n#[derive(\n    Debug\n)]\npub trait Shown {}\n";
        assert_eq!(complaints(ROOT, declared), ["crates/tasks/src/a.rs:2 tasks::Bare"]);
    }

    #[test]
    fn a_block_that_nobody_compiles_is_no_example() {
        for (fence, bare) in [("text", true), ("compile_fail", true), ("no_run", false)] {
            let declared = format!("/// ```{fence}\n/// x\n/// ```\npub async fn Bare() {{}}\n");
            assert_eq!(!complaints(ROOT, &declared).is_empty(), bare, "{fence}");
        }
    }

    #[test]
    fn what_a_root_declares_itself_is_asked_for_too_and_what_it_does_not_show_is_not() {
        assert_eq!(complaints("pub fn run() {}\n", ""), ["crates/tasks/src/lib.rs:1 tasks::run"]);
        assert_eq!(complaints("mod a;\n", "pub struct Hidden;\n"), Vec::<String>::new());
    }
}
