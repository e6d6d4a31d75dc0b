//! The files of the project, read once.

use std::fs;

use anyhow::Result;

use super::rust::RustFile;
use crate::workspace;

/// A text file of the project.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// From the root, with forward slashes.
    pub(super) path: String,
    /// All of it.
    pub(super) text: String,
}

impl File {
    /// The lines with their numbers, counted from 1.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the name ends in one of these, such as `.md`.
    pub(super) fn ends_in(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| self.path.ends_with(ending))
    }
}

/// All text files of the project, in the order of their paths.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    /// Text files.
    pub(super) files: Vec<File>,
    /// Paths of all files, those that are not text too.
    pub(super) paths: Vec<String>,
}

impl Tree {
    /// Reads what git tracks and what it would track: new files are checked before they are committed.
    pub(super) fn read() -> Result<Self> {
        let mut list = workspace::command("git");
        list.args(["ls-files", "--cached", "--others", "--exclude-standard"]);
        let mut tree = Self::default();
        for path in workspace::output_of(&mut list)?.lines() {
            // A file that is deleted but not yet committed is still listed.
            let Ok(bytes) = fs::read(workspace::root().join(path)) else { continue };
            tree.paths.push(path.to_owned());
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.push(File { path: path.to_owned(), text });
            }
        }
        Ok(tree)
    }

    /// The Rust sources, parsed as far as the rules need.
    pub(super) fn rust(&self) -> impl Iterator<Item = RustFile<'_>> {
        self.files.iter().filter(|file| file.ends_in(&[".rs"])).map(RustFile::parse)
    }

    /// The manifests of the workspace's members. A manifest that begins a workspace of its own is not one of them.
    pub(super) fn manifests(&self) -> impl Iterator<Item = &File> {
        let manifests = self.files.iter().filter(|file| file.path.ends_with("/Cargo.toml"));
        manifests.filter(|file| !file.text.lines().any(|line| line == "[workspace]"))
    }

    /// The file at a path from the root.
    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

#[cfg(test)]
impl Tree {
    /// A tree of these (path, text) pairs.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |&(path, text): &(&str, &str)| File { path: path.to_owned(), text: text.to_owned() };
        let files: Vec<_> = files.iter().map(file).collect();
        Self { paths: files.iter().map(|file| file.path.clone()).collect(), files }
    }
}
