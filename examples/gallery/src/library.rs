//! The library: photos and what was made of them, in an `SQLite` file that apps and workers share.
//!
//! It is the application's own database, as any other would be: the framework knows nothing of it.
//!
//! # Invariants
//!
//! - A charge has the id of its task as its key: booked once, however often the task runs.
//! - Every other write may be repeated, and changes nothing then.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use longshore::tasks::TaskId;
use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

const SET_UP: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE IF NOT EXISTS photos (photo TEXT, owner TEXT, bytes BLOB, PRIMARY KEY (photo, owner)) STRICT;
    CREATE TABLE IF NOT EXISTS thumbnails (photo TEXT PRIMARY KEY, picture TEXT) STRICT;
    CREATE TABLE IF NOT EXISTS words (owner TEXT, word TEXT, photo TEXT, PRIMARY KEY (owner, word, photo)) STRICT;
    CREATE TABLE IF NOT EXISTS packed (task TEXT, photo TEXT, bytes BLOB, PRIMARY KEY (task, photo)) STRICT;
    CREATE TABLE IF NOT EXISTS charges (
        number INTEGER PRIMARY KEY, task TEXT UNIQUE, owner TEXT, cents INTEGER, what TEXT
    ) STRICT;
";

/// How much of a digest names a photo: 16 characters.
const NAME_BYTES: usize = 8;
const OWNER_CHARS_MAX: usize = 32;

/// The library. Cheap to clone; the file is opened when it is first needed. Its calls block their thread.
#[derive(Clone, Debug)]
pub struct Library {
    file: Arc<PathBuf>,
    connection: Arc<Mutex<Option<Connection>>>,
}

/// The library could not be read or written.
#[derive(Debug, Error)]
#[error("the library {file} does not answer")]
pub struct LibraryError {
    file: String,
    source: rusqlite::Error,
}

/// What a photo is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Whose it is.
    pub owner: String,
    /// The photo.
    pub photo: String,
    /// How it looks.
    pub words: Vec<&'static str>,
}

/// A line of an owner's ledger.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    /// How much.
    pub cents: u32,
    /// For what.
    pub what: String,
}

/// Whether an owner can be called that.
pub fn name_is_valid(owner: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=OWNER_CHARS_MAX).contains(&owner.len()) && owner.bytes().all(plain)
}

impl Library {
    /// The library in that directory.
    pub fn at(directory: &Path) -> Self {
        Self { file: Arc::new(directory.join("library.sqlite3")), connection: Arc::default() }
    }

    /// Whether it can be used; it is made if it is missing.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub fn check(&self) -> Result<(), LibraryError> {
        self.with(|_| Ok(()))
    }

    /// Keeps a photo, and answers its name, which follows from its bytes.
    ///
    /// # Errors
    ///
    /// As every call: the file cannot be opened, read or written.
    pub fn keep_photo(&self, owner: &str, bytes: &[u8]) -> Result<String, LibraryError> {
        let name = hex::encode(&Sha256::digest(bytes)[..NAME_BYTES]);
        let kept = "INSERT INTO photos VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.with(|connection| connection.execute(kept, params![name, owner, bytes]))?;
        Ok(name)
    }

    /// The bytes of a photo, if somebody uploaded it.
    pub fn photo(&self, photo: &str) -> Result<Option<Vec<u8>>, LibraryError> {
        let read = "SELECT bytes FROM photos WHERE photo = ?1";
        self.with(|connection| connection.query_row(read, [photo], |row| row.get(0)).optional())
    }

    /// The photos of an owner.
    pub fn photos_of(&self, owner: &str) -> Result<Vec<String>, LibraryError> {
        self.texts("SELECT photo FROM photos WHERE owner = ?1 ORDER BY photo", &[owner])
    }

    /// Keeps the small picture of a photo, in place of an earlier one.
    pub fn keep_thumbnail(&self, photo: &str, picture: &str) -> Result<(), LibraryError> {
        let kept = "INSERT OR REPLACE INTO thumbnails VALUES (?1, ?2)";
        self.with(|connection| connection.execute(kept, [photo, picture])).map(drop)
    }

    /// The small picture of a photo, if it was made.
    pub fn thumbnail(&self, photo: &str) -> Result<Option<String>, LibraryError> {
        let read = "SELECT picture FROM thumbnails WHERE photo = ?1";
        self.with(|connection| connection.query_row(read, [photo], |row| row.get(0)).optional())
    }

    /// Has the photos found by their words: all of them, in one transaction, or none.
    pub fn index(&self, photos: &[Indexed]) -> Result<(), LibraryError> {
        self.with(|connection| {
            let all = connection.transaction()?;
            for Indexed { owner, photo, words } in photos {
                for word in words {
                    let kept = "INSERT INTO words VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
                    all.execute(kept, [owner, *word, photo])?;
                }
            }
            all.commit()
        })
    }

    /// The photos of an owner that are found by a word.
    pub fn search(&self, owner: &str, word: &str) -> Result<Vec<String>, LibraryError> {
        let read = "SELECT photo FROM words WHERE owner = ?1 AND word = ?2 ORDER BY photo";
        self.texts(read, &[owner, word])
    }

    /// Keeps a photo that was packed for an archive.
    pub fn keep_packed(
        &self,
        task: &TaskId,
        photo: &str,
        bytes: &[u8],
    ) -> Result<(), LibraryError> {
        let kept = "INSERT INTO packed VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        let row = params![task.as_str(), photo, bytes];
        self.with(|connection| connection.execute(kept, row)).map(drop)
    }

    /// Whether a photo was packed for that archive.
    pub fn is_packed(&self, task: &TaskId, photo: &str) -> Result<bool, LibraryError> {
        let read = "SELECT EXISTS (SELECT 1 FROM packed WHERE task = ?1 AND photo = ?2)";
        self.with(|connection| connection.query_row(read, [task.as_str(), photo], |row| row.get(0)))
    }

    /// How many bytes each packed photo of that archive has.
    pub fn packed(&self, task: &TaskId) -> Result<Vec<u32>, LibraryError> {
        self.with(|connection| {
            let mut read =
                connection.prepare("SELECT length(bytes) FROM packed WHERE task = ?1")?;
            read.query_map([task.as_str()], |row| row.get(0))?.collect()
        })
    }

    /// Books a charge, unless this task did before, and answers what the owner owes, up to this charge.
    pub fn charge(
        &self,
        task: &TaskId,
        owner: &str,
        cents: u32,
        what: &str,
    ) -> Result<u32, LibraryError> {
        let booked = "INSERT INTO charges (task, owner, cents, what) VALUES (?1, ?2, ?3, ?4)
                      ON CONFLICT (task) DO NOTHING";
        let owed = "SELECT sum(cents) FROM charges
                    WHERE owner = ?2 AND number <= (SELECT number FROM charges WHERE task = ?1)";
        self.with(|connection| {
            let both = connection.transaction()?;
            both.execute(booked, params![task.as_str(), owner, cents, what])?;
            let owed = both.query_row(owed, [task.as_str(), owner], |row| row.get(0))?;
            both.commit()?;
            Ok(owed)
        })
    }

    /// What an owner was charged, in the order of the bookings.
    pub fn ledger(&self, owner: &str) -> Result<Vec<Line>, LibraryError> {
        let read = "SELECT cents, what FROM charges WHERE owner = ?1 ORDER BY number";
        self.with(|connection| {
            let line = |row: &rusqlite::Row<'_>| Ok(Line { cents: row.get(0)?, what: row.get(1)? });
            connection.prepare(read)?.query_map([owner], line)?.collect()
        })
    }

    fn texts(&self, read: &str, values: &[&str]) -> Result<Vec<String>, LibraryError> {
        self.with(|connection| {
            let values = rusqlite::params_from_iter(values);
            connection.prepare(read)?.query_map(values, |row| row.get(0))?.collect()
        })
    }

    fn with<T>(
        &self,
        ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<T, LibraryError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = match &mut *connection {
            Some(connection) => ask(connection),
            none => open(&self.file).and_then(|opened| ask(none.insert(opened))),
        };
        asked.map_err(|source| LibraryError { file: self.file.display().to_string(), source })
    }
}

fn open(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.execute_batch(SET_UP)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library() -> (tempfile::TempDir, Library) {
        let directory = tempfile::tempdir().unwrap();
        let library = Library::at(directory.path());
        (directory, library)
    }

    fn task(id: &str) -> TaskId {
        TaskId::parse(id).unwrap()
    }

    #[test]
    fn the_same_photo_of_two_owners_is_of_both() {
        let (_directory, library) = library();
        let name = library.keep_photo("ada", b"P2").unwrap();
        assert_eq!(library.keep_photo("max", b"P2").unwrap(), name);
        for owner in ["ada", "max"] {
            assert_eq!(library.photos_of(owner).unwrap(), [name.as_str()], "{owner}");
        }
    }

    #[test]
    fn a_task_that_runs_again_is_charged_once_and_answered_the_same() {
        let (_directory, library) = library();
        assert_eq!(library.charge(&task("t-1"), "ada", 5, "one").unwrap(), 5);
        assert_eq!(library.charge(&task("t-2"), "ada", 7, "two").unwrap(), 12);
        assert_eq!(library.charge(&task("t-1"), "ada", 5, "one").unwrap(), 5);
        assert_eq!(library.ledger("ada").unwrap().len(), 2);
    }

    #[test]
    fn an_owner_has_a_plain_name() {
        assert!(name_is_valid("ada-2"));
        for bad in ["", "Ada", "a b", "ä", "../ada", &"a".repeat(33)] {
            assert!(!name_is_valid(bad), "{bad}");
        }
    }
}
