//! Where a store is, as one text: what `--store` takes.
//!
//! ```text
//! path/to/tasks.sqlite3, sqlite://PATH               one file, for the programs of one host
//! postgres://…, redis://…, rediss://…                a server that several hosts share
//! dynamodb://TABLE[?region=…&endpoint_url=…]         a table that several hosts share
//! memory://                                          this program alone, until it ends
//! ```
//!
//! # Invariants
//!
//! - A URL is never taken for the name of a file.
//! - No password is shown: not by `Display`, not by `Debug`, and not by an error.

use std::fmt;
use std::path::Path;
#[cfg(feature = "sqlite")]
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

#[cfg(feature = "dynamodb")]
use super::dynamodb::{DynamoOptions, DynamoStore};
#[cfg(any(feature = "postgres", feature = "redis"))]
use super::secret;
use super::{MemoryStore, Result, Store};
use crate::clock::Clock;

/// The URLs that there are, for errors.
const URLS: &str = "postgres://, postgresql://, redis://, rediss://, dynamodb://, sqlite://, \
                    memory://";
/// Their schemes.
const SCHEMES: [&str; 7] =
    ["postgres", "postgresql", "redis", "rediss", "dynamodb", "sqlite", "memory"];

/// Calls of one kind under way at once in `PostgreSQL`. With one, the most rows share a commit: it was
/// faster than two, and two faster than four.
#[cfg(feature = "postgres")]
const POSTGRES_AT_ONCE: usize = 1;

/// Where a store is: a path, or a URL.
///
/// ```
/// use longshore_tasks::store::StoreLocation;
///
/// let shared = StoreLocation::parse("memory://")?;
/// assert!(!shared.is_shared_between_hosts());
/// assert!(StoreLocation::parse("mysql://host/tasks").is_err());
/// # Ok::<(), longshore_tasks::store::StoreLocationError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StoreLocation(Kind);

#[derive(Clone, PartialEq, Eq)]
enum Kind {
    Memory,
    #[cfg(feature = "sqlite")]
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Postgres(String),
    #[cfg(feature = "redis")]
    Redis(String),
    #[cfg(feature = "dynamodb")]
    DynamoDb(DynamoOptions),
}

/// Why a text does not say where a store is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreLocationError {
    /// There is no text, or it has a control character.
    #[error("a store is a path or a URL ({URLS}), and this is neither")]
    Neither,
    /// A URL whose scheme no store has.
    #[error("{scheme}:// is no store: there are {URLS}, and paths of files")]
    UnknownScheme {
        /// What stands before `://`.
        scheme: String,
    },
    /// It begins like a URL, and is none.
    #[error("a URL begins with {scheme}://; write ./{scheme}: for a file of that name")]
    HalfScheme {
        /// What stands before `:`.
        scheme: String,
    },
    /// The program was built without that store.
    #[error(
        "this program was built without {store}: switch on the feature `{feature}` of Longshore"
    )]
    NotBuiltIn {
        /// The store's name.
        store: &'static str,
        /// The feature that brings it.
        feature: &'static str,
    },
    /// A URL of a store that says something it cannot say.
    #[error("not a {scheme}:// URL: {reason}")]
    Malformed {
        /// The URL's scheme.
        scheme: &'static str,
        /// What is wrong, and what is right.
        reason: String,
    },
}

type Parsed = std::result::Result<StoreLocation, StoreLocationError>;

impl StoreLocation {
    /// Reads a path or a URL. What contains `://` is a URL, unless it begins as a path does, with
    /// `/`, `./` or `../`. Whether the store is there is not looked at.
    ///
    /// # Errors
    ///
    /// [`StoreLocationError`] says what is wrong. It never shows a password.
    pub fn parse(text: &str) -> Parsed {
        if text.trim().is_empty() || text.contains(char::is_control) {
            return Err(StoreLocationError::Neither);
        }
        if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
            return file(text);
        }
        if let Some((scheme, rest)) = text.split_once("://") {
            return url(text, &scheme.to_ascii_lowercase(), rest);
        }
        match text.split_once(':') {
            Some((start, _)) if SCHEMES.contains(&start.to_ascii_lowercase().as_str()) => {
                Err(StoreLocationError::HalfScheme { scheme: start.to_ascii_lowercase() })
            }
            _ => file(text),
        }
    }

    /// The store in memory, which ends with the program.
    pub fn memory() -> Self {
        Self(Kind::Memory)
    }

    /// The embedded store: a file.
    #[cfg(feature = "sqlite")]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Kind::File(path.into()))
    }

    /// Whether programs on several hosts can share it.
    pub fn is_shared_between_hosts(&self) -> bool {
        match &self.0 {
            Kind::Memory => false,
            #[cfg(feature = "sqlite")]
            Kind::File(_) => false,
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => true,
            #[cfg(feature = "redis")]
            Kind::Redis(_) => true,
            #[cfg(feature = "dynamodb")]
            Kind::DynamoDb(_) => true,
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        #[cfg(feature = "sqlite")]
        if let Kind::File(path) = &self.0 {
            return Some(path);
        }
        None
    }

    /// Opens the store, by that clock where it has none of its own. A file is made if it is
    /// missing, with its directory, which is then its owner's alone (0700).
    ///
    /// # Errors
    ///
    /// It cannot be reached, opened or used; see [`StoreError`](super::StoreError).
    ///
    /// # Cancel safety
    ///
    /// A dropped call may have made the file or the table.
    #[cfg_attr(
        not(any(
            feature = "sqlite",
            feature = "postgres",
            feature = "redis",
            feature = "dynamodb"
        )),
        expect(clippy::unused_async, reason = "memory is there at once; every other store is not")
    )]
    pub async fn open(&self, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
        Ok(match &self.0 {
            Kind::Memory => Arc::new(MemoryStore::with_clock(clock)),
            #[cfg(feature = "sqlite")]
            Kind::File(path) => open_file(path.clone(), clock).await?,
            #[cfg(feature = "postgres")]
            Kind::Postgres(url) => {
                use super::postgres::{DEFAULT_SCHEMA, PostgresStore};
                let store = PostgresStore::connect(url, DEFAULT_SCHEMA).await?;
                Arc::new(super::GroupedStore::new(Arc::new(store), POSTGRES_AT_ONCE))
            }
            #[cfg(feature = "redis")]
            Kind::Redis(url) => Arc::new(
                super::redis::RedisStore::connect(url, super::redis::DEFAULT_PREFIX).await?,
            ),
            #[cfg(feature = "dynamodb")]
            Kind::DynamoDb(options) => {
                Arc::new(DynamoStore::connect_with_clock(options.clone(), clock).await?)
            }
        })
    }
}

/// Reads a URL: `text` is all of it, `rest` what follows `://`.
fn url(text: &str, scheme: &str, rest: &str) -> Parsed {
    match scheme {
        "memory" if rest.is_empty() => Ok(StoreLocation::memory()),
        "memory" => Err(malformed("memory", "nothing follows memory://")),
        "sqlite" => sqlite(rest),
        "postgres" | "postgresql" => postgres(text, rest),
        "redis" | "rediss" => redis(text, rest),
        "dynamodb" => dynamodb(rest),
        _ => Err(StoreLocationError::UnknownScheme { scheme: scheme.to_owned() }),
    }
}

fn malformed(scheme: &'static str, reason: impl Into<String>) -> StoreLocationError {
    StoreLocationError::Malformed { scheme, reason: reason.into() }
}

fn sqlite(rest: &str) -> Parsed {
    match rest {
        "" | "/" => Err(malformed("sqlite", "the path of a file follows sqlite://")),
        _ if rest.contains('?') => Err(malformed("sqlite", "it takes no parameters")),
        path => file(path),
    }
}

#[cfg(feature = "sqlite")]
#[expect(clippy::unnecessary_wraps, reason = "a program without SQLite has no paths")]
fn file(path: &str) -> Parsed {
    Ok(StoreLocation(Kind::File(PathBuf::from(path))))
}

#[cfg(not(feature = "sqlite"))]
fn file(_path: &str) -> Parsed {
    Err(StoreLocationError::NotBuiltIn { store: "SQLite", feature: "sqlite" })
}

/// Whether something follows the scheme that can be a server's address.
fn server(scheme: &'static str, rest: &str) -> std::result::Result<(), StoreLocationError> {
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return Err(malformed(scheme, "a host follows the scheme, and there are no spaces"));
    }
    Ok(())
}

#[cfg(feature = "postgres")]
fn postgres(text: &str, rest: &str) -> Parsed {
    server("postgres", rest)?;
    Ok(StoreLocation(Kind::Postgres(text.to_owned())))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_text: &str, rest: &str) -> Parsed {
    server("postgres", rest)?;
    Err(StoreLocationError::NotBuiltIn { store: "PostgreSQL", feature: "postgres" })
}

#[cfg(feature = "redis")]
fn redis(text: &str, rest: &str) -> Parsed {
    server("redis", rest)?;
    Ok(StoreLocation(Kind::Redis(text.to_owned())))
}

#[cfg(not(feature = "redis"))]
fn redis(_text: &str, rest: &str) -> Parsed {
    server("redis", rest)?;
    Err(StoreLocationError::NotBuiltIn { store: "Redis", feature: "redis" })
}

#[cfg(feature = "dynamodb")]
fn dynamodb(rest: &str) -> Parsed {
    let options = DynamoOptions::parse(rest).map_err(|reason| malformed("dynamodb", reason))?;
    Ok(StoreLocation(Kind::DynamoDb(options)))
}

#[cfg(not(feature = "dynamodb"))]
fn dynamodb(_rest: &str) -> Parsed {
    Err(StoreLocationError::NotBuiltIn { store: "DynamoDB", feature: "dynamodb" })
}

/// Opens the file on a thread that may block: it waits for the disk, and for other programs.
#[cfg(feature = "sqlite")]
async fn open_file(path: PathBuf, clock: Arc<dyn Clock>) -> Result<Arc<dyn Store>> {
    use super::{StoreError, sqlite::SqliteStore};
    let name = path.display().to_string();
    let open = move || {
        make_directory(&path)
            .map_err(|error| StoreError::unavailable(name, "make its directory", error))?;
        SqliteStore::open_with_clock(&path, clock).map(|store| Arc::new(store) as Arc<dyn Store>)
    };
    tokio::task::spawn_blocking(open).await.expect("opening a file does not panic")
}

/// Makes the directory of a file, if it is missing, for its owner alone.
#[cfg(feature = "sqlite")]
fn make_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)
        }
        _ => Ok(()),
    }
}

impl FromStr for StoreLocation {
    type Err = StoreLocationError;

    fn from_str(text: &str) -> Parsed {
        Self::parse(text)
    }
}

/// As it was written, without its password.
impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Memory => f.write_str("memory://"),
            #[cfg(feature = "sqlite")]
            Kind::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Kind::Postgres(url) => f.write_str(&secret::without_password(url)),
            #[cfg(feature = "redis")]
            Kind::Redis(url) => f.write_str(&secret::without_password(url)),
            #[cfg(feature = "dynamodb")]
            Kind::DynamoDb(options) => options.fmt(f),
        }
    }
}

impl fmt::Debug for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreLocation({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        StoreLocation::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn an_unknown_scheme_is_an_error_that_names_those_that_there_are() {
        for text in
            ["mysql://me:s3cret@host/tasks", "mongodb://host", " redis://host", "://", "a/b://c"]
        {
            let error = error(text);
            assert!(error.contains("postgres://") && error.contains("dynamodb://"), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn half_a_url_is_no_path() {
        for text in ["redis:127.0.0.1:6379", "Redis:/127.0.0.1", "postgres:tasks", "dynamodb:tasks"]
        {
            assert!(error(text).contains("://"), "{text}");
        }
    }

    #[test]
    fn what_is_empty_or_has_control_characters_is_no_store() {
        for text in ["", "  ", "tasks\n.sqlite3", "tasks\0", "redis://host\n"] {
            assert_eq!(StoreLocation::parse(text), Err(StoreLocationError::Neither), "{text:?}");
        }
    }

    #[test]
    fn a_url_that_says_nothing_is_an_error_of_its_scheme() {
        for (text, scheme) in [
            ("postgres://", "postgres"),
            ("redis://", "redis"),
            ("redis://a host", "redis"),
            ("memory://tasks", "memory"),
            ("sqlite://", "sqlite"),
            ("sqlite://tasks.sqlite3?mode=ro", "sqlite"),
        ] {
            let error = error(text);
            assert!(error.starts_with(&format!("not a {scheme}:// URL")), "{error}");
        }
    }

    #[cfg(not(all(feature = "postgres", feature = "redis", feature = "dynamodb")))]
    #[test]
    fn a_store_that_is_not_built_in_is_an_error_that_names_its_feature() {
        let cases = [
            ("postgres://me:s3cret@host/tasks", "postgres", cfg!(feature = "postgres")),
            ("PostgreSQL://host/tasks", "postgres", cfg!(feature = "postgres")),
            ("redis://127.0.0.1:6379", "redis", cfg!(feature = "redis")),
            ("rediss://host", "redis", cfg!(feature = "redis")),
            ("dynamodb://tasks", "dynamodb", cfg!(feature = "dynamodb")),
        ];
        for (text, feature, _) in cases.into_iter().filter(|(.., built_in)| !built_in) {
            let error = error(text);
            assert!(error.contains(&format!("the feature `{feature}`")), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn memory_is_shared_by_nobody() {
        let memory = StoreLocation::parse("memory://").unwrap();
        assert_eq!(memory, StoreLocation::memory());
        assert_eq!((memory.to_string().as_str(), memory.path()), ("memory://", None));
        assert!(!memory.is_shared_between_hosts());
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_text_without_a_scheme_is_a_path() {
        for (text, path) in [
            ("tasks.sqlite3", "tasks.sqlite3"),
            ("data/a:b", "data/a:b"),
            ("./redis:6379", "./redis:6379"),
            ("/x://y", "/x://y"),
            ("sqlite:///var/lib/tasks", "/var/lib/tasks"),
            ("sqlite://tasks", "tasks"),
        ] {
            let location: StoreLocation = text.parse().unwrap();
            assert_eq!(location.path(), Some(Path::new(path)));
            assert!(!location.is_shared_between_hosts());
        }
    }

    #[cfg(feature = "dynamodb")]
    #[test]
    fn a_table_is_shared() {
        let text = "dynamodb://tasks?region=eu-west-1";
        let location = StoreLocation::parse(text).unwrap();
        assert!(location.is_shared_between_hosts());
        assert_eq!(location.to_string(), text);
        assert!(error("dynamodb://").starts_with("not a dynamodb:// URL"));
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_missing_directory_is_made_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/tasks.sqlite3");
        let location = StoreLocation::parse(path.to_str().unwrap()).unwrap();
        let store = location.open(Arc::new(crate::SystemClock)).await.unwrap();
        assert_eq!(store.name(), path.to_str().unwrap());
        for (path, mode) in [(path.parent().unwrap(), 0o700), (path.as_path(), 0o600)] {
            let found = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{}", path.display());
        }
    }
}
