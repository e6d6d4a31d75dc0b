//! What the rules ask of a Rust file: its functions with their lengths, its public items, and which lines are tests.

use super::mask::mask;
use super::tree::File;

/// A Rust file, read as far as the rules need it.
#[derive(Debug)]
pub(super) struct RustFile<'a> {
    /// The file itself.
    pub(super) file: &'a File,
    masked: String,
    /// Byte ranges of modules, functions and impls that exist only in tests.
    tests: Vec<std::ops::Range<usize>>,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// The line of `fn`, counted from 1.
    pub(super) line: usize,
    /// From `fn` to the closing brace.
    pub(super) lines: usize,
    /// Whether it exists only in tests.
    pub(super) is_test: bool,
}

impl<'a> RustFile<'a> {
    /// Finds what is test code.
    pub(super) fn parse(file: &'a File) -> Self {
        let masked = mask(&file.text);
        let tests = test_ranges(&masked);
        Self { file, masked, tests }
    }

    /// Whether the whole file is test code, by its place.
    pub(super) fn is_test_file(&self) -> bool {
        let path = &self.file.path;
        path.contains("/tests/") || path.ends_with("/tests.rs")
    }

    /// How many lines are not test code.
    pub(super) fn lines_without_tests(&self) -> usize {
        if self.is_test_file() {
            return 0;
        }
        let in_tests = |range: &std::ops::Range<usize>| self.masked[range.clone()].lines().count();
        self.masked.lines().count() - self.tests.iter().map(in_tests).sum::<usize>()
    }

    /// All functions with a body, in the order of the file.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        words(&self.masked)
            .filter(|&(_, word)| word == "fn")
            .filter_map(|(at, _)| self.function(at))
            .collect()
    }

    /// Names of items that other modules can see, with their lines.
    pub(super) fn reachable_items(&self) -> Vec<(usize, &str)> {
        let lines = self.masked.lines().enumerate();
        lines.filter_map(|(index, line)| Some((index + 1, reachable_item(line)?))).collect()
    }

    fn function(&self, at: usize) -> Option<Function<'_>> {
        let (_, name) = words(&self.masked[at + 2..]).next()?;
        // A pointer type, `fn(u8)`, has no name before its parenthesis.
        self.masked[at + 2..].trim_start().starts_with(name).then_some(())?;
        let end = body_end(&self.masked, at)?;
        Some(Function {
            name,
            line: self.masked[..at].matches('\n').count() + 1,
            lines: self.masked[at..end].matches('\n').count() + 1,
            is_test: self.is_test_file() || self.tests.iter().any(|range| range.contains(&at)),
        })
    }
}

/// Identifiers and keywords with where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(is_word)?;
        let length = text[start..].find(|c| !is_word(c)).unwrap_or(text.len() - start);
        at = start + length;
        Some((start, &text[start..at]))
    })
}

/// Where the item that begins at `from` ends: after its closing brace; none if it has no body.
fn body_end(masked: &str, from: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, byte) in masked.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others = others.checked_sub(1)?,
            b'{' => braces += 1,
            b'}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 && others == 0 {
                    return Some(at + 1);
                }
            }
            b';' if braces == 0 && others == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Items under `#[cfg(test)]`, `#[cfg(all(test, …))]` or an attribute of the test harness.
fn test_ranges(masked: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, attribute) in attributes(masked) {
        let inside = ranges.last().is_some_and(|range| range.contains(&at));
        let after = at + attribute.len();
        if is_of_tests(attribute) && !inside {
            ranges.extend(body_end(masked, after).map(|end| at..end));
        }
    }
    ranges
}

fn attributes(masked: &str) -> impl Iterator<Item = (usize, &str)> {
    masked.match_indices("#[").filter_map(|(at, _)| {
        let length = masked[at..].find('\n').unwrap_or(masked.len() - at);
        let close = masked[at..at + length].rfind(']')?;
        Some((at, &masked[at..=at + close]))
    })
}

fn is_of_tests(attribute: &str) -> bool {
    ["#[cfg(test)", "#[cfg(all(test", "#[test]", "#[tokio::test"]
        .iter()
        .any(|of_tests| attribute.starts_with(of_tests))
}

/// The name of the `pub` or `pub(…)` item that a line declares.
fn reachable_item(line: &str) -> Option<&str> {
    let mut words = words(line.trim_start().strip_prefix("pub")?).map(|(_, word)| word).peekable();
    words.next_if(|word| ["crate", "super", "self"].contains(word));
    while words.next_if(|word| ["async", "unsafe", "extern"].contains(word)).is_some() {}
    let keyword = words.next()?;
    let name = words.next()?;
    match keyword {
        "const" if name == "fn" => words.next(),
        "struct" | "enum" | "trait" | "fn" | "mod" | "type" | "const" | "static" | "union" => {
            Some(name)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { path: "crates/wire/src/json.rs".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_function_is_as_long_as_from_its_name_to_its_closing_brace() {
        let file = file(
            "fn one() {}\nimpl X {\n    fn three(a: [u8; 2]) -> u8 {\n        a[0]\n    }\n}\n",
        );
        let parsed = RustFile::parse(&file);
        let found: Vec<_> =
            parsed.functions().iter().map(|f| (f.name.to_owned(), f.line, f.lines)).collect();
        assert_eq!(found, [("one".to_owned(), 1, 1), ("three".to_owned(), 3, 3)]);
    }

    #[test]
    fn declarations_without_a_body_and_pointer_types_are_no_functions() {
        let file = file("trait T { fn f(&self) -> [u8; 4]; }\nstruct S { g: fn(u8) -> u8 }\n");
        assert_eq!(RustFile::parse(&file).functions(), []);
    }

    #[test]
    fn functions_and_lines_of_test_modules_are_told_apart() {
        let file = file("fn f() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn g() {}\n}\n");
        let parsed = RustFile::parse(&file);
        assert_eq!(parsed.functions().iter().map(|f| f.is_test).collect::<Vec<_>>(), [false, true]);
        assert_eq!(parsed.lines_without_tests(), 1);
    }

    #[test]
    fn an_attribute_of_the_tests_module_declaration_hides_nothing_after_it() {
        let file = file("#[cfg(test)]\nmod tests;\nfn f() {}\n");
        assert!(!RustFile::parse(&file).functions()[0].is_test);
    }

    #[test]
    fn items_that_other_modules_can_see_are_found_by_name() {
        let file = file(
            "pub struct A;\n  pub(crate) async fn b() {}\npub const fn c() {}\nfn d() {}\npub use x::Y;\n",
        );
        assert_eq!(RustFile::parse(&file).reachable_items(), [(1, "A"), (2, "b"), (3, "c")]);
    }
}
