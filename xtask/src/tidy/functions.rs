//! Short functions, by a ratchet: a limit for each, and a median that may not creep up.

use super::Complaint;
use super::tree::Tree;

/// No function is longer, so that each fits on a screen.
const LINES_MAX: usize = 70;

/// The median of all functions outside tests; the best code bases of the field have 4 to 11.
const MEDIAN_LINES_MAX: usize = 10;

/// Functions that are too long, and a median that is.
pub(super) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints: Vec<_> = tree.rust().flat_map(|file| {
        let too_long = file.functions().into_iter().filter(|function| function.lines > LINES_MAX);
        too_long
            .map(|function| {
                let message = format!(
                    "function `{}` has {} lines, at most {LINES_MAX} are allowed: give its parts names",
                    function.name, function.lines
                );
                let subject = format!("{}::{}", file.file.path, function.name);
                Complaint { subject, ..Complaint::line(&file.file.path, function.line, message) }
            })
            .collect::<Vec<_>>()
    }).collect();
    let median = median(&lengths(tree));
    if median > MEDIAN_LINES_MAX {
        let message = format!(
            "the median function has {median} lines, at most {MEDIAN_LINES_MAX} are allowed"
        );
        complaints.push(Complaint::file("crates", message));
    }
    complaints
}

/// How long functions are, in one line.
pub(super) fn summary(tree: &Tree) -> String {
    let lengths = lengths(tree);
    let over_20 = lengths.iter().filter(|&&lines| lines > 20).count();
    let longest = lengths.last().copied().unwrap_or(0);
    let share = over_20 * 100 / lengths.len().max(1);
    format!(
        "{} functions outside tests, {} lines in the median, {share} % over 20 lines, {longest} at most",
        lengths.len(),
        median(&lengths),
    )
}

/// Lengths of the functions outside tests, sorted.
fn lengths(tree: &Tree) -> Vec<usize> {
    let mut lengths: Vec<usize> = Vec::new();
    for file in tree.rust() {
        lengths.extend(
            file.functions()
                .iter()
                .filter(|function| !function.is_test)
                .map(|function| function.lines),
        );
    }
    lengths.sort_unstable();
    lengths
}

fn median(sorted: &[usize]) -> usize {
    sorted.get(sorted.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_function_over_the_limit_is_named_with_its_length() {
        let complaints =
            check(&Tree::of(&[("a.rs", &source(71)), ("b.rs", &"fn s() {}\n".repeat(3))]));
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0].to_string().starts_with("a.rs:1: function `f` has 71 lines"),
            "{}",
            complaints[0]
        );
    }

    #[test]
    fn a_function_at_the_limit_is_accepted() {
        assert_eq!(
            check(&Tree::of(&[("a.rs", &source(70)), ("b.rs", &"fn s() {}\n".repeat(3))])),
            []
        );
    }

    #[test]
    fn a_median_over_the_limit_is_a_complaint_and_tests_do_not_lower_it() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "fn s() {}\n".repeat(9));
        let complaints = check(&Tree::of(&[("a.rs", &(source(11) + &tests))]));
        assert!(
            complaints[0].message.starts_with("the median function has 11 lines"),
            "{complaints:?}"
        );
    }
}
