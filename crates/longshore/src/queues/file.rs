//! The file that declares queues, and its text.
//!
//! It is a file of its own, or the `[queues.NAME]` tables of a configuration file, which is written
//! `FILE#queues`.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::declared::desired;
use super::{DesiredQueue, QueueNames};
use crate::exit::Fault;

/// What follows the name of a configuration file whose tables declare the queues.
pub(crate) const WITHIN: &str = "#queues";

/// A file that declares queues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFile {
    path: PathBuf,
    within_configuration: bool,
}

impl QueueFile {
    /// Reads a flag's text. The file is not looked at.
    ///
    /// # Errors
    ///
    /// The name is empty.
    pub fn parse(text: &str) -> Result<Self, String> {
        let within = text.strip_suffix(WITHIN);
        match within.unwrap_or(text) {
            "" => Err("name a file".to_owned()),
            path => Ok(Self { path: path.into(), within_configuration: within.is_some() }),
        }
    }

    /// The text of the declaration, its lines where they are in the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read(&self) -> Result<String, Fault> {
        let text = std::fs::read_to_string(&self.path).map_err(|fault| {
            Fault::usage(format!("the queue file {self} cannot be read: {fault}"))
        })?;
        Ok(if self.within_configuration { only_tables(text) } else { text })
    }

    /// The queues that the file declares, under the names that they have there.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or makes no sense.
    pub fn queues(&self) -> Result<Vec<DesiredQueue>, Fault> {
        queues_in(&self.read()?, self, &QueueNames::default())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for QueueFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// The queues that a text declares, under these names; `source` is where it is from.
///
/// # Errors
///
/// It makes no sense.
pub(crate) fn queues_in(
    text: &str,
    source: &dyn fmt::Display,
    names: &QueueNames,
) -> Result<Vec<DesiredQueue>, Fault> {
    desired(text, names)
        .map_err(|fault| Fault::usage(format!("the queues of {source} make no sense: {fault}")))
}

/// A configuration's text with its other keys blanked out, so that every line stays where it is.
/// Text that is no TOML stays as it is: who reads it as a declaration says what is wrong.
fn only_tables(text: String) -> String {
    let Ok(table) = DeTable::parse(&text) else { return text };
    let others = table.get_ref().iter().filter(|(_, value)| !value.get_ref().is_table());
    let spans: Vec<_> = others.map(|(key, value)| key.span().start..value.span().end).collect();
    let kept = |(at, letter): (usize, char)| {
        let is_other = spans.iter().any(|span| span.contains(&at));
        if is_other && letter != '\n' { ' ' } else { letter }
    };
    text.char_indices().map(kept).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_say_that_the_queues_are_in_a_configuration_file() {
        let within = QueueFile::parse("a.toml#queues").unwrap();
        assert_eq!((within.path(), within.within_configuration), (Path::new("a.toml"), true));
        assert!(!QueueFile::parse("a.toml").unwrap().within_configuration);
        assert!(QueueFile::parse("").is_err() && QueueFile::parse(WITHIN).is_err());
    }

    #[test]
    fn the_settings_of_a_configuration_file_are_no_part_of_its_declaration() {
        let text = "strict = true\nnames = [\n  'é',\n]\n[queues.A]\ndelay = 3\n";
        let kept = only_tables(text.to_owned());
        assert_eq!(kept.lines().position(|line| line == "[queues.A]"), Some(4), "{kept}");
        let queues = desired(&kept, &QueueNames::default()).unwrap();
        assert_eq!(queues.len(), 1);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let fault = QueueFile::parse("no/such.toml").unwrap().queues().unwrap_err();
        assert!(fault.to_string().contains("no/such.toml"), "{fault}");
    }
}
