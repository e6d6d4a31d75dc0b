//! The file of access keys.
//!
//! ```toml
//! [[access_key]]
//! id = "orders"                # what requests show
//! secret = "…"                 # what they are signed with
//! account = "123456789012"     # without it, the id if that is 12 digits, else the broker's own
//! user = "ann"                 # without it, the account itself
//! ```
//!
//! An error names the line and does not show it, because it may be the one that has the secret.

use std::ops::Range;
use std::path::Path;

use longshore_types::AccountId;
use longshore_wire::signature::SecretKey;
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use toml::Spanned;

use super::{AccessKey, KeyRing};

/// What a file of access keys lacks.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// One of its lines makes no sense.
    #[error("line {line}: {what}")]
    Line {
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    access_key: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    #[serde(deserialize_with = "secret")]
    secret: SecretKey,
    account: Option<String>,
    user: Option<String>,
}

impl KeyRing {
    /// Reads a file of access keys, and warns in the log if everybody on the system can.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`]; nothing of the file's secrets is in it.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let ring = Self::parse(&std::fs::read_to_string(path)?)?;
        if is_open_to_all(path)? {
            let path = path.display();
            tracing::warn!(%path, "everybody on this system can read the access keys' secrets: chmod 600 the file");
        }
        Ok(ring)
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Line`]: unknown keys are errors.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let at = |span: Option<Range<usize>>, what: String| {
            let before = text.get(..span.unwrap_or_default().start).unwrap_or_default();
            KeyFileError::Line { line: before.matches('\n').count() + 1, what }
        };
        let file: File =
            toml::from_str(text).map_err(|fault| at(fault.span(), fault.message().to_owned()))?;
        let mut ring = Self::default();
        for entry in file.access_key {
            let span = entry.span();
            let added = entry
                .into_inner()
                .key()
                .and_then(|key| ring.add(key).map_err(|fault| fault.to_string()));
            added.map_err(|what| at(Some(span), what))?;
        }
        Ok(ring)
    }
}

impl Entry {
    fn key(self) -> Result<AccessKey, String> {
        let account = self.account.as_deref().map(AccountId::parse).transpose();
        let account = account.map_err(|fault| fault.to_string())?;
        Ok(AccessKey { id: self.id, secret: self.secret, account, user: self.user })
    }
}

/// A secret, from a string; what is none is not repeated in the error.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretKey, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    let secret = value.as_str().map(SecretKey::new);
    secret.ok_or_else(|| serde::de::Error::custom("a secret is a string in quotes"))
}

#[cfg(unix)]
fn is_open_to_all(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o004 != 0)
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_what_they_say() {
        let text = "[[access_key]]\nid = 'a'\nsecret = 's'\naccount = '123456789012'\n\
                    user = 'ann'\n[[access_key]]\nid = '210987654321'\nsecret = 't'\n";
        let ring = KeyRing::parse(text).unwrap();
        let default = AccountId::default();
        assert_eq!(
            ring.identity("a", &default).unwrap().arn(),
            "arn:aws:iam::123456789012:user/ann"
        );
        let own = ring.identity("210987654321", &default).unwrap();
        assert_eq!(own.arn(), "arn:aws:iam::210987654321:root");
        assert_eq!((ring.count(), ring.secret("a")), (2, Some(&SecretKey::new("s"))));
        assert!(KeyRing::parse("").unwrap().is_empty());
    }

    #[test]
    fn an_error_names_the_line_and_shows_no_secret() {
        for (text, line, part) in [
            ("[[access_key]]\nid = 'a'\nsecret = 's'\nusr = 'x'\n", 4, "unknown field `usr`"),
            ("[[access_keys]]\n", 1, "unknown field `access_keys`"),
            ("[[access_key]]\nid = 'a'\n", 1, "missing field `secret`"),
            ("[[access_key]]\nid = 'a'\nsecret = 420042\n", 3, "a secret is a string"),
            ("[[access_key]]\nid = 'a'\nsecret = hunter2\n", 3, ""),
            ("\n[[access_key]]\nid = 'a'\nsecret = 's'\naccount = '1'\n", 2, "account number"),
            ("[[access_key]]\nid='a'\nsecret='s'\n[[access_key]]\nid='a'\nsecret='t'", 4, "twice"),
        ] {
            let fault = KeyRing::parse(text).unwrap_err();
            let KeyFileError::Line { line: found, ref what } = fault else { panic!("{fault}") };
            assert!(found == line && what.contains(part), "{text}: {fault}");
            assert!(!what.contains("420042") && !what.contains("hunter2"), "{fault}");
        }
    }

    #[test]
    fn a_ring_shows_no_secret() {
        let ring = KeyRing::parse("[[access_key]]\nid = 'a'\nsecret = 'hunter2'\n").unwrap();
        assert!(!format!("{ring:?}").contains("hunter2"));
    }
}
