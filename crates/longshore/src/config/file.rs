//! A configuration file: its keys, each with its line and its value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::slice;

use toml::de::DeTable;
use toml::{Table, Value};

/// What a file says.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
    entries: BTreeMap<String, Entry>,
}

/// A key's value, and where it is.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// The value.
    pub value: Value,
}

impl Entry {
    /// Whether this is the value, or one of the values, that reads as `text`.
    pub(crate) fn says(&self, text: &str) -> bool {
        let values = self.value.as_array().map_or(slice::from_ref(&self.value), Vec::as_slice);
        values.iter().any(|value| scalar(value).as_deref() == Some(text))
    }
}

/// The text of a value that is a string, a number or a boolean: what a flag would be given.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => Some(value.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

impl File {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not TOML.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|fault| format!("the configuration {shown} cannot be read: {fault}"))?;
        Self::parse(path, &text).map_err(|fault| format!("the configuration {shown}: {fault}"))
    }

    /// Reads a file's text.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, toml::de::Error> {
        let mut values: Table = text.parse()?;
        let spans = DeTable::parse(text)?;
        let entry = |key: &toml::Spanned<_>| {
            let key_text: &std::borrow::Cow<'_, str> = key.get_ref();
            let line = text[..key.span().start].matches('\n').count() + 1;
            let value = values.remove(key_text.as_ref())?;
            Some((key_text.clone().into_owned(), Entry { line, value }))
        };
        let entries = spans.get_ref().keys().filter_map(entry).collect();
        Ok(Self { path: path.to_owned(), entries })
    }

    /// The entries by key.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The entry with that key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Where an entry is: `FILE:LINE`.
    pub(crate) fn place(&self, entry: &Entry) -> String {
        format!("{}:{}", self.path.display(), entry.line)
    }

    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The path that is written as `path` in the file: relative ones begin where the file is.
    pub(crate) fn relative(&self, path: &str) -> String {
        match self.path.parent() {
            Some(directory) if !path.is_empty() => directory.join(path).display().to_string(),
            _ => path.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_line() {
        let text = "# first\nstrict = true\n\ndata = 'd'\n[queues.A]\n[queues.B]\n";
        let file = File::parse(Path::new("f"), text).unwrap();
        let lines: Vec<_> = file.entries().map(|(key, entry)| (key, entry.line)).collect();
        assert_eq!(lines, [("data", 4), ("queues", 5), ("strict", 2)]);
    }

    #[test]
    fn a_relative_path_begins_where_the_file_is() {
        let file = File::parse(Path::new("/etc/longshore/f.toml"), "").unwrap();
        assert_eq!(file.relative("q.toml"), "/etc/longshore/q.toml");
        assert_eq!(file.relative("/q.toml"), "/q.toml");
    }

    #[test]
    fn what_is_no_toml_names_its_line() {
        let fault = File::parse(Path::new("f"), "a = 1\nb = \n").unwrap_err();
        assert!(fault.to_string().contains("line 2"), "{fault}");
    }
}
