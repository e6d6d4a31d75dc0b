//! One word per thing, everywhere: names that others see use the words of the project's glossary.
//!
//! Looked at: the names of Rust files and modules, and of items that other modules can see. A name is split into its
//! words, so `JobQueue` and `job_queue` are found and `jobless` is not.

use super::Complaint;
use super::tree::Tree;

/// A word that is not used, and what is said instead.
///
/// `push` and `pop` are not here: collections have them in std too, and no verb of a queue is called so.
const WORDS: [(&str, &str); 20] = [
    ("job", "task"),
    ("jobs", "tasks"),
    ("topic", "queue"),
    ("tries", "receive count, or attempt"),
    ("nack", "change visibility, or retry"),
    ("visible", "available"),
    ("invisible", "in flight"),
    ("partition", "message group"),
    ("fingerprint", "deduplication id"),
    ("morgue", "dead-letter queue"),
    ("processor", "handler, or the agent's own noun"),
    ("manager", "what it does, as an agent noun: poller, dispatcher, scheduler"),
    ("service", "what it does, as an agent noun"),
    ("helper", "the thing it holds"),
    ("helpers", "the thing they hold"),
    ("util", "the thing it holds"),
    ("utils", "the thing they hold"),
    ("common", "the thing it holds"),
    ("misc", "the thing it holds"),
    ("process", "a verb that tells what it costs: parse, run, open, spawn"),
];

/// Names with a word that the project does not use.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for file in tree.rust() {
        let path = &file.file.path;
        let names = path.trim_end_matches(".rs").split('/');
        complaints.extend(names.filter_map(|name| complaint(path, None, name)));
        complaints.extend(
            file.reachable_items()
                .iter()
                .filter_map(|&(line, name)| complaint(path, Some(line), name)),
        );
    }
    complaints
}

fn complaint(path: &str, line: Option<usize>, name: &str) -> Option<Complaint> {
    let (word, instead) = WORDS.iter().find(|(word, _)| split(name).any(|part| part == *word))?;
    let message = format!("`{name}`: the project does not say \"{word}\"; say {instead}");
    let place = line.map_or(Complaint::file(path, message.clone()), |line| {
        Complaint::line(path, line, message)
    });
    Some(Complaint { subject: format!("{path}::{name}"), ..place })
}

/// The words of a name in snake, kebab, camel or upper case, in lower case.
fn split(name: &str) -> impl Iterator<Item = String> {
    let is_upper = name.chars().all(|c| !c.is_ascii_lowercase());
    let mut words = vec![String::new()];
    for c in name.chars() {
        let separates = c == '_' || c == '-';
        if separates || (c.is_ascii_uppercase() && !is_upper) {
            words.push(String::new());
        }
        if !separates {
            words.last_mut().expect("it begins with one").push(c.to_ascii_lowercase());
        }
    }
    words.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|complaint| complaint.place).collect()
    }

    #[test]
    fn an_item_with_a_word_of_another_system_is_found_in_any_case() {
        assert_eq!(places("a.rs", "pub struct JobQueue;\n"), ["a.rs:1"]);
        assert_eq!(places("a.rs", "pub(crate) fn nack_all() {}\n"), ["a.rs:1"]);
        assert_eq!(places("a.rs", "pub const TOPIC_MAX: u8 = 1;\n"), ["a.rs:1"]);
    }

    #[test]
    fn a_file_or_directory_that_names_no_idea_is_found() {
        assert_eq!(places("crates/x/src/util.rs", ""), ["crates/x/src/util.rs"]);
        assert_eq!(places("crates/common/src/lib.rs", ""), ["crates/common/src/lib.rs"]);
    }

    #[test]
    fn words_inside_words_and_private_items_are_left_alone() {
        assert_eq!(places("a.rs", "pub struct Jobless;\nfn job() {}\n"), Vec::<String>::new());
    }

    #[test]
    fn the_complaint_names_the_word_to_use() {
        let complaints = check(&Tree::of(&[("a.rs", "pub struct Job;\n")]));
        assert_eq!(
            complaints[0].to_string(),
            "a.rs:1: `Job`: the project does not say \"job\"; say task"
        );
    }
}
