//! Links between the documents lead somewhere: to a file of the project, and to a heading that is there.

use super::Complaint;
use super::tree::{File, Tree};

/// Relative links that lead nowhere.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.files.iter().filter(|file| file.ends_in(&[".md"])) {
        for (line, link) in links(file) {
            if let Some(message) = broken(tree, file, link) {
                complaints.push(Complaint::line(&file.path, line, message));
            }
        }
    }
    complaints
}

fn broken(tree: &Tree, from: &File, link: &str) -> Option<String> {
    let (target, anchor) =
        link.split_once('#').map_or((link, None), |(target, anchor)| (target, Some(anchor)));
    let path = if target.is_empty() { from.path.clone() } else { resolve(&from.path, target)? };
    if !exists(tree, &path) {
        return Some(format!("link to `{link}`: there is no `{path}`"));
    }
    let document = tree.get(&path).filter(|file| file.ends_in(&[".md"]))?;
    let anchor = anchor.filter(|anchor| !has_heading(document, anchor))?;
    Some(format!("link to `{link}`: `{path}` has no heading `#{anchor}`"))
}

/// A file, or a directory with something in it.
fn exists(tree: &Tree, path: &str) -> bool {
    let directory = format!("{path}/");
    path.is_empty() || tree.paths.iter().any(|known| known == path || known.starts_with(&directory))
}

/// Targets of inline and reference links outside code, with their lines; not those to other sites.
fn links(file: &File) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (number, line) in prose(file) {
        links.extend(inline(line).chain(reference(line)).map(|link| (number, link)));
    }
    links.retain(|(_, link)| {
        !link.contains("://") && !link.starts_with("mailto:") && !link.is_empty()
    });
    links
}

/// Lines outside fenced code.
fn prose(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    file.numbered().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

fn inline(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, _)| {
        let after = &line[at + 2..];
        let target = &after[..after.find(')')?];
        target.split_whitespace().next()
    })
}

/// `[name]: target`, alone on its line.
fn reference(line: &str) -> Option<&str> {
    let (_, target) = line.strip_prefix('[')?.split_once("]: ")?;
    target.split_whitespace().next()
}

/// A path from the root; none if it leads out of the project.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn has_heading(document: &File, anchor: &str) -> bool {
    prose(document).filter(|(_, line)| line.starts_with('#')).any(|(_, line)| slug(line) == anchor)
}

/// The anchor that a forge makes of a heading.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_guide(text: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("docs/guide.md", text),
            ("docs/b.md", "# The `b` page\n"),
            ("README.md", ""),
        ]);
        let complaints: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(complaints, expected);
    }

    #[test]
    fn a_link_to_a_file_that_is_not_there_is_a_complaint() {
        check_guide(
            "See [c](c.md).\n",
            &["docs/guide.md:1: link to `c.md`: there is no `docs/c.md`"],
        );
        check_guide("[c]: ../C.md\n", &["docs/guide.md:1: link to `../C.md`: there is no `C.md`"]);
    }

    #[test]
    fn a_link_to_a_heading_that_is_not_there_is_a_complaint() {
        check_guide(
            "[b](b.md#other)\n",
            &["docs/guide.md:1: link to `b.md#other`: `docs/b.md` has no heading `#other`"],
        );
    }

    #[test]
    fn links_that_lead_somewhere_or_to_another_site_or_stand_in_code_are_accepted() {
        check_guide("[b](b.md#the-b-page) [r](../README.md) [d](../docs/)\n", &[]);
        check_guide("[x](https://example.org/x.md)\n```\n[c](c.md)\n```\n", &[]);
    }
}
